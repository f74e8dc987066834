"""Combinations of a chart's switches: the full product of the important ones, every pair of the others.

A switch has named options, each a piece of values. A data file states them (tests/charts/switches/CHART.yaml):

    base:                 values below all combinations
    product:              every combination is rendered
      mesh: {off: {}, istio: {serviceMesh: {enabled: true}}}
    pairwise:             every pair of options occurs in at least one combination
      backup.enabled: [false, true]        # short for {"false": {backup: {enabled: false}}, …}
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from proof.charts import Chart, deep_merge

Options = dict[str, dict[str, Any]]
Combination = dict[str, str]


def nested(path: str, value: Any) -> dict[str, Any]:
    """`a.b` and 1 make {a: {b: 1}}."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def switches(stated: Mapping[str, Any] | None) -> dict[str, Options]:
    found: dict[str, Options] = {}
    for name, options in (stated or {}).items():
        if isinstance(options, list):
            found[name] = {str(option).lower(): nested(name, option) for option in options}
        else:
            found[name] = {str(option).lower(): values or {} for option, values in options.items()}
    return found


def product(known: Mapping[str, Options]) -> Iterator[Combination]:
    names = list(known)
    for options in itertools.product(*known.values()):
        yield dict(zip(names, options, strict=True))


def pairwise(known: Mapping[str, Options]) -> list[Combination]:
    """Few combinations that hold every pair of options. Greedy and always the same for the same switches."""
    names = list(known)
    if len(names) < 2:
        return list(product(known)) if names else []
    missing = {
        ((a, x), (b, y)): None
        for a, b in itertools.combinations(names, 2)
        for x in known[a]
        for y in known[b]
    }
    rows: list[Combination] = []
    while missing:
        first = next(iter(missing))
        row: Combination = dict(first)
        for name in names:
            if name not in row:
                row[name] = max(known[name], key=lambda option: _gain(row, name, option, missing, names))
        for pair in itertools.combinations([(name, row[name]) for name in names], 2):
            missing.pop(pair, None)
        rows.append(row)
    return rows


def _gain(row: Combination, name: str, option: str, missing: Mapping[Any, None], names: list[str]) -> int:
    mine, place = (name, option), names.index(name)
    gain = 0
    for other, chosen in row.items():
        pair = ((other, chosen), mine) if names.index(other) < place else (mine, (other, chosen))
        gain += pair in missing
    return gain


def combinations(chart: Chart) -> list[tuple[str, dict[str, Any]]]:
    """Name and values of every combination of a chart, the base included."""
    settings = chart.settings
    base = settings.get("base") or {}
    found: list[tuple[str, dict[str, Any]]] = []
    for kind, rows in (("product", product), ("pairwise", pairwise)):
        known = switches(settings.get(kind))
        if not known:
            continue
        for number, row in enumerate(rows(known)):
            values = base
            for name, option in row.items():
                values = deep_merge(values, known[name][option])
            title = ",".join(f"{name}={option}" for name, option in row.items()) if kind == "product" else f"pairs-{number}"
            found.append((title, values))
    return found
