"""Kubernetes' Pod Security Standard `restricted`, and the house's rules on images and resources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from proof.manifests import Document, containers

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
IMAGE = re.compile(r"^(?P<name>[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+)(:(?P<tag>[\w][\w.-]{0,127}))?(@(?P<digest>sha256:[0-9a-f]{64}))?$")


def violations(pod: Document) -> list[str]:
    """What the standard refuses, each with the field and what it must be."""
    spec = pod["spec"]
    context: dict[str, Any] = spec.get("securityContext") or {}
    found = [f"{field} must not be set" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    for volume in spec.get("volumes") or []:
        kinds = set(volume) - {"name"}
        if not kinds <= VOLUMES:
            found.append(f"volume {volume['name']}: {', '.join(kinds - VOLUMES)} is not allowed")
    if context.get("sysctls"):
        found.append("securityContext.sysctls must not be set")
    for _, container in containers(pod):
        found += [f"container {container['name']}: {fault}" for fault in _container(container, context)]
    return found


def _container(container: Document, pod: dict[str, Any]) -> Iterator[str]:
    own: dict[str, Any] = container.get("securityContext") or {}
    both = pod | own
    if own.get("privileged"):
        yield "privileged must not be true"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation must be false"
    capabilities = own.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or []):
        yield "capabilities.drop must contain ALL"
    if set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}:
        yield f"capabilities.add {capabilities['add']} is not allowed"
    if both.get("runAsNonRoot") is not True:
        yield "runAsNonRoot must be true"
    if both.get("runAsUser") == 0:
        yield "runAsUser must not be 0"
    profile = (both.get("seccompProfile") or {}).get("type")
    if profile not in ("RuntimeDefault", "Localhost"):
        yield f"seccompProfile.type must be RuntimeDefault or Localhost, not {profile}"
    if (own.get("procMount") or "Default") != "Default":
        yield "procMount must be Default"
    for port in container.get("ports") or []:
        if port.get("hostPort"):
            yield f"hostPort {port['hostPort']} must not be set"


def house_rules(pod: Document) -> list[str]:
    """Images by tag or digest, never `latest`; requests and limits of CPU and memory; a read-only root or a stated reason."""
    found = []
    for _, container in containers(pod):
        name, image = container["name"], container.get("image", "")
        match = IMAGE.match(image)
        if not match:
            found.append(f"container {name}: image {image!r} is not REGISTRY/NAME with a tag or digest")
        elif not match["tag"] and not match["digest"]:
            found.append(f"container {name}: image {image} has neither tag nor digest")
        elif match["tag"] == "latest":
            found.append(f"container {name}: image {image} is `latest`")
        resources = container.get("resources") or {}
        for side in ("requests", "limits"):
            for resource in ("cpu", "memory"):
                if not (resources.get(side) or {}).get(resource):
                    found.append(f"container {name}: no {side}.{resource}")
        if "readOnlyRootFilesystem" not in (container.get("securityContext") or {}):
            found.append(f"container {name}: readOnlyRootFilesystem is not stated")
    return found
