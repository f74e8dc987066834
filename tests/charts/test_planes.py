"""The charts on the sandbox's control planes: admission, install, tests, hooks, upgrade, rollback, uninstall, rights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from proof import cases, helm, planes
from proof.charts import Chart, Stage
from proof.kubeschemas import api_versions
from proof.manifests import Document, annotations, hook_events, hook_policies, hook_weight, identity
from proof.planes import Namespace

pytestmark = pytest.mark.planes
RELEASE = "floe"
Make = Callable[..., Namespace]


@pytest.fixture
def namespaces() -> Iterator[Make]:
    made: list[Namespace] = []

    def make(plane: str, purpose: str, version: str = "helm4") -> Namespace:
        made.append(Namespace(plane, purpose, version))
        return made[-1]

    yield make
    for namespace in made:
        namespace.delete()


def arguments(chart: Chart, values: Path | None, folder: Path) -> list[str]:
    """The values of an install: the chart's own needs (data file, key `install`), then the environment's file."""
    base = folder / "install.yaml"
    base.write_text(yaml.safe_dump(chart.settings.get("install") or {}))
    return ["-f", str(base), *(["-f", str(values)] if values else [])]


def rendered(stage: Stage, chart: Chart, given: list[str], version: str = "helm4") -> list[Document]:
    return helm.template(version, stage.chart(chart), [], *given, *api_versions(), release=RELEASE)


@pytest.mark.parametrize(("chart", "values"), cases.values_files())
def test_the_api_server_takes_every_object(stage: Stage, namespaces: Make, tmp_path: Path, chart: Chart, values: Path) -> None:
    """Admission with restricted Pod Security, objects one by one and the release as a whole; no warning, notes that help."""
    # A file of ci/ is an install by itself, as `ct install` takes it; values.yaml is there without being named.
    environment = values if values in chart.environments else None
    given = ["-f", str(values)] if values.parent.name == "ci" else arguments(chart, environment, tmp_path)
    documents = rendered(stage, chart, given)
    namespace = namespaces("prod", "dry")
    for document in documents:
        document["metadata"].pop("namespace", None)
    # Admission looks a pod's ServiceAccount up, so these come first and for real.
    accounts = [document for document in documents if document["kind"] == "ServiceAccount"]
    if accounts:
        namespace.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": accounts}))
    done = namespace.kubectl("apply", "--dry-run=server", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}))
    assert "Warning" not in done.stderr, done.stderr
    if accounts:
        namespace.kubectl("delete", "serviceaccounts", *(account["metadata"]["name"] for account in accounts))
    done = namespace.helm("install", RELEASE, str(stage.chart(chart)), *given, "--dry-run=server", "--output", "json")
    notes = json.loads(done.stdout[done.stdout.index("{") :])["info"]["notes"]
    assert len(notes.split()) > 15 and "<no value>" not in notes and "%!" not in notes, notes


@pytest.mark.parametrize(("chart", "values"), cases.environments())
def test_install_and_test(stage: Stage, namespaces: Make, tmp_path: Path, chart: Chart, values: Path | None) -> None:
    lifecycle(stage, namespaces, tmp_path, chart, values, "helm4")


@pytest.mark.parametrize(("chart", "values"), [case for case in cases.environments() if case.id.endswith(("-dev", "-prod"))])  # type: ignore[attr-defined]
def test_install_and_test_with_helm_3(stage: Stage, namespaces: Make, tmp_path: Path, chart: Chart, values: Path | None) -> None:
    lifecycle(stage, namespaces, tmp_path, chart, values, "helm3")


def lifecycle(stage: Stage, namespaces: Make, tmp_path: Path, chart: Chart, values: Path | None, version: str) -> None:
    """Install, hooks, readiness, tests, uninstall and what is left."""
    folder, given = str(stage.chart(chart)), arguments(chart, values, tmp_path)
    documents = rendered(stage, chart, given, version)
    namespace = namespaces(planes.plane_for(documents), "life", version)
    with namespace.watched("jobs") as jobs:
        namespace.helm("install", RELEASE, folder, *given, "--wait", "--timeout", "300s")
        namespace.settled()
    in_order([d for d in documents if "pre-install" in hook_events(d)], jobs)
    in_order([d for d in documents if "post-install" in hook_events(d)], jobs)
    names = namespace.names()
    for document in documents:
        if {"pre-install", "post-install"} & set(hook_events(document)) and "hook-succeeded" in hook_policies(document):
            assert identity(document).replace(" ", "/") not in names, f"{identity(document)} was not cleaned up"
    if any("test" in hook_events(document) for document in documents):
        namespace.helm("test", RELEASE, "--timeout", "120s")
    namespace.helm("uninstall", RELEASE, "--wait", "--timeout", "180s")
    stays = {identity(d).replace(" ", "/") for d in documents if annotations(d).get("helm.sh/resource-policy") == "keep"}
    stays |= {identity(d).replace(" ", "/") for d in documents if hook_events(d) and "hook-succeeded" not in hook_policies(d)}
    left = planes.until("the pods are gone", lambda: None if namespace.get("pods", "--selector", "!job-name") and chart_pods(namespace, documents) else [namespace.names()])[0]
    owned = {name for name in left if not name.startswith(("PersistentVolumeClaim/", "Pod/")) and name not in stays}
    assert not owned, f"left behind without a word: {sorted(owned)}"


def chart_pods(namespace: Namespace, documents: list[Document]) -> list[str]:
    """Pods of workloads that are still there; pods of hooks and tests may stay for their logs."""
    return [pod["metadata"]["name"] for pod in namespace.get("pods") if {"ReplicaSet", "StatefulSet"} & {o["kind"] for o in pod["metadata"].get("ownerReferences", [])}]


def in_order(hooks: list[Document], seen: list[tuple[str, Document]]) -> None:
    """Jobs of one event were made by weight, then by name, each only after the one before was complete."""
    wanted = [d["metadata"]["name"] for d in sorted((d for d in hooks if d["kind"] == "Job"), key=lambda d: (hook_weight(d), d["metadata"]["name"]))]
    made = [item["metadata"]["name"] for event, item in seen if event == "ADDED" and item["metadata"]["name"] in wanted]
    assert made == wanted, f"hooks ran as {made}, their weights say {wanted}"
    for first, second in zip(wanted, wanted[1:], strict=False):
        begun = next(n for n, (event, item) in enumerate(seen) if event == "ADDED" and item["metadata"]["name"] == second)
        assert any(item["metadata"]["name"] == first and item.get("status", {}).get("succeeded") for _, item in seen[:begun]), f"{second} began before {first} had succeeded"


def test_a_failing_test_fails(stage: Stage, namespaces: Make, tmp_path: Path, chart: Chart) -> None:
    copy = tmp_path / chart.name
    shutil.copytree(stage.chart(chart), copy, symlinks=True)
    for package in copy.glob("charts/*.tgz"):
        shutil.unpack_archive(package, copy / "charts")
        package.unlink()
    if not planes.break_tests(copy):
        pytest.fail("the chart has no test that says `helm.sh/hook: test` in its templates")
    namespace = namespaces("prod", "fail")
    namespace.helm("install", RELEASE, str(copy), *arguments(chart, None, tmp_path), "--wait", "--timeout", "300s")
    done = namespace.helm("test", RELEASE, "--timeout", "60s", check=False)
    assert done.returncode != 0, done.stdout
    assert "fail" in (done.stdout + done.stderr).lower()


def test_upgrade_without_a_gap_and_back(stage: Stage, namespaces: Make, tmp_path: Path, chart: Chart) -> None:
    """New pods for every workload; at no moment fewer are ready than the strategy allows; rollback brings the first back."""
    files = {path.stem: path for path in chart.environments}
    values = files.get("values-prod")
    folder, given = str(stage.chart(chart)), arguments(chart, values, tmp_path)
    change = chart.settings.get("upgrade")
    assert change, f"tests/charts/switches/{chart}.yaml has no key `upgrade`: values that change the pods"
    changed = tmp_path / "upgrade.yaml"
    changed.write_text(yaml.safe_dump(change))
    namespace = namespaces("prod", "up")
    namespace.helm("install", RELEASE, folder, *given, "--wait", "--timeout", "300s")
    namespace.settled()
    before = revisions(namespace)
    with namespace.watched("deployments") as seen:
        namespace.helm("upgrade", RELEASE, folder, *given, "-f", str(changed), "--wait", "--timeout", "300s")
        namespace.settled()
    if before:
        assert revisions(namespace) != before, "the upgrade changed no pod"
        assert any(event == "MODIFIED" for event, _ in seen), "nothing was seen of the upgrade"
    gaps = [gap for event, item in seen if event == "MODIFIED" and (gap := below_minimum(item))]
    assert not gaps, "\n".join(gaps)
    namespace.helm("rollback", RELEASE, "1", "--wait", "--timeout", "300s")
    namespace.settled()
    assert revisions(namespace) == before, "the rollback did not bring the first pods back"
    history = json.loads(namespace.helm("history", RELEASE, "--output", "json").stdout)
    assert [entry["status"] for entry in history] == ["superseded", "superseded", "deployed"]


def revisions(namespace: Namespace) -> dict[str, str]:
    """The pod templates of Deployments, without their checksums of generated content."""
    return {item["metadata"]["name"]: json.dumps(item["spec"]["template"], sort_keys=True) for item in namespace.get("deployments")}


def below_minimum(deployment: Document) -> str | None:
    spec, ready = deployment["spec"], deployment.get("status", {}).get("readyReplicas", 0)
    if spec["strategy"]["type"] == "Recreate":
        return None  # at most one may run, so there is a gap by design
    allowed: Any = spec["strategy"]["rollingUpdate"]["maxUnavailable"]
    replicas = spec["replicas"]
    away = int(replicas * int(str(allowed).rstrip("%")) / 100) if str(allowed).endswith("%") else int(allowed)
    current = deployment.get("status", {}).get("replicas", 0)
    return f"{identity(deployment)}: {ready} ready of {replicas}, {away} may be away" if ready < min(replicas, current) - away else None


def test_nobody_reaches_into_another_environment(stage: Stage, namespaces: Make, tmp_path: Path, chart: Chart) -> None:
    one, other = namespaces("prod", "mine"), namespaces("prod", "theirs")
    one.helm("install", RELEASE, str(stage.chart(chart)), *arguments(chart, None, tmp_path), "--no-hooks")
    accounts = [item["metadata"]["name"] for item in one.get("serviceaccounts")]
    assert accounts
    for account in accounts:
        for verb, kind in (("get", "secrets"), ("list", "pods"), ("create", "jobs.batch"), ("delete", "pods"), ("get", "configmaps")):
            done = other.kubectl("auth", "can-i", verb, kind, "--as", f"system:serviceaccount:{one.name}:{account}", check=False)
            assert done.stdout.strip() == "no", f"{account} may {verb} {kind} in another namespace"
        done = one.kubectl("auth", "can-i", "list", "secrets", "--as", f"system:serviceaccount:{one.name}:{account}", check=False)
        assert done.stdout.strip() == "no", f"{account} may list the Secrets of its own namespace"
