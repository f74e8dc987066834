"""The checks themselves, on cases that they must find and cases that they must leave alone."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from proof import versions
from proof.manifests import Document
from test_planes import hooks_ran
from test_render import stale

# --- versions ----------------------------------------------------------------------------------------------------------


class Repository:
    """A repository with one chart `web` 1.0.0, released and tagged."""

    def __init__(self, root: Path):
        self.root, self.chart = root, root / "charts/web"
        (self.chart / "templates").mkdir(parents=True)
        (self.chart / "tests").mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.version("1.0.0")
        self.write("values.yaml", "replicas: 1\n")
        self.commit("first")

    def git(self, *args: str) -> str:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", *identity, *args], cwd=self.root, capture_output=True, text=True, check=True).stdout

    def write(self, name: str, text: str) -> None:
        (self.chart / name).write_text(text)

    def version(self, number: str, log: bool = True) -> None:
        self.write("Chart.yaml", f"apiVersion: v2\nname: web\nversion: {number}\n")
        if log:
            path = self.chart / "CHANGELOG.md"
            path.write_text(f"## {number}\n\n- new\n\n" + (path.read_text() if path.exists() else ""))

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def judge(self) -> versions.Judgement:
        return versions.judge(self.root, self.chart)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in ("CHARTS_BASE", "GITHUB_BASE_REF", "GIT_DIR", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    return Repository(tmp_path / "repository")


def test_what_is_released_may_not_change_under_its_version(repository: Repository) -> None:
    repository.git("tag", "web-1.0.0")
    assert not repository.judge().faults
    repository.write("values.yaml", "replicas: 2\n")
    (fault,) = repository.judge().faults
    assert "raise its version" in fault and "charts/web/values.yaml" in fault and "web-1.0.0" in fault
    repository.commit("changed")
    assert repository.judge().faults, "committed or not"
    repository.version("1.1.0", log=False)
    assert repository.judge().faults == ["web: CHANGELOG.md has no section 1.1.0"]
    repository.version("1.1.0")
    assert not repository.judge().faults


def test_a_new_file_is_a_change_and_a_test_is_none(repository: Repository) -> None:
    repository.git("tag", "web-1.0.0")
    repository.write("tests/web_test.yaml", "suite: more\n")
    assert not repository.judge().faults
    repository.write("templates/service.yaml", "kind: Service\n")
    assert "charts/web/templates/service.yaml" in repository.judge().faults[0]


def test_the_last_release_is_the_highest_not_the_latest_name(repository: Repository) -> None:
    for number in ("1.9.0", "1.10.0-rc.1", "1.10.0", "2.0.0-rc.2"):
        repository.version(number)
        repository.commit(number)
        repository.git("tag", f"web-{number}")
    repository.git("tag", "web-gateway-9.0.0")  # another chart's
    repository.version("1.11.0")
    assert "1.11.0 is lower than 2.0.0-rc.2" in repository.judge().faults[0]
    repository.version("2.0.0")
    assert not repository.judge().faults


def test_without_tags_the_branch_it_goes_to_is_the_base(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "topic")
    assert not repository.judge().faults
    repository.write("values.yaml", "replicas: 2\n")
    repository.commit("changed")
    assert "left main" in repository.judge().faults[0]
    repository.version("1.0.1")
    assert not repository.judge().faults


def test_the_target_of_a_pull_request_is_its_base(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.git("branch", "release")
    repository.write("values.yaml", "replicas: 2\n")
    repository.commit("changed on main itself")
    assert not repository.judge().faults
    monkeypatch.setenv("CHARTS_BASE", "release")
    assert "left release" in repository.judge().faults[0]


def test_a_new_chart_needs_no_higher_version(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "topic")
    other = repository.root / "charts/new"
    other.mkdir()
    (other / "Chart.yaml").write_text("apiVersion: v2\nname: new\nversion: 0.1.0\n")
    assert versions.judge(repository.root, other).faults == ["new: CHANGELOG.md has no section 0.1.0"]


def test_a_shallow_clone_without_tags_says_so(repository: Repository, tmp_path: Path) -> None:
    repository.git("tag", "web-1.0.0")
    repository.write("values.yaml", "replicas: 2\n")
    repository.commit("changed")
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", "--no-tags", f"file://{repository.root}", str(shallow)], check=True)
    subprocess.run(["git", "checkout", "--quiet", "--detach"], cwd=shallow, check=True)
    subprocess.run(["git", "branch", "--quiet", "--delete", "--force", "main"], cwd=shallow, check=True)
    subprocess.run(["git", "remote", "remove", "origin"], cwd=shallow, check=True)
    found = versions.judge(shallow, shallow / "charts/web")
    assert not found.faults and "git fetch --unshallow --tags" in found.notes[0]
    # With its remote it knows main, which is itself: nothing to compare, and nothing wrong.
    subprocess.run(["git", "clone", "--quiet", "--depth=1", "--no-tags", f"file://{repository.root}", str(tmp_path / "ci")], check=True)
    assert not versions.judge(tmp_path / "ci", tmp_path / "ci/charts/web").faults
    # And its change log is looked at all the same.
    (shallow / "charts/web/CHANGELOG.md").write_text("nothing yet\n")
    assert versions.judge(shallow, shallow / "charts/web").faults


def test_versions_have_an_order() -> None:
    ordered = ["0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-rc.2", "1.0.0-rc.11", "1.0.0", "1.0.1", "1.2.0", "1.10.0"]
    assert sorted(reversed(ordered), key=versions.order) == ordered


# --- hooks -------------------------------------------------------------------------------------------------------------


def hook(kind: str, name: str, weight: int, policy: str = "before-hook-creation,hook-succeeded") -> Document:
    notes = {"helm.sh/hook": "pre-install", "helm.sh/hook-weight": str(weight), "helm.sh/hook-delete-policy": policy}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "annotations": notes}}


def event(what: str, kind: str, name: str, revision: int, **status: Any) -> tuple[str, Document]:
    return what, {"kind": kind, "metadata": {"name": name, "uid": f"{kind}/{name}", "resourceVersion": str(revision)}, "status": status}


class Nothing:
    def names(self) -> set[str]:
        return set()


HOOKS = [hook("ConfigMap", "scripts", -10), hook("Job", "first", -5), hook("Job", "second", 0)]
RIGHT = [
    event("ADDED", "ConfigMap", "scripts", 1),
    event("ADDED", "Job", "first", 2),
    event("MODIFIED", "Job", "first", 3, succeeded=1),
    event("ADDED", "Job", "second", 4),
    event("MODIFIED", "Job", "second", 5, succeeded=1),
    event("DELETED", "ConfigMap", "scripts", 6),
]


def test_hooks_in_order_are_taken() -> None:
    hooks_ran(HOOKS, ["pre-install"], RIGHT, Nothing())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([*RIGHT[:2], event("ADDED", "Job", "second", 3), event("MODIFIED", "Job", "first", 4, succeeded=1), RIGHT[4]], "second was made before Job first was done"),
        ([event("ADDED", "ConfigMap", "scripts", 9), *RIGHT[1:5]], "Job first was made before ConfigMap scripts was done"),
        ([*RIGHT[:4], event("DELETED", "ConfigMap", "scripts", 4), RIGHT[4]], "ConfigMap scripts was removed before"),
        (RIGHT[:4], "second did not succeed"),
        (RIGHT[1:], "ConfigMap scripts"),
    ],
    ids=["too early", "configuration after its Job", "configuration gone", "failed", "not made"],
)
def test_hooks_out_of_order_are_found(events: list[tuple[str, Document]], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        hooks_ran(HOOKS, ["pre-install"], events, Nothing())  # type: ignore[arg-type]


# --- what restarts -----------------------------------------------------------------------------------------------------


def test_pods_without_a_checksum_are_found() -> None:
    configuration = {"kind": "ConfigMap", "metadata": {"name": "settings"}}
    spec: dict[str, Any] = {"containers": [{"name": "c", "envFrom": [{"configMapRef": {"name": "settings"}}]}]}
    workload = {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"metadata": {}, "spec": spec}}}
    assert stale([configuration, workload]) == ["Deployment web reads ConfigMap settings and has no checksum of it"]
    workload["spec"]["template"]["metadata"] = {"annotations": {"checksum/config": "1"}}
    assert not stale([configuration, workload])
    workload["spec"]["template"]["metadata"] = {}
    spec["containers"] = [{"name": "c", "envFrom": [{"configMapRef": {"name": "of-somebody-else"}}]}]
    spec["volumes"] = []
    assert not stale([configuration, workload])
    spec["volumes"] = [{"name": "v", "configMap": {"defaultMode": 420, "name": "settings"}}]
    assert stale([configuration, workload])
