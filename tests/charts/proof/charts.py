"""Which charts there are, and what each brings along: values files, files for ci, suites, switches."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from proof import helm

ROOT = Path(__file__).resolve().parents[3]
CHARTS = ROOT / "charts"
HARNESS = ROOT / "tests" / "charts"


@dataclass(frozen=True)
class Chart:
    """One chart: a folder with a Chart.yaml. `folder` is in the repository; tests render a staged copy."""

    name: str
    folder: Path

    @functools.cached_property
    def metadata(self) -> dict[str, Any]:
        return read_yaml(self.folder / "Chart.yaml")

    @property
    def values_files(self) -> list[Path]:
        """values.yaml, the environments and profiles, then the files of ci/."""
        return [self.folder / "values.yaml", *self.environments, *sorted(self.folder.glob("ci/*-values.yaml"))]

    @property
    def environments(self) -> list[Path]:
        return sorted(self.folder.glob("values-*.yaml"))

    @property
    def subcharts(self) -> list[Chart]:
        """Charts that live inside this one and are maintained with it."""
        return [Chart(path.parent.name, path.parent) for path in sorted(self.folder.glob("subcharts/*/Chart.yaml"))]

    @property
    def suites(self) -> list[Path]:
        return sorted(self.folder.glob("tests/*_test.yaml"))

    @functools.cached_property
    def values(self) -> dict[str, Any]:
        return read_yaml(self.folder / "values.yaml") or {}

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        """The chart's own data file: its switches and what its lifecycle on a cluster needs."""
        path = HARNESS / "switches" / f"{self.name}.yaml"
        return read_yaml(path) if path.exists() else {}

    def relative(self, path: Path) -> str:
        return str(path.relative_to(self.folder))

    def __str__(self) -> str:
        return self.name


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@functools.cache
def discover() -> list[Chart]:
    wanted = os.environ.get("CHARTS", "").split()
    found = [Chart(path.parent.name, path.parent) for path in sorted(CHARTS.glob("*/Chart.yaml"))]
    assert found, f"no chart in {CHARTS}"
    unknown = set(wanted) - {chart.name for chart in found}
    assert not unknown, f"CHARTS names {sorted(unknown)}, there are {[chart.name for chart in found]}"
    return [chart for chart in found if not wanted or chart.name in wanted]


def deep_merge(base: Any, over: Any) -> Any:
    """As helm merges values: maps key by key, null removes, anything else replaces."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif key in merged:
            merged[key] = deep_merge(merged[key], value)
        else:
            merged[key] = value
    return merged


class Stage:
    """A copy of the repository's charts with their dependencies built, because building writes into the folders."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._built: set[str] = set()
        shutil.copytree(CHARTS, folder / "charts", ignore=shutil.ignore_patterns("*.tgz", "*.part"))

    def chart(self, chart: Chart) -> Path:
        """The staged folder of a chart, ready to be rendered."""
        self._build(self.folder / "charts" / chart.folder.relative_to(CHARTS))
        return self.folder / "charts" / chart.folder.relative_to(CHARTS)

    def _build(self, folder: Path) -> None:
        if str(folder) in self._built:
            return
        self._built.add(str(folder))
        dependencies = (read_yaml(folder / "Chart.yaml") or {}).get("dependencies") or []
        for dependency in dependencies:
            repository = dependency.get("repository", "")
            if repository.startswith("file://"):
                self._build((folder / repository.removeprefix("file://")).resolve())
        if dependencies:
            shutil.rmtree(folder / "charts", ignore_errors=True)
            done = helm.run("helm3", "dependency", "build", "--skip-refresh", str(folder))
            if done.returncode != 0:
                raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
