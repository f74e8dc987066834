"""The two helm programs, cut off from the user's configuration."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

HELMS = ("helm3", "helm4")
RELEASE, NAMESPACE = "floe", "proof"


@functools.cache
def programs() -> Path:
    folder = os.environ.get("FLOE_TEST_BIN")
    assert folder, "FLOE_TEST_BIN is not set: run tests/charts/run, which sets it"
    return Path(folder)


@functools.cache
def _home() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="floe-charts-helm-")


def environment(**more: str) -> dict[str, str]:
    """A child's environment: nothing of the user's helm or kubeconfig."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HELM", "KUBE"))}
    home = _home().name
    return kept | {"HELM_CACHE_HOME": home, "HELM_CONFIG_HOME": home, "HELM_DATA_HOME": home, "LC_ALL": "C.UTF-8"} | more


def run(version: str, *args: str, timeout: float = 300, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs `version` (helm3 or helm4); the caller judges the exit code."""
    command = [str(programs() / version / "helm"), *args]
    return subprocess.run(command, env=environment(**more), capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)


class HelmError(AssertionError):
    """helm refused; its words are the message."""


def template(version: str, chart: Path, values: Sequence[Path] = (), *args: str, release: str = RELEASE, namespace: str = NAMESPACE) -> list[dict[str, Any]]:
    """The documents that helm renders, in helm's order, hooks and tests included."""
    files = [part for path in values for part in ("-f", str(path))]
    done = run(version, "template", release, str(chart), "--namespace", namespace, *files, *args)
    if done.returncode != 0:
        raise HelmError(f"{version} template {chart.name} {' '.join(path.name for path in values)}:\n{done.stderr}")
    return documents(done.stdout)


# libyaml's loader where PyYAML was built with it: ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.load_all(text, Loader=LOADER) if document]
