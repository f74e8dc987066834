"""values.schema.json: it takes every values file, refuses every wrong value by its name, and agrees with values.yaml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from proof import cases, helm, mutate
from proof.charts import Chart, Stage, deep_merge, discover, read_yaml
from proof.mutate import Mutation

# What no schema can close. dbt's outputs: each adapter has keys of its own; the keys that hold credentials are described.
OPEN = {("floe-platform", ("dbt", "outputs", "*"))}
SAMPLE = 12  # mutations per chart and helm that the real program judges


def schema_of(chart: Chart) -> dict[str, Any]:
    return json.loads((chart.folder / "values.schema.json").read_text())


def validator_of(chart: Chart) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema_of(chart))


def charts_with_schema() -> list[object]:
    return [pytest.param(part, id=str(part) if part is chart else f"{chart}-{part}") for chart in discover() for part in [chart, *chart.subcharts]]


@pytest.mark.parametrize("chart", charts_with_schema())
def test_it_is_a_schema_of_its_own(chart: Chart) -> None:
    schema = schema_of(chart)
    jsonschema.Draft202012Validator.check_schema(schema)
    foreign = [text for path, text in references(schema) if not text.startswith("#/")]
    assert not foreign, f"references that leave the file: {foreign}"
    assert "global" in schema["properties"], "a parent chart's `global` would be refused"
    lax = [
        mutate.dotted(path)
        for path, node in mutate.described(schema, schema)
        if node.get("properties") and node.get("additionalProperties", True) is True
        and path and path[0] not in ("global", *dependencies(chart))
    ]
    needless = [path for name, path in OPEN if name == chart.name and mutate.dotted(path) not in lax]
    assert not needless, f"OPEN names {needless}, which is closed or gone"
    lax = [path for path in lax if (chart.name, tuple(path.split("."))) not in OPEN]
    assert not lax and schema.get("additionalProperties") is False, f"unknown keys are taken at {lax or 'the top'}"


def references(node: Any, path: str = "") -> list[tuple[str, str]]:
    found = []
    if isinstance(node, dict):
        for key, value in node.items():
            found += [(path, value)] if key == "$ref" and isinstance(value, str) else references(value, f"{path}/{key}")
    elif isinstance(node, list):
        for item in node:
            found += references(item, path)
    return found


def dependencies(chart: Chart) -> set[str]:
    return {dependency.get("alias") or dependency["name"] for dependency in chart.metadata.get("dependencies") or []}


@pytest.mark.parametrize("chart", charts_with_schema())
def test_every_key_is_described(chart: Chart) -> None:
    schema = schema_of(chart)
    silent = [
        mutate.dotted(path)
        for path, node in mutate.described(schema, schema)
        if path and path[-1] not in ("*", 0) and "*" not in path and 0 not in path and not node.get("description")
    ]
    assert not silent, f"no description: {silent}"


@pytest.mark.parametrize(("chart", "values"), cases.values_files())
def test_it_takes_what_the_chart_brings_along(chart: Chart, values: Path) -> None:
    merged = deep_merge(chart.values, read_yaml(values) or {})
    found = mutate.complaints(validator_of(chart), merged)
    assert not found, "\n".join(f"{mutate.dotted(path)}: {message}" for path, message in found)


@pytest.mark.parametrize("chart", charts_with_schema())
def test_values_and_schema_are_in_step(chart: Chart) -> None:
    """Every key of values.yaml is in the schema, every key of the schema in values.yaml, and defaults agree."""
    schema, values = schema_of(chart), chart.values
    faults = [f"{mutate.dotted(path)} is in values.yaml but not in the schema" for path in stray(values, schema, schema) if path[0] not in dependencies(chart)]
    for path, node in mutate.described(schema, schema):
        if not path or "*" in path or 0 in path or path[0] in ("global", *dependencies(chart)):
            continue
        if path == ("enabled",):
            continue  # the switch of a parent chart
        there, value = look_up(values, path)
        free_names = isinstance(node.get("additionalProperties"), dict)
        if there and not free_names and "default" in node and node["default"] != value:
            faults.append(f"{mutate.dotted(path)}: the schema's default is {node['default']!r}, values.yaml has {value!r}")
        # Optional parts of a map that is empty or null by default need not be spelt out.
        parent_there, parent = look_up(values, path[:-1])
        if not there and parent_there and isinstance(parent, dict) and parent and not node.get("properties") and "default" in node:
            faults.append(f"{mutate.dotted(path)} has a default in the schema but is not in values.yaml")
    assert not faults, "\n".join(faults)


def look_up(values: Any, path: mutate.Path) -> tuple[bool, Any]:
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return False, None
        values = values[part]
    return True, values


def stray(values: Any, node: Any, root: dict[str, Any], path: mutate.Path = ()) -> list[mutate.Path]:
    schema = mutate.resolve(node, root)
    properties = schema.get("properties") or {}
    if not isinstance(values, dict) or not properties:
        return []
    found: list[mutate.Path] = []
    for key, value in values.items():
        if key in properties:
            found += stray(value, properties[key], root, (*path, key))
        elif not isinstance(schema.get("additionalProperties"), dict) and not schema.get("patternProperties"):
            found.append((*path, key))
    return found


@pytest.mark.parametrize("chart", charts_with_schema())
def test_every_wrong_value_is_refused_by_its_name(chart: Chart) -> None:
    validator = validator_of(chart)
    known = list(mutate.mutations(validator.schema))
    assert len(known) > 20, "this schema constrains next to nothing"
    faults = [fault for mutation in known if (fault := judged(validator, mutation))]
    assert not faults, f"{len(faults)} of {len(known)} wrong values:\n" + "\n".join(faults)


def judged(validator: jsonschema.Draft202012Validator, mutation: Mutation) -> str | None:
    found = mutate.complaints(validator, mutation.document)
    if any(path[: len(mutation.path)] == mutation.path or (mutation.key and mutation.key in message and path == mutation.path[:-1]) for path, message in found):
        return None
    said = "; ".join(f"{mutate.dotted(path)}: {message[:80]}" for path, message in found) or "taken without a word"
    return f"{mutation} with {str(mutation.value)[:40]!r}: {said}"


@pytest.mark.parametrize("version", helm.HELMS)
def test_helm_itself_names_the_key(stage: Stage, tmp_path: Path, chart: Chart, version: str) -> None:
    """A sample over the whole schema, by the real program, with the file as a user would give it."""
    # An empty map is merged with the default: helm sees no fault, and there is none.
    known = [
        m
        for m in mutate.mutations(schema_of(chart))
        if m.path and "anything" not in m.path and m.path[0] not in dependencies(chart) and m.value != {}
    ]
    folder = stage.chart(chart)
    faults = []
    for number, mutation in enumerate(known[:: max(1, len(known) // SAMPLE)]):
        file = tmp_path / f"{number}.yaml"
        file.write_text(yaml.safe_dump(mutation.document))
        done = helm.run(version, "template", "floe", str(folder), "-f", str(file))
        if done.returncode == 0 or mutation.key not in done.stderr:
            faults.append(f"{mutation} with {mutation.value!r}: exit {done.returncode}\n{done.stderr}")
    assert not faults, "\n".join(faults)
