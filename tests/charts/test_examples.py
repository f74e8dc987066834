"""Every shell example of the charts' documents, run as written, from the repository's root, in the order in which a reader
comes by them, in one shell for each document.

The commands find a copy of the repository's charts and tools, helm and kubectl, the sandbox's control planes under the names that
the documents use, a registry and a web server. What only differs from a reader's machine:

- `helm` and `kubectl` are wrappers that put this run's mark behind the names of namespaces, because the sandbox has `floe-dev`
  and the like already, and because runs may share it.
- A document may leave an address to the reader's environment (`${REGISTRY:-…}`); here it is the registry of the test.

What cannot run here has the line `<!-- not run: why -->` above its block; the reason is counted and must say something.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import stat
import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from proof import helm, planes
from proof.charts import CHARTS, ROOT
from proof.registry import serving

DOCUMENTS = sorted(
    path.relative_to(ROOT) for path in [*CHARTS.glob("*.md"), *CHARTS.glob("*/README.md"), *CHARTS.glob("*/subcharts/*/README.md")] if path.name != "REQUIREMENTS.md"
)
SHELL = {"sh", "bash", "shell", "console"}
KNOWN = SHELL | {"yaml", "yml", "json", "text"}
BLOCK = re.compile(r"(?:^[ ]*<!-- not run: (?P<reason>[^>]*?) -->\n\s*)?^(?P<indent>[ ]*)```(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^[ ]*```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    line: int
    language: str
    text: str
    reason: str | None


def blocks(document: Path) -> list[Block]:
    text = (ROOT / document).read_text()
    found = []
    for match in BLOCK.finditer(text):
        indent = match["indent"]
        lines = [line.removeprefix(indent) for line in match["text"].splitlines()]
        found.append(Block(text[: match.start("text")].count("\n") + 1, match["language"], "\n".join(lines) + "\n", match["reason"]))
    return found


def shells(document: Path) -> list[Block]:
    return [block for block in blocks(document) if block.language in SHELL]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_each_block_says_what_it_is(document: Path) -> None:
    for block in blocks(document):
        assert block.language in KNOWN, f"{document}:{block.line}: a block in {block.language or 'no language'} is neither run nor rendered"
        assert block.reason is None or len(block.reason.split()) >= 4, f"{document}:{block.line}: `not run` wants a reason"
        assert not re.search(r"^\$ ", block.text, re.MULTILINE), f"{document}:{block.line}: a prompt cannot be pasted"
    fences = (ROOT / document).read_text().count("```")
    assert fences == 2 * len(blocks(document)), f"{document}: a fence without its end, or one that is not seen"
    assert (ROOT / document).read_text().count("not run:") == sum(block.reason is not None for block in blocks(document)), f"{document}: a mark that belongs to no block"


def test_what_is_not_run_is_little() -> None:
    """Whoever marks a block also changes this number."""
    marked = [f"{document}:{block.line}: {block.reason}" for document in DOCUMENTS for block in shells(document) if block.reason]
    assert len(marked) == 1, "\n".join(marked)


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d.parent == Path("charts")], ids=str)
def test_values_of_a_guide_render(document: Path, tmp_path: Path, stage) -> None:
    """READMEs' values are looked at in test_documents; those of a guide belong to floe-platform."""
    from proof.charts import Chart

    for block in blocks(document):
        if block.language in ("yaml", "yml"):
            file = tmp_path / f"{block.line}.yaml"
            values = yaml.safe_load(block.text)
            environments = [name for mapping in values["clusterMapping"].values() for name in mapping["environments"]]
            for environment in environments:
                file.write_text(yaml.safe_dump(values | {"global": {"environment": environment}}))
                for version in helm.HELMS:
                    helm.template(version, stage.chart(Chart("floe-platform", CHARTS / "floe-platform")), [file])


# What a document takes for granted: files that the reader has, and variables of the reader's shell.
ARTIFACTS = {
    "version": "0.10.0",
    "metadata": {"product_name": "customer-360", "product_version": "1.4.0"},
    "transforms": {"models": [{"name": "stg_customers"}, {"name": "fct_orders", "depends_on": ["stg_customers"]}]},
}
FILES = {"charts/floe-jobs/README.md": {"target/compiled_artifacts.json": json.dumps(ARTIFACTS)}}
VARIABLES = {"charts/dataspoke/README.md": {"PG_PASSWORD": "given-1", "REDIS_PASSWORD": "given-2", "LLM_API_KEY": "given-3"}}

WRAPPER = """#!/usr/bin/env bash
# {name} with this run's mark behind the names of namespaces
arguments=() previous=''
for argument in "$@"; do
  case $argument in argocd) previous='' ;; esac # objects beside a chart name this namespace themselves
  case $previous in
    --namespace | -n) argument+={mark} ;;
    namespace | namespaces) if [[ $argument != -* ]]; then argument+={mark}; fi ;;
  esac
  case $argument in --namespace=*) argument+={mark} ;; esac
  previous=$argument arguments+=("$argument")
done
exec {program} "${{arguments[@]}}"
"""


class Desk:
    """A folder with the charts and tools, programs, clusters, a registry and a key: what the documents' reader has."""

    def __init__(self, folder: Path, version: str, registry: str, authority: Path):
        self.folder, self.mark = folder / "repository", f"-{uuid.uuid4().hex[:6]}"
        self.home, self.own = folder / "home", set[str]()  # what this run made without its mark
        self.home.mkdir()
        for name in ("charts", "tools", "dev_env"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("*.tgz", ".env"))
        shutil.rmtree(self.folder / "charts/floe-platform/charts", ignore_errors=True)
        shutil.rmtree(self.folder / "charts/dataspoke/charts", ignore_errors=True)
        programs = folder / "bin"
        programs.mkdir()
        for name, program in (("helm", helm.programs() / version / "helm"), ("kubectl", helm.programs() / "kubectl")):
            path = programs / name
            path.write_text(WRAPPER.format(name=name, mark=self.mark, program=program))
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        # As short as GnuPG's socket needs it; a reader types the passphrase that is empty here.
        self.keys = folder / "g"
        self.keys.mkdir(mode=0o700)
        (self.keys / "gpg.conf").write_text(f"batch\npinentry-mode loopback\npassphrase-file {self.keys}/passphrase\n")
        (self.keys / "passphrase").write_text("\n")
        (self.keys / "gpg-agent.conf").write_text("allow-loopback-pinentry\n")
        self.site = self.folder / "site/charts"
        self.environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("HELM", "KUBE", "GNUPG", "REGISTRY", "SITE"))
        } | {
            "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(self.home), "KUBECONFIG": str(self._clusters(folder / "kubeconfig")),
            "GNUPGHOME": str(self.keys), "REGISTRY": registry, "SSL_CERT_FILE": str(authority),
        }

    def _clusters(self, path: Path) -> Path:
        """The sandbox's planes under the names that the documents use; what names no cluster goes to prod, which knows the optional APIs."""
        config = yaml.safe_load(Path(planes.kubeconfig()).read_text())
        known = {context["name"]: context["context"] for context in config["contexts"]}
        names = {"nonprod": "nonprod-admin", "prod": "prod-admin", "aks-shared-nonprod": "nonprod-admin", "aks-shared-prod": "prod-admin", "here": "prod-admin"}
        config["contexts"] = [{"name": name, "context": known[like] | {"namespace": f"examples{self.mark}"}} for name, like in names.items()]
        config["current-context"] = "here"
        path.write_text(yaml.safe_dump(config))
        path.chmod(0o600)
        return path

    def kubectl(self, context: str, *args: str) -> str:
        command = [str(helm.programs() / "kubectl"), "--kubeconfig", self.environment["KUBECONFIG"], "--context", context, *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    def give_argo_cd(self) -> None:
        """The namespace that the reader's Argo CD has; what it gets is removed by the check, itself where it was made here."""
        if "argocd" not in self.kubectl("prod", "get", "namespaces", "--output", "name").replace("namespace/", "").split():
            self.kubectl("prod", "create", "namespace", "argocd")
            self.own.add("argocd")

    def clear(self) -> None:
        for context in ("nonprod", "prod"):
            made = self.kubectl(context, "get", "namespaces", "--output", "jsonpath={.items[*].metadata.name}").split()
            for name in made:
                if name.endswith(self.mark) or (context == "prod" and name in self.own):
                    self.kubectl(context, "delete", "namespace", name, "--wait=false")
        subprocess.run(["gpgconf", "--kill", "all"], env=os.environ | {"GNUPGHOME": str(self.keys)}, check=False)

    def read(self, document: Path) -> subprocess.CompletedProcess[str]:
        """Runs a document's blocks in one shell that stops at the first command that fails, and says at which line."""
        script = ["set -eo pipefail", "trap 'echo \"stopped in the block at line $line\" >&2' ERR"]
        for block in shells(document):
            if not block.reason:
                script += [f"line={block.line}", block.text]
        for name, text in FILES.get(str(document), {}).items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        environment = self.environment | VARIABLES.get(str(document), {})
        return subprocess.run(["bash", "-c", "\n".join(script)], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serving(tmp_path / "registry", tls=True) as (address, authority):
        made = Desk(tmp_path, "helm4", f"oci://{address}/floe/charts", authority)
        made.site.mkdir(parents=True)
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=made.site)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
            threading.Thread(target=web.serve_forever, daemon=True).start()
            made.environment["SITE"] = f"http://127.0.0.1:{web.server_port}"
            made.kubectl("prod", "create", "namespace", f"examples{made.mark}")
            try:
                yield made
            finally:
                web.shutdown()
                made.clear()


@pytest.mark.planes
@pytest.mark.parametrize("document", [d for d in DOCUMENTS if any(not block.reason for block in shells(d))], ids=str)
def test_examples_run_as_written(desk: Desk, document: Path) -> None:
    before = {path: path.read_bytes() for path in (desk.folder / "charts").rglob("*.yaml")}
    if document == Path("charts/core-pipeline/README.md"):
        desk.give_argo_cd()
    done = desk.read(document)
    assert done.returncode == 0, f"{document}: {done.stderr[-3000:]}\n{done.stdout[-1500:]}"
    assert "WARNING: This chart is deprecated" not in done.stderr
    check = CHECKS.get(str(document))
    if check:
        check(desk, done.stdout, before)


def deployed(desk: Desk, context: str, namespace: str) -> set[str]:
    listed = subprocess.run([str(helm.programs() / "helm4/helm"), "list", "--kube-context", context, "--namespace", namespace + desk.mark, "--output", "json"],
                            env=desk.environment, capture_output=True, text=True, check=True)
    return {f"{release['name']} {release['chart'].rpartition('-')[0]}" for release in json.loads(listed.stdout) if release["status"] == "deployed"}


def after_core_pipeline(desk: Desk, _: str, before: dict[Path, bytes]) -> None:
    assert deployed(desk, "prod", "core-pipeline-dev") == {"core-pipeline core-pipeline"}
    changed = {path.name: path.read_text() for path, content in before.items() if path.read_bytes() != content}
    assert set(changed) == {"values-staging.yaml"} and changed["values-staging.yaml"].count('tag: "1.2.3"') == 1
    projects = desk.kubectl("prod", "get", "appprojects,applicationsets", "--namespace", "argocd", "--output", "name")
    desk.kubectl("prod", "delete", "appprojects,applicationsets", "--all", "--namespace", "argocd")
    assert projects.count("appproject") == 3 and projects.count("applicationset") == 1


def after_dataspoke(desk: Desk, _: str, __: dict[Path, bytes]) -> None:
    assert deployed(desk, "prod", "dataspoke") == {"dataspoke dataspoke"} == deployed(desk, "prod", "dataspoke-01")
    kept = desk.kubectl("prod", "get", "secret", "dataspoke-secrets", "--namespace", f"dataspoke{desk.mark}", "--output", "json")
    assert json.loads(kept)["data"]["DATASPOKE_REDIS_PASSWORD"] == "Z2l2ZW4tMg=="


def after_jobs(desk: Desk, _: str, __: dict[Path, bytes]) -> None:
    assert deployed(desk, "prod", "floe-dev") == {"customer-360 floe-jobs"}


def after_platform(desk: Desk, _: str, __: dict[Path, bytes]) -> None:
    assert deployed(desk, "prod", "floe-dev") == {"floe floe-platform"} == deployed(desk, "nonprod", "floe-qa")


def after_environments(desk: Desk, _: str, __: dict[Path, bytes]) -> None:
    for context, names in (("nonprod", ["dev", "qa", "uat", "staging"]), ("prod", ["prod"])):
        for name in names:
            labels = json.loads(desk.kubectl(context, "get", "namespace", f"floe-{name}{desk.mark}", "--output", "json"))["metadata"]["labels"]
            assert labels["floe.dev/environment"] == name and labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert deployed(desk, "nonprod", "floe-dev") == {"floe floe-platform"}


def after_releasing(desk: Desk, said: str, _: dict[Path, bytes]) -> None:
    packages = {path.name for path in desk.site.glob("*.tgz")}
    charts = {path.parent.name for path in CHARTS.glob("*/Chart.yaml")}
    assert {name.rpartition("-")[0] for name in packages} == charts
    assert len(list(desk.site.glob("*.tgz.prov"))) == len(packages), "signed"
    assert (desk.site / "index.yaml").exists() and "floe/floe-platform" in said
    assert deployed(desk, "prod", "examples") >= {"floe floe-platform", "floe-from-web floe-platform"}


CHECKS = {
    "charts/core-pipeline/README.md": after_core_pipeline,
    "charts/dataspoke/README.md": after_dataspoke,
    "charts/floe-jobs/README.md": after_jobs,
    "charts/floe-platform/README.md": after_platform,
    "charts/ENVIRONMENTS.md": after_environments,
    "charts/RELEASING.md": after_releasing,
}
