"""Where the real programs are that the charts' configuration is tried on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


def postgres_folder() -> Path:
    """The folder of PostgreSQL's programs: Debian's newest, else PyPI's, else the one on PATH."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    try:
        import pgserver

        candidates.append(Path(pgserver.__file__).parent / "pginstall/bin")
    except ImportError:
        pass
    found = shutil.which("initdb")
    candidates += [Path(found).resolve().parent] if found else []
    for candidate in candidates:
        if (candidate / "initdb").exists():
            return candidate
    pytest.fail("no PostgreSQL: install Debian's package postgresql, or PyPI's pgserver")
