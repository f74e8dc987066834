"""What people read: Chart.yaml, YAML style, READMEs made by helm-docs and their examples, the versions of changes."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import yamale
import yaml
from yamllint import linter
from yamllint.config import YamlLintConfig

from proof import helm, versions
from proof.charts import CHARTS, ROOT, Chart, Stage
from proof.kubeschemas import api_versions

TESTING = CHARTS / "testing"
FENCE = re.compile(r"^```(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)


def test_chart_yaml_keeps_to_the_schema(chart: Chart) -> None:
    schema = yamale.make_schema(str(TESTING / "chart_schema.yaml"))
    yamale.validate(schema, yamale.make_data(str(chart.folder / "Chart.yaml")))
    assert chart.metadata["name"] == chart.folder.name
    if chart.metadata.get("dependencies"):
        locked = {(d["name"], d["version"]) for d in yaml.safe_load((chart.folder / "Chart.lock").read_text())["dependencies"]}
        assert {(d["name"], str(d["version"])) for d in chart.metadata["dependencies"]} == locked


def test_the_style_of_yaml(chart: Chart) -> None:
    config = YamlLintConfig((TESTING / "lintconf.yaml").read_text())
    files = [path for part in [chart, *chart.subcharts] for path in [part.folder / "Chart.yaml", *part.values_files]]
    faults = [f"{path.relative_to(ROOT)}:{fault.line}: {fault.desc}" for path in files for fault in linter.run(path.read_text(), config)]
    assert not faults, "\n".join(faults)


def test_a_change_has_a_version_of_its_own(chart: Chart) -> None:
    found = versions.judge(ROOT, chart.folder)
    for note in found.notes:
        warnings.warn(note, stacklevel=1)
    assert not found.faults, "\n".join(found.faults)


def test_the_readme_is_what_helm_docs_makes(chart: Chart, tmp_path: Path) -> None:
    assert (chart.folder / "README.md.gotmpl").exists(), "no README.md.gotmpl"
    copy = tmp_path / chart.name
    shutil.copytree(chart.folder, copy, ignore=shutil.ignore_patterns("charts", "*.tgz"))
    (copy / "README.md").unlink()
    command = [str(helm.programs() / "helm-docs"), "--chart-search-root", str(copy), "--chart-to-generate", str(copy), "--log-level", "warning"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (copy / "README.md").read_text() == (chart.folder / "README.md").read_text(), "run helm-docs: README.md is not what it makes"


def blocks(chart: Chart) -> Iterator[tuple[int, str, str]]:
    """(line, language, text) of the README's fenced blocks."""
    text = (chart.folder / "README.md").read_text()
    for match in FENCE.finditer(text):
        yield text[: match.start()].count("\n") + 1, match["language"], match["text"]


def test_values_in_the_readme_render(stage: Stage, chart: Chart, tmp_path: Path) -> None:
    """Every ```yaml block that is a map of the chart's keys is a values file that works as written."""
    known = set(chart.values) | set(yaml.safe_load((chart.folder / "values.schema.json").read_text())["properties"])
    tried = 0
    for line, language, text in blocks(chart):
        if language not in ("yaml", "yml"):
            continue
        values = yaml.safe_load(text)
        assert values is not None, f"README.md:{line}: an empty example"
        if not isinstance(values, dict) or not set(values) <= known:
            assert isinstance(values, dict) and ("kind" in values or not set(values) & known or "dependencies" in values), (
                f"README.md:{line}: {sorted(set(values) - known)} are no keys of the chart"
            )
            continue
        file = tmp_path / f"line-{line}.yaml"
        file.write_text(text)
        for version in helm.HELMS:
            helm.template(version, stage.chart(chart), [file], *api_versions())
        tried += 1
    assert tried, "README.md shows no values"
