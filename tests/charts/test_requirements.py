"""charts/REQUIREMENTS.md: every point of the checklist has a row, and every proof that a row names exists."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from proof.charts import CHARTS, HARNESS, ROOT

TABLE = CHARTS / "REQUIREMENTS.md"
# What rows call a suite's folder, by the document that the section answers to.
FOLDERS = {"jobs": "floe-jobs", "otel": "otel-collector", "platform": "floe-platform"}
UNIT = {"S4": "core-pipeline", "S3": "dataspoke"}


def rows() -> list[tuple[int, str, list[str]]]:
    """(line, section's document, cells) of every row."""
    section, found = "", []
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        if line.startswith("## "):
            section = line.removeprefix("## ")[:2]
        cells = [cell.strip() for cell in line.strip()[1:-1].split("|")] if line.startswith("| ") else []
        if cells and cells[0] != "id":
            found.append((number, section, cells))
    return found


@cache
def titles(chart: str, suite: str) -> list[str] | None:
    path = CHARTS / chart / "tests" / f"{suite}_test.yaml"
    return [str(test["it"]) for document in yaml.safe_load_all(path.read_text()) for test in document["tests"]] if path.exists() else None


def test_every_point_of_the_checklist_has_a_row() -> None:
    covered: set[int] = set()
    for _, _, cells in rows():
        for first, last in re.findall(r"\bP(\d+)(?: to P(\d+))?", cells[0]):
            covered |= set(range(int(first), int(last or first) + 1))
    assert covered == set(range(1, 96)), sorted(set(range(1, 96)) - covered)


def test_rows_have_their_cells() -> None:
    short = [f"{number}: {cells}" for number, _, cells in rows() if len(cells) != 4]
    assert not short, "\n".join(short)
    bare = [f"{number}: {cells[0]}" for number, _, cells in rows() if not any(cell.strip(" |") for cell in cells[2:])]
    assert not bare, "neither a proof nor a reason:\n" + "\n".join(bare)


def test_the_tests_that_rows_name_exist() -> None:
    text = "\n".join(path.read_text() for folder in (HARNESS, ROOT / "tests/it", ROOT / "src") for path in [*folder.rglob("*.py"), *folder.rglob("*.rs")])
    known = set(re.findall(r"(?:def|fn) (\w+)", text))
    missing = []
    for number, _, cells in rows():
        for name, open_end in re.findall(r"\b(test_[a-z0-9_]+)(\*|…|_\*)?", " ".join(cells[2:])):
            if f"{name}.py" in " ".join(cells) or (HARNESS / f"{name}.py").exists():
                continue
            if not any(one.startswith(name) if open_end or name.endswith("_") else one == name for one in known):
                missing.append(f"line {number}: {name}{open_end}")
        missing += [f"line {number}: fn {name}" for name in re.findall(r"\bfn (\w+)", " ".join(cells[2:])) if name not in known]
    assert not missing, "\n".join(missing)


def test_the_unit_tests_that_rows_name_exist() -> None:
    missing = []
    for number, section, cells in rows():
        proof, chart, suite = cells[2] if len(cells) > 2 else "", "", ""
        for piece in re.split(r"; ", proof):
            match = re.match(r"(?:(unit|jobs|otel|platform) )?([a-z_]+)(?:, [a-z_]+)*(?: \([^)]*\))?(?:: (.*))?$", piece.strip())
            named = match and match[1]
            if match and named:
                chart = UNIT.get(section, "") if match[1] == "unit" else FOLDERS[match[1]]
                suite = match[2]
                for other in re.findall(r", ([a-z_]+)(?=,|$)", piece if not match[3] and "(" not in piece else ""):
                    if titles(chart, other) is None:
                        missing.append(f"line {number}: {chart} has no suite {other}")
                if titles(chart, suite) is None:
                    missing.append(f"line {number}: {chart} has no suite {suite}")
                    suite = ""
                title = match[3]
            elif match and match[3] and chart and titles(chart, match[2]) is not None:
                suite, title = match[2], match[3]
            else:
                title = None
            if title and suite:
                wanted = re.sub(r"[`]|\s*…$|\s*\(.*\)$", "", title).strip().lower()
                if not any(wanted.split(",")[0] in one.replace("`", "").lower() or one.lower() in wanted for one in titles(chart, suite) or []):
                    missing.append(f"line {number}: {chart} {suite}: no test {title!r}")
    assert not missing, "\n".join(missing)


def test_what_a_row_calls_later_says_whose_it_is() -> None:
    assert not [number for number, _, cells in rows() if re.search(r"\blater\b", " ".join(cells)) and "program" not in " ".join(cells)]


@pytest.mark.parametrize("path", sorted({found for _, _, cells in rows() for found in re.findall(r"`((?:charts|tests|tools|dev_env)/[\w./-]+)`", " ".join(cells))}))
def test_files_that_rows_name_exist(path: str) -> None:
    assert (ROOT / path.rstrip("/")).exists()
