"""The charts' own helm-unittest suites."""

from __future__ import annotations

import re
import subprocess

import pytest

from proof import helm
from proof.charts import Chart, Stage, discover


def chart_and_subcharts() -> list[object]:
    return [
        pytest.param(chart, part, id=str(chart) if part is chart else f"{chart}-{part}")
        for chart in discover()
        for part in [chart, *chart.subcharts]
        if part is chart or part.suites
    ]


@pytest.mark.parametrize(("chart", "part"), chart_and_subcharts())
def test_suites(stage: Stage, chart: Chart, part: Chart) -> None:
    assert part.suites, f"{part} has no suite in tests/*_test.yaml"
    folder = stage.chart(part)
    stage.chart(chart)
    command = [str(helm.programs() / "helm-unittest"), "--strict", "--color=false", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=helm.environment())
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"Tests:\s+.*?(\d+) passed", done.stdout)
    assert counted and int(counted[1]) > 0, done.stdout


def test_there_is_a_snapshot_of_the_defaults(chart: Chart) -> None:
    """One suite holds the manifests of the defaults word by word, so that no change goes unseen."""
    found = sorted(chart.folder.glob("tests/__snapshot__/*.snap"))
    assert found and any(path.stat().st_size > 1000 for path in found), f"no snapshot in {chart.relative(chart.folder / 'tests')}"
    assert any("matchSnapshot" in suite.read_text() for suite in chart.suites)
