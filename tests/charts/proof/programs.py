"""The real programs that the charts' configuration is tried on: where they are, and a PostgreSQL of one's own."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# PostgreSQL refuses to run as root.
UNPRIVILEGED: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}


def free_port() -> int:
    """Below 32768: Temporal stores ports of its members as signed numbers of two bytes."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.randint(20000, 32000)))
            except OSError:
                continue
            return probe.getsockname()[1]


def postgres_folder() -> Path:
    """The folder of PostgreSQL's programs, the first that its user can run: Debian's newest, PyPI's, the one on PATH."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    try:
        import pgserver

        candidates.append(Path(pgserver.__file__).parent / "pginstall/bin")
    except ImportError:
        pass
    found = shutil.which("initdb")
    candidates += [Path(found).resolve().parent] if found else []
    for candidate in candidates:
        try:
            if subprocess.run([candidate / "postgres", "--version"], capture_output=True, cwd="/", **UNPRIVILEGED).returncode == 0:
                return candidate
        except OSError:
            continue
    pytest.fail("no PostgreSQL that can run here: install Debian's package postgresql, or PyPI's pgserver")


class PostgreSQL:
    """A server on 127.0.0.1 with one superuser and passwords by SCRAM."""

    def __init__(self, folder: Path, user: str, password: str):
        self.folder, self.user, self.password = folder, user, password
        self.bin, self.port = postgres_folder(), free_port()
        (folder / "password").write_text(password)
        if UNPRIVILEGED:
            for path in (folder, folder / "password"):
                shutil.chown(path, UNPRIVILEGED["user"], UNPRIVILEGED["group"])
        self._run("initdb", f"--pgdata={folder}/data", f"--username={user}", "--auth=scram-sha-256", f"--pwfile={folder}/password")
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", f"--pgdata={folder}/data", "--wait", f"--log={folder}/log", f"--options={options}", "start")

    def _run(self, name: str, *args: str) -> None:
        # The server would keep a pipe of pg_ctl's open, so what is said goes nowhere; its log is a file.
        done = subprocess.run([self.bin / name, *args], env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, cwd="/", stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL if name == "pg_ctl" else subprocess.PIPE, text=True, **UNPRIVILEGED)
        assert done.returncode == 0, f"{name}: {done.stderr or (self.folder / 'log').read_text()}"

    def stop(self) -> None:
        self._run("pg_ctl", f"--pgdata={self.folder}/data", "--mode=immediate", "stop")

    @property
    def address(self) -> dict[str, str]:
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self.port)}

    def client(self, name: str, *args: str, database: str = "postgres", user: str = "", password: str = "", text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs one of PostgreSQL's clients; the caller judges the exit code."""
        login = {"PGUSER": user or self.user, "PGPASSWORD": password or self.password, "PGDATABASE": database}
        return subprocess.run([self.bin / name, *args], env={"PATH": os.environ["PATH"], **login, **self.address}, input=text, capture_output=True, text=True)

    def ask(self, sql: str, database: str = "postgres", user: str = "", password: str = "") -> subprocess.CompletedProcess[str]:
        return self.client("psql", "-XAtqc", sql, database=database, user=user, password=password)


@contextmanager
def postgresql(user: str, password: str) -> Iterator[PostgreSQL]:
    """A server in a folder of its own, gone afterwards. Not in pytest's folder, which only its user may enter."""
    with tempfile.TemporaryDirectory(prefix="floe-postgresql-", ignore_cleanup_errors=True) as folder:
        server = PostgreSQL(Path(folder), user, password)
        try:
            yield server
        finally:
            server.stop()
