"""Lists for `pytest.mark.parametrize`, and how their entries are called."""

from __future__ import annotations

import pytest

from proof.charts import discover
from proof.matrix import combinations


def values_files() -> list[object]:
    """(chart, values file) of everything that a chart brings along."""
    return [pytest.param(chart, path, id=f"{chart}-{path.stem}") for chart in discover() for path in chart.values_files]


def ci_files() -> list[object]:
    """(chart, file of ci/) of every feature."""
    return [pytest.param(chart, path, id=f"{chart}-{path.stem}") for chart in discover() for path in chart.values_files if path.parent.name == "ci"]


def environments() -> list[object]:
    """(chart, values file or None): the defaults and every environment or profile."""
    return [
        pytest.param(chart, path, id=f"{chart}-{path.stem.removeprefix('values-') if path else 'defaults'}")
        for chart in discover()
        for path in [None, *chart.environments]
    ]


def switched() -> list[object]:
    """(chart, values) of every combination of a chart's switches."""
    return [pytest.param(chart, values, id=f"{chart}-{title}") for chart in discover() for title, values in combinations(chart)]
