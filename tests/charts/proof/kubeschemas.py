"""Kubernetes' JSON schemas for kubeconform, of several minor versions, and schemas of the optional APIs.

Kubernetes' own come with the package kubernetes-validate; there each kind refers to one big file of definitions, which
kubeconform does not follow, so each kind is written once more with only the definitions that it needs. The optional APIs
(monitoring, mesh, secrets, GitOps, Gateway API) have hand-written schemas in schemas/, made from their documentation. They hold
what charts use and what users may hand on, and nothing else: an unknown field is a fault, and so is a kind without a schema.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from proof import helm
from proof.charts import HARNESS, ROOT

# The oldest that is still to be found in the field, one in between, the one of the sandbox.
MINORS = ("1.29", "1.32", "1.35")
CRDS = ROOT / "tests" / "sandbox" / "objects" / "crds.yaml"


@functools.cache
def stub_apis() -> dict[tuple[str, str], str]:
    """(apiVersion, kind) of every stub, to its scope."""
    found = {}
    for crd in yaml.safe_load_all(CRDS.read_text()):
        spec = crd["spec"]
        for version in spec["versions"]:
            found[(f"{spec['group']}/{version['name']}", spec["names"]["kind"])] = spec["scope"]
    return found


def api_versions() -> list[str]:
    """Arguments that tell `helm template` that the stubs' APIs are there."""
    return [part for api, kind in stub_apis() for part in ("--api-versions", f"{api}/{kind}")]


class Schemas:
    """Writes the schemas that are asked for into a folder and runs kubeconform on them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._valid: set[str] = set()

    def check(self, documents: Iterable[dict[str, Any]]) -> list[str]:
        """What kubeconform objects to, for every minor version. What was found valid before is not looked at again."""
        fresh = {json.dumps(document, sort_keys=True, default=str): document for document in documents}
        fresh = {text: document for text, document in fresh.items() if text not in self._valid}
        faults: list[str] = []
        if not fresh:
            return faults
        for minor in MINORS:
            for document in fresh.values():
                self._write(minor, document["apiVersion"], document["kind"])
            faults += self._run(minor, list(fresh.values()))
        if not faults:
            self._valid |= set(fresh)
        return faults

    def _run(self, minor: str, documents: list[dict[str, Any]]) -> list[str]:
        location = f"{self.folder}/{minor}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
        text = "\n---\n".join(json.dumps(document, default=str) for document in documents)
        command = [str(helm.programs() / "kubeconform"), "-strict", "-summary", "-output", "json", "-schema-location", location]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)
        said = json.loads(done.stdout)
        seen = sum(said["summary"].values())
        assert seen == len(documents), f"kubeconform looked at {seen} of {len(documents)} documents: {done.stderr}"
        return [
            f"Kubernetes {minor}: {fault['version']} {fault['kind']} {fault['name']}: {fault['msg']}"
            for fault in said["resources"]
            if fault["status"] != "statusValid"
        ]

    def _write(self, minor: str, api: str, kind: str) -> None:
        group, _, version = api.rpartition("/")
        suffix = "-".join(part for part in (group.split(".")[0], version) if part)
        path = self.folder / minor / f"{kind.lower()}-{suffix}.json"
        if path.exists():
            return
        schema = kubernetes_schema(minor, path.name) or optional_schema(api, kind)
        if schema is None:
            return  # kubeconform then says that it knows no such kind
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(schema))


@functools.cache
def _definitions(minor: str) -> dict[str, Any]:
    return json.loads((_folder(minor) / "_definitions.json").read_text())["$defs"]


def _folder(minor: str) -> Any:
    return importlib.resources.files("kubernetes_validate") / "kubernetes-json-schema" / f"v{minor}.0-local-strict"


def kubernetes_schema(minor: str, name: str) -> dict[str, Any] | None:
    """Kubernetes' schema of a kind with the definitions it needs, or None where that minor version has no such kind."""
    path = _folder(minor) / name
    if not path.is_file():
        return None
    schema = _local(json.loads(path.read_text()))
    needed: dict[str, Any] = {}
    open_ends = list(_references(schema))
    while open_ends:
        name = open_ends.pop()
        if name not in needed:
            needed[name] = _local(_definitions(minor)[name])
            open_ends += _references(needed[name])
    return schema | {"$defs": needed}


def _local(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: value.split("_definitions.json")[-1] if key == "$ref" and isinstance(value, str) else _local(value) for key, value in node.items()}
    return [_local(item) for item in node] if isinstance(node, list) else node


def _references(node: Any) -> Iterable[str]:
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def optional_schema(api: str, kind: str) -> dict[str, Any] | None:
    """The hand-written schema of an optional API, schemas/GROUP.yaml; None where there is none."""
    group, _, version = api.partition("/")
    written = _written(group)
    stated = (written.get("kinds") or {}).get(kind)
    if stated is None or version not in stated["versions"]:
        return None
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    metadata = {"name": {"type": "string", "minLength": 1}, "namespace": {"type": "string"}, "labels": texts, "annotations": texts}
    return _strict({
        "definitions": written.get("definitions") or {},
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": api},
            "kind": {"const": kind},
            # Argo CD's finalizer, which removes what an application brought
            "metadata": {"required": ["name"], "properties": {**metadata, "finalizers": {"type": "array", "items": {"type": "string"}}}},
            "spec": stated["spec"],
        },
    })


@functools.cache
def _written(group: str) -> dict[str, Any]:
    path = HARNESS / "schemas" / f"{group}.yaml"
    return yaml.safe_load(path.read_text()) if path.exists() else {}


def _strict(node: Any) -> Any:
    """A schema in which whatever has `properties` is an object that has no others."""
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _strict(value) if key not in ("enum", "const", "required") else value for key, value in node.items()}
    if isinstance(node.get("properties"), dict):
        closed["properties"] = {key: _strict(value) for key, value in node["properties"].items()}
        closed.setdefault("type", "object")
        closed.setdefault("additionalProperties", False)
    return closed
