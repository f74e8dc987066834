"""What holds for every chart as an entity (name, version, schema, dependencies), and what the guides beside the charts say."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHARTS = sorted(path.parent for path in (ROOT / "charts").glob("*/Chart.yaml"))
NAMES = [chart.name for chart in CHARTS]


def read(path):
    return yaml.safe_load(path.read_text())


def blocks(path, language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", path.read_text(), re.M | re.S)


@pytest.mark.parametrize("folder", CHARTS, ids=NAMES)
def test_a_chart_is_what_the_data_model_says(folder):
    chart = read(folder / "Chart.yaml")
    assert re.fullmatch(r"[a-z][a-z0-9-]*", chart["name"]) and chart["name"] == folder.name
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[a-z0-9.]+)?", chart["version"])
    assert chart["apiVersion"] == "v2" and chart["appVersion"] and chart["kubeVersion"] and chart["description"]
    assert f"## {chart['version']}" in (folder / "CHANGELOG.md").read_text(), "CHANGELOG.md says what is new"
    for dependency in chart.get("dependencies", []):
        assert re.match(r"(https?|oci|file)://", dependency["repository"]), dependency
        assert re.fullmatch(r"\d+\.\d+\.\d+(-[a-z0-9.]+)?", dependency["version"]), "a producer pins"
        assert dependency["repository"].startswith("file://"), "nothing that has to be fetched"
        source = read(folder / dependency["repository"].removeprefix("file://") / "Chart.yaml")
        assert (source["name"], source["version"]) == (dependency["name"], dependency["version"])
        assert dependency.get("condition"), f"{dependency['name']} cannot be switched off"
    if chart.get("dependencies"):
        lock = read(folder / "Chart.lock")["dependencies"]
        assert [(d["name"], d["version"]) for d in lock] == [(d["name"], d["version"]) for d in chart["dependencies"]]
    tracked = subprocess.run(["git", "ls-files", f"{folder}/charts"], cwd=ROOT, capture_output=True, text=True).stdout
    assert not tracked, "dependencies are built, not committed"


@pytest.mark.parametrize("folder", CHARTS, ids=NAMES)
def test_a_schema_needs_nothing_else(folder):
    """Helm would fetch what a reference names; an editor finds the schema by the line at the top of the values."""
    text = (folder / "values.schema.json").read_text()
    schema = json.loads(text)
    assert schema["$schema"].startswith(("https://json-schema.org/", "http://json-schema.org/"))
    assert all(reference.startswith("#/") for reference in re.findall(r'"\$ref": *"([^"]*)"', text))
    assert "yaml-language-server: $schema=values.schema.json" in (folder / "values.yaml").read_text()


def test_the_compatibility_matrix_names_what_charts_say():
    guide = (ROOT / "charts/RELEASING.md").read_text()
    for folder in CHARTS:
        wanted = read(folder / "Chart.yaml").get("annotations", {}).get("floe.dev/floe-core-version")
        if folder.name in ("floe-platform", "floe-jobs", "otel-collector"):
            assert wanted, f"{folder.name}: floe.dev/floe-core-version"
            row = next(line for line in guide.splitlines() if line.startswith(f"| {folder.name} "))
            assert wanted in row


# --- guides ------------------------------------------------------------------------------------------------------------


def test_the_guide_of_environments_shows_the_mapping_of_the_chart():
    guide = ROOT / "charts/ENVIRONMENTS.md"
    shown = yaml.safe_load(blocks(guide, "yaml")[0])["clusterMapping"]
    assert shown == read(ROOT / "charts/floe-platform/values.yaml")["clusterMapping"]
    rows = {}
    for line in guide.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and (ROOT / "charts/floe-platform" / cells[4]).is_file():
            rows[cells[0]] = cells
    assert len({row[1] for row in rows.values()}) == 2 and len(rows) >= 5, "two clusters, five environments"
    for mapping in shown.values():
        for environment in mapping["environments"]:
            namespace = mapping["namespaceTemplate"].replace("{{.environment}}", environment)
            assert rows[environment][1:4] == [mapping["cluster"], namespace, mapping["resources"]["preset"]]
            assert read(ROOT / "charts/floe-platform" / rows[environment][4])["global"]["environment"] == environment


@pytest.mark.parametrize("guide", ["RELEASING.md", "ENVIRONMENTS.md"])
def test_the_commands_of_a_guide_are_shell_and_name_what_exists(guide):
    path = ROOT / "charts" / guide
    for text in blocks(path, "bash"):
        done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        for file in re.findall(r"(?:charts|tools)/[\w./-]+", re.sub(r"https?://\S+|oci://\S+|site/\S+", "", text)):
            assert (ROOT / file).exists(), file
    script = (ROOT / "tools/publish-charts.sh").read_text()
    for option in set(re.findall(r"tools/publish-charts\.sh.*?(?=\n *\n|\Z)", "\n\n".join(blocks(path, "bash")), re.S)):
        for flag in re.findall(r"(?<=\s)--[a-z-]+", option.split("```")[0]):
            assert f"{flag})" in script or f"{flag} " in script, flag


def helm(*arguments):
    folder = os.environ.get("FLOE_TEST_BIN")
    program = Path(folder) / "helm4/helm" if folder else shutil.which("helm")
    assert program, "set FLOE_TEST_BIN to the sandbox's folder of programs"
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.parametrize("name", ["floe-jobs", "otel-collector"])
def test_the_patterns_of_a_readme_render(name, tmp_path):
    patterns = blocks(ROOT / "charts" / name / "README.md", "yaml")
    assert len(patterns) >= 3
    for number, text in enumerate(patterns):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        done = helm("template", "example", ROOT / "charts" / name, "-f", file)
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        assert "kind:" in done.stdout


def test_the_platform_fits_into_kind(tmp_path):
    copy = tmp_path / "charts"
    shutil.copytree(ROOT / "charts", copy, ignore=shutil.ignore_patterns("charts"))
    platform = copy / "floe-platform"
    assert helm("dependency", "build", "--skip-refresh", platform).returncode == 0
    done = helm("template", "floe", platform, "--namespace", "floe-dev", "-f", platform / "values-dev.yaml", "-f", copy / "testing/kind-values.yaml")
    assert done.returncode == 0, done.stderr
    documents = [document for document in yaml.safe_load_all(done.stdout) if document]
    assert not [document for document in documents if document["kind"] in ("Ingress", "HorizontalPodAutoscaler")]
    assert all(document["spec"].get("replicas", 1) == 1 for document in documents if document["kind"] in ("Deployment", "StatefulSet"))
    claims = [template for document in documents if document["kind"] == "StatefulSet" for template in document["spec"].get("volumeClaimTemplates", [])]
    assert claims and {claim["spec"]["storageClassName"] for claim in claims} == {"standard"}
