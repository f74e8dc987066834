"""Fixtures of all tests of the charts."""

from __future__ import annotations

import pytest

from proof.charts import Stage, discover
from proof.kubeschemas import Schemas

CHARTS = discover()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `chart` (without more) runs once for every chart."""
    stated = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    names = {name for one in stated for name in (one.replace(" ", "").split(",") if isinstance(one, str) else one)}
    if "chart" in metafunc.fixturenames and "chart" not in names and not hasattr(metafunc.module, "chart"):
        metafunc.parametrize("chart", CHARTS, ids=str)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files about one chart run real programs, and those that end in _cluster need control planes, unless they say more."""
    generic = {"test_render", "test_suites", "test_schema", "test_documents", "test_planes", "test_harness", "test_examples", "test_requirements"}
    for item in items:
        name = item.path.stem
        if name not in generic and not any(item.iter_markers("planes")) and not any(item.iter_markers("programs")):
            item.add_marker("planes" if name.endswith("_cluster") else "programs")


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """All charts with their dependencies built, in a folder that may be written to."""
    return Stage(tmp_path_factory.mktemp("stage"))


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Schemas:
    return Schemas(tmp_path_factory.mktemp("schemas"))
