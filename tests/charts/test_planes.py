"""The charts on the sandbox's control planes: admission, install, tests, hooks, upgrade, rollback, uninstall, rights."""

from __future__ import annotations

import itertools
import json
import re
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
EVENTS = re.compile(r"\b(?:pre|post)-(?:install|upgrade|rollback|delete)\b")
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
    with namespace.watched(*kinds_of_hooks(documents)) as seen:
        namespace.helm("install", RELEASE, folder, *given, "--wait", "--timeout", "300s")
        namespace.settled()
    hooks_ran(documents, ["pre-install", "post-install"], seen, namespace)
    if any("test" in hook_events(document) for document in documents):
        namespace.helm("test", RELEASE, "--timeout", "120s")
    uninstalled(chart, namespace, documents)


def uninstalled(chart: Chart, namespace: Namespace, documents: list[Document]) -> None:
    """Uninstalls; what is left is what the chart's data file lists under `stays`, no more and no less."""
    listed = set(chart.settings.get("stays") or [])
    meant = {identity(d).replace(" ", "/") for d in documents if annotations(d).get("helm.sh/resource-policy") == "keep"}
    assert meant <= listed, f"{sorted(meant - listed)} say `helm.sh/resource-policy: keep` and are not in the list `stays`"
    transient = {
        f"PersistentVolumeClaim/{claim['metadata']['name']}-{d['metadata']['name']}-{number}"
        for d in documents
        if d["kind"] == "StatefulSet" and (d["spec"].get("persistentVolumeClaimRetentionPolicy") or {}).get("whenDeleted") == "Delete"
        for claim in d["spec"].get("volumeClaimTemplates") or []
        for number in range(d["spec"].get("replicas", 1))
    }
    wanted = (namespace.names() & listed) - transient
    with namespace.watched(*kinds_of_hooks(documents)) as seen:
        namespace.helm("uninstall", RELEASE, "--wait", "--timeout", "180s")
    hooks_ran(documents, ["pre-delete", "post-delete"], seen, namespace)
    # A hook that says nothing of its success stays, for its log; claims go after their pods.
    kept = {identity(d).replace(" ", "/") for d in documents if hook_events(d) and "hook-succeeded" not in hook_policies(d)}
    planes.until("the pods are gone", lambda: not chart_pods(namespace, documents))
    left: set[str] = set()

    def gone() -> bool:
        nonlocal left
        left = {name for name in namespace.names() if not name.startswith("Pod/") and name not in kept - listed}
        return left == wanted

    try:
        planes.until("what is meant to go is gone", gone, 20)
    except AssertionError:
        pytest.fail(f"left behind without a word: {sorted(left - wanted)}; gone although it should stay: {sorted(wanted - left)}")


@pytest.mark.parametrize(("chart", "values"), cases.ci_files())
def test_a_file_of_ci_installs_and_passes(stage: Stage, namespaces: Make, chart: Chart, values: Path) -> None:
    """Each by itself; what its feature takes for granted is in the data file, key `needs`."""
    namespace = namespaces("prod", "ci")
    for needed in (chart.settings.get("needs") or {}).get(values.stem, []):
        namespace.kubectl("apply", "-f", "-", text=json.dumps(needed))
    namespace.helm("install", RELEASE, str(stage.chart(chart)), "-f", str(values), "--wait", "--timeout", "240s")
    namespace.helm("test", RELEASE, "--timeout", "60s")


def chart_pods(namespace: Namespace, documents: list[Document]) -> list[str]:
    """Pods of workloads that are still there; pods of hooks and tests may stay for their logs."""
    return [pod["metadata"]["name"] for pod in namespace.get("pods") if {"ReplicaSet", "StatefulSet"} & {o["kind"] for o in pod["metadata"].get("ownerReferences", [])}]


def kinds_of_hooks(documents: list[Document]) -> set[tuple[str, str]]:
    return {(document["apiVersion"], document["kind"]) for document in documents if set(hook_events(document)) - {"test"}}


def hooks_ran(documents: list[Document], events: list[str], seen: list[tuple[str, Document]], namespace: Namespace) -> None:
    """Hooks of every kind: made by weight, then by name, each after the one before was done; none removed while another ran."""
    for event in events:
        hooks = sorted((d for d in documents if event in hook_events(d)), key=lambda d: (hook_weight(d), d["metadata"]["name"]))
        moments = [Moments(identity(hook), seen, nth(events, event, hook)) for hook in hooks]
        for moment in moments:
            assert moment.made is not None, f"{event}: {moment.name} was not made"
            assert moment.done is not None, f"{event}: {moment.name} did not succeed"
        for first, second in itertools.pairwise(moments):
            assert first.done <= second.made, f"{event}: {second.name} was made before {first.name} was done"
        for moment in moments:
            early = [other.name for other in moments if moment.removed and moment.removed < other.done and moment.done < other.done]
            assert not early, f"{event}: {moment.name} was removed before {early} were done"
        names = namespace.names()
        for hook in hooks:
            if "hook-succeeded" in hook_policies(hook):
                assert identity(hook).replace(" ", "/") not in names, f"{identity(hook)} was not cleaned up"


def nth(events: list[str], event: str, hook: Document) -> int:
    """The how manyth time a hook runs for `event`, when it runs for several of `events`."""
    return [one for one in events if one in hook_events(hook)].index(event)


class Moments:
    """When a hook was made, done and removed, as revisions; None for what did not happen."""

    def __init__(self, name: str, seen: list[tuple[str, Document]], run: int):
        self.name, self.made, self.done, self.removed = name, None, None, None
        mine = sorted(((planes.revision(item), event, item) for event, item in seen if identity(item) == name), key=lambda entry: entry[0])
        runs = list(dict.fromkeys(item["metadata"]["uid"] for _, _, item in mine))
        for at, event, item in mine:
            if run >= len(runs) or item["metadata"]["uid"] != runs[run]:
                continue
            status = item.get("status", {})
            ended = item["kind"] not in ("Job", "Pod") or status.get("succeeded") or status.get("phase") == "Succeeded"
            if event == "ADDED":
                self.made = at
            if event == "DELETED":
                self.removed = self.removed or at
            elif ended:
                self.done = self.done or at


@pytest.mark.parametrize("version", helm.HELMS)
def test_hooks_of_every_kind_run_in_order(stage: Stage, namespaces: Make, tmp_path: Path, chart: Chart, version: str) -> None:
    """All hooks switched on (data file, key `hooks`), at install, upgrade, rollback and uninstall."""
    folder, given = str(stage.chart(chart)), arguments(chart, None, tmp_path)
    stated = chart.settings.get("hooks")
    if stated is None:
        for values in chart.values_files:
            assert not kinds_of_hooks(helm.template(version, stage.chart(chart), [values], *api_versions())), f"{chart} has hooks: name the values that switch them all on under `hooks`"
        return
    everything = tmp_path / "hooks.yaml"
    everything.write_text(yaml.safe_dump(stated))
    given += ["-f", str(everything)]
    documents = rendered(stage, chart, given, version)
    sources = {text for path in (stage.chart(chart) / "templates").rglob("*") if path.is_file() for text in EVENTS.findall(path.read_text())}
    covered = {event for document in documents for event in hook_events(document)}
    assert sources <= covered, f"the templates have hooks for {sorted(sources - covered)}, which `hooks` does not switch on"
    namespace = namespaces(planes.plane_for(documents), "hooks", version)
    for action, events in (("install", ["pre-install", "post-install"]), ("upgrade", ["pre-upgrade", "post-upgrade"])):
        with namespace.watched(*kinds_of_hooks(documents)) as seen:
            namespace.helm(action, RELEASE, folder, *given, "--wait", "--timeout", "300s")
        # A claim that is there is not rendered again.
        ran = documents if action == "install" else [d for d in documents if d["kind"] != "PersistentVolumeClaim"]
        hooks_ran(ran, events, seen, namespace)
    uninstalled(chart, namespace, documents)


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
    with namespace.watched(("apps/v1", "Deployment")) as seen:
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
