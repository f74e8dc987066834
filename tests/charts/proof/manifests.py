"""Questions about rendered documents: pods, containers, hooks, identity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
POD_OWNERS = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"}


def identity(document: Document) -> str:
    return f"{document.get('kind')} {document.get('metadata', {}).get('name')}"


def annotations(document: Document) -> dict[str, str]:
    return document.get("metadata", {}).get("annotations") or {}


def hook_events(document: Document) -> list[str]:
    """The events of a hook, without blanks; none for an ordinary object. `test-success` is an old name of `test`."""
    stated = annotations(document).get("helm.sh/hook", "")
    return [event.strip().replace("test-success", "test") for event in stated.split(",") if event.strip()]


def hook_weight(document: Document) -> int:
    return int(annotations(document).get("helm.sh/hook-weight", 0))


def hook_policies(document: Document) -> set[str]:
    stated = annotations(document).get("helm.sh/hook-delete-policy", "before-hook-creation")
    return {policy.strip() for policy in stated.split(",")}


def pod_template(document: Document) -> Document | None:
    """Metadata and spec of the pods that an object makes, or None."""
    kind, spec = document.get("kind"), document.get("spec") or {}
    if kind == "Pod":
        return document
    if kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec["template"] if kind in POD_OWNERS else None


def containers(pod: Document) -> Iterator[tuple[str, Document]]:
    """(`init` or `main`, container) of a pod."""
    for kind, key in (("init", "initContainers"), ("main", "containers")):
        for container in pod["spec"].get(key) or []:
            yield kind, container


def pods(documents: list[Document]) -> Iterator[tuple[Document, Document]]:
    """(object, pod template) of everything that makes pods."""
    for document in documents:
        template = pod_template(document)
        if template is not None:
            yield document, template


def strings(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, text) of every text in a document."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from strings(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from strings(value, f"{path}[{number}]")
    elif isinstance(node, str):
        yield path, node
