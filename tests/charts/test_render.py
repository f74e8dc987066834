"""Every values file and every combination of switches: both helms lint and render it, and Kubernetes knows the result."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from proof import cases, helm, podsecurity, secrets
from proof.charts import CHARTS, Chart, Stage, discover
from proof.kubeschemas import MINORS, Schemas, api_versions
from proof.manifests import Document, annotations, hook_events, identity, pods


@pytest.mark.parametrize("version", helm.HELMS)
@pytest.mark.parametrize(("chart", "values"), cases.values_files())
def test_lint(stage: Stage, version: str, chart: Chart, values: Path) -> None:
    done = helm.run(version, "lint", "--strict", str(stage.chart(chart)), "-f", str(values))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout and "[ERROR]" not in done.stdout, done.stdout


@pytest.mark.parametrize(("chart", "values"), cases.values_files())
def test_both_helms_render_the_same(stage: Stage, chart: Chart, values: Path) -> None:
    ours, theirs = (
        {identity(document): settled(document) for document in helm.template(version, stage.chart(chart), [values], *api_versions())}
        for version in helm.HELMS
    )
    assert ours == theirs


def settled(document: Document) -> str:
    """A document without what differs between two renderings: generated credentials and checksums of them."""
    copy = json.loads(json.dumps(document, default=str))
    if copy["kind"] == "Secret":
        for part in ("data", "stringData"):
            copy[part] = sorted(copy.get(part) or {})
    for owner in (copy, *(pod for _, pod in pods([copy]))):
        kept = {key: value for key, value in annotations(owner).items() if not key.startswith("checksum/")}
        owner.get("metadata", {})["annotations"] = kept
    return json.dumps(copy, sort_keys=True)


@pytest.mark.parametrize(("chart", "values"), cases.values_files())
def test_a_values_file_is_sound(stage: Stage, schemas: Schemas, chart: Chart, values: Path) -> None:
    documents = helm.template("helm4", stage.chart(chart), [values], *api_versions())
    judge(documents, schemas)


@pytest.mark.programs
@pytest.mark.parametrize(("chart", "values"), cases.values_files())
def test_the_oldest_helm_that_is_promised(stage: Stage, chart: Chart, values: Path) -> None:
    """It lints every values file, and renders the same objects as helm 3 of today."""
    oldest = shutil.which("helm-oldest")
    assert oldest, "no helm-oldest on PATH: tests/charts/run builds it"
    said = subprocess.run([oldest, "version", "--short"], capture_output=True, text=True, env=helm.environment(), check=True).stdout
    matrix = (CHARTS / "RELEASING.md").read_text().split("| chart | floe-core |")[1].split("\n\n")[0]
    promised = set(re.findall(r"(\d+\.\d+) and newer", matrix))
    assert len(promised) == 1 and said.startswith(f"v{promised.pop()}."), f"RELEASING.md promises another helm than {said}"
    folder = str(stage.chart(chart))
    for command in (["lint", "--strict", folder], ["template", helm.RELEASE, folder, "--namespace", helm.NAMESPACE, "--kube-version", "1.30.0", *api_versions()]):
        done = subprocess.run([oldest, *command, "-f", str(values)], capture_output=True, text=True, env=helm.environment(), timeout=120)
        assert done.returncode == 0, f"{said}{done.stdout}{done.stderr}"
    today = helm.template("helm3", stage.chart(chart), [values], "--kube-version", "1.30.0", *api_versions())
    assert {identity(document): settled(document) for document in helm.documents(done.stdout)} == {identity(document): settled(document) for document in today}


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize(("chart", "values"), cases.environments())
def test_an_environment_on_an_older_kubernetes(stage: Stage, schemas: Schemas, chart: Chart, values: Path | None, minor: str) -> None:
    files = [values] if values else []
    documents = helm.template("helm4", stage.chart(chart), files, "--kube-version", f"{minor}.0", *api_versions())
    assert not schemas.check(documents)


@pytest.mark.parametrize(("chart", "values"), cases.switched())
def test_a_combination_of_switches(stage: Stage, schemas: Schemas, tmp_path: Path, chart: Chart, values: dict[str, Any]) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    folder = stage.chart(chart)
    documents = helm.template("helm4", folder, [file], *api_versions())
    judge(documents, schemas)
    older = helm.template("helm3", folder, [file], *api_versions())
    assert sorted(map(identity, documents)) == sorted(map(identity, older)), "helm 3 and 4 render different objects"


@pytest.mark.parametrize("file", sorted(CHARTS.glob("*/argocd/**/*.yaml")), ids=lambda path: str(path.relative_to(CHARTS)))
def test_objects_beside_a_chart_are_what_their_apis_say(schemas: Schemas, file: Path) -> None:
    documents = helm.documents(file.read_text())
    assert documents and not schemas.check(documents)


# What a slip of the hand would make of objects that charts render, and what the complaint must name.
SLIPS = [
    ("ServiceMonitor", "spec.endpoints.0.intervall", "15s", "intervall"),
    ("ServiceMonitor", "spec.endpoints.0.interval", "15 seconds", "interval"),
    ("ServiceMonitor", "spec.selector.matchLabel", {}, "matchLabel"),
    ("PrometheusRule", "spec.groups.0.rules.0.record", "both:an:alert:and:a:record", "oneOf"),
    ("PrometheusRule", "spec.groups.0.rules.0.severity", "critical", "severity"),
    ("ExternalSecret", "apiVersion", "external-secrets.io/v2", ""),
    ("ExternalSecret", "spec.data.0.remoteRef.name", "x", "name"),
    ("ExternalSecret", "spec.secretStoreRef.kind", "Vault", "kind"),
    ("HTTPRoute", "spec.rules.0.matches.0.path.value", "no-slash", "value"),
    ("HTTPRoute", "spec.rules.0.backendRefs.0.service", "x", "service"),
    ("VirtualService", "spec.http.0.route.0.destination.port", 80, "port"),
    ("VirtualService", "spec.http.0.retries.retryOn", ["connect-failure"], "retryOn"),
    ("DestinationRule", "spec.trafficPolicy.tls.mode", "STRICT", "mode"),
    ("PeerAuthentication", "spec.mtls.mode", "ISTIO_MUTUAL", "mode"),
    ("Server", "spec.accessPolicy", "allow", "accessPolicy"),
    ("AuthorizationPolicy", "spec.targetRef.labels", {}, "labels"),
    ("MeshTLSAuthentication", "spec.identities", ["*"], "oneOf"),
    ("Middleware", "spec.rateLimit.averge", 10, "averge"),
    ("ServersTransport", "spec.forwardingTimeouts.dialTimeout", "soon", "dialTimeout"),
    ("Application", "spec.syncPolicy.syncOptions.0", "CreateNamespace", "syncOptions"),
    ("ApplicationSet", "spec.template.spec.source", {}, ""),
    ("AppProject", "spec.roles.0.policies.0", "allow everything", "policies"),
    ("AppProject", "spec.syncWindows.0.kind", "maybe", "kind"),
]


@pytest.fixture(scope="session")
def examples(stage: Stage) -> dict[str, Document]:
    """One object of each optional API, out of the charts' own values files."""
    found: dict[str, Document] = {}
    for chart in discover():
        for values in chart.values_files:
            for document in helm.template("helm4", stage.chart(chart), [values], *api_versions()):
                found.setdefault(document["kind"], document)
    for file in CHARTS.glob("*/argocd/**/*.yaml"):
        for document in helm.documents(file.read_text()):
            if document["kind"] != "AppProject" or "syncWindows" in document["spec"]:
                found.setdefault(document["kind"], document)
    return found


@pytest.mark.skipif(bool(os.environ.get("CHARTS")), reason="CHARTS leaves charts out, whose objects are the examples")
@pytest.mark.parametrize(("kind", "path", "value", "named"), SLIPS, ids=[f"{slip[0]}-{slip[1]}" for slip in SLIPS])
def test_a_slip_in_an_optional_api_is_refused(schemas: Schemas, examples: dict[str, Document], kind: str, path: str, value: Any, named: str) -> None:
    document = json.loads(json.dumps(examples[kind], default=str))
    assert not schemas.check([document])
    node: Any = document
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        node = node.setdefault(part, {}) if isinstance(node, dict) else node[part]
    node[last] = value
    said = schemas.check([document])
    assert said and named in " ".join(said), said


def judge(documents: list[Document], schemas: Schemas) -> None:
    """Everything that holds for whatever a chart renders."""
    faults = schemas.check(documents)
    for document, pod in pods(documents):
        faults += [f"{identity(document)}: {fault}" for fault in podsecurity.violations(pod) + podsecurity.house_rules(pod)]
    faults += secrets.leaks(documents) + secrets.literals(documents)
    faults += unlabelled(documents) + twice(documents) + dangling(documents) + stale(documents)
    assert not faults, "\n".join(dict.fromkeys(faults))


def unlabelled(documents: list[Document]) -> list[str]:
    """Kubernetes' recommended labels; hooks and tests carry them too."""
    found = []
    for document in documents:
        labels = document["metadata"].get("labels") or {}
        lacking = [label for label in ("name", "instance", "managed-by") if f"app.kubernetes.io/{label}" not in labels]
        if lacking or "helm.sh/chart" not in labels:
            found.append(f"{identity(document)} lacks the labels {', '.join(lacking) or 'helm.sh/chart'}")
    return found


# ConfigMaps, by the end of their name, that are no reason to restart, and why.
RELOADED: dict[str, str] = {
    "postgresql-initdb": "PostgreSQL runs these scripts while its volume is empty, and never again",
    "dataspoke-temporal": "Temporal reads its dynamic configuration again every minute",
}


def stale(documents: list[Document]) -> list[str]:
    """Pods that would go on with the old configuration: neither a checksum of it in their annotations, nor a program that reloads."""
    made = {document["metadata"]["name"] for document in documents if document["kind"] == "ConfigMap"}
    found = []
    for document, pod in pods(documents):
        if document["kind"] not in ("Deployment", "StatefulSet", "DaemonSet"):
            continue
        used = set(re.findall(r'"configMap(?:KeyRef|Ref)?": \{[^{}]*"name": "([^"]+)"', json.dumps(pod["spec"]))) & made
        unread = {name for name in used if not name.endswith(tuple(RELOADED))}
        if unread and not any(key.startswith("checksum/") for key in annotations(pod)):
            found.append(f"{identity(document)} reads ConfigMap {', '.join(sorted(unread))} and has no checksum of it")
    return found


def twice(documents: list[Document]) -> list[str]:
    seen: set[tuple[str, str, str]] = set()
    found = []
    for document in documents:
        key = (document["kind"], document["metadata"].get("namespace") or "", document["metadata"]["name"])
        if key in seen:
            found.append(f"{identity(document)} is rendered twice")
        seen.add(key)
    return found


def dangling(documents: list[Document]) -> list[str]:
    """Selectors that select nothing, and references to objects that the release ought to hold."""
    found = []
    names = {(document["kind"], document["metadata"]["name"]) for document in documents}
    templates = [pod for document, pod in pods(documents)]
    for document in documents:
        spec, kind = document.get("spec") or {}, document["kind"]
        if kind == "Service" and spec.get("selector") and not any(selects(spec["selector"], pod) for pod in templates):
            found.append(f"{identity(document)} selects no pod of the release: {spec['selector']}")
        if kind == "PodDisruptionBudget" and not any(selects((spec["selector"] or {}).get("matchLabels") or {}, pod) for pod in templates):
            found.append(f"{identity(document)} selects no pod of the release")
        if kind == "HorizontalPodAutoscaler":
            target = (spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"])
            if target not in names:
                found.append(f"{identity(document)} scales {target}, which is not rendered")
            scaled = next((d for d in documents if (d["kind"], d["metadata"]["name"]) == target), None)
            if scaled and "replicas" in scaled["spec"]:
                found.append(f"{identity(scaled)} states replicas although an autoscaler sets them")
        if kind in ("Deployment", "StatefulSet", "DaemonSet") and not selects(spec["selector"]["matchLabels"], spec["template"]):
            found.append(f"{identity(document)} does not select its own pods")
    for document, pod in pods(documents):
        account = pod["spec"].get("serviceAccountName")
        made = {name for kind, name in names if kind == "ServiceAccount"}
        if account and account != "default" and made and account not in made and not hook_events(document):
            found.append(f"{identity(document)} uses ServiceAccount {account}, which is not rendered")
        for volume in pod["spec"].get("volumes") or []:
            source = volume.get("configMap")
            if source and not source.get("optional") and ("ConfigMap", source["name"]) not in names:
                found.append(f"{identity(document)} mounts ConfigMap {source['name']}, which is not rendered")
    return found


def selects(selector: dict[str, str], pod: Document) -> bool:
    labels = (pod.get("metadata") or {}).get("labels") or {}
    return all(labels.get(key) == value for key, value in selector.items())
