"""floe-platform against the real programs that run its configuration: PostgreSQL, Dagster, dbt, promtool, Jaeger.

What a container would run is taken from the rendered manifests (command, environment, files) and run here; only the
addresses are replaced. PostgreSQL is Debian's or PyPI's pgserver, Dagster and dbt are PyPI's.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from proof.programs import free_port, postgres_folder, postgresql

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "it's \"quoted\" $HOME"
SECRETS = {"postgresql-password": PASSWORD}


# --- rendering ---------------------------------------------------------------------------------------------------------


def helm_program() -> str:
    for name in (os.environ.get("HELM4"), os.environ.get("HELM"), shutil.which("helm")):
        if name and Path(name).exists():
            return name
    folder = os.environ.get("FLOE_TEST_BIN")
    if folder and (Path(folder) / "helm4/helm").exists():
        return str(Path(folder) / "helm4/helm")
    pytest.fail("no helm: set HELM4, or FLOE_TEST_BIN to the sandbox's folder of programs")


@pytest.fixture(scope="module")
def chart(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("charts")
    shutil.copytree(ROOT / "charts", folder, dirs_exist_ok=True)
    chart = folder / "floe-platform"
    shutil.rmtree(chart / "charts", ignore_errors=True)
    subprocess.run([helm_program(), "dependency", "build", "--skip-refresh", chart], check=True, capture_output=True)
    return chart


@pytest.fixture(scope="module")
def render(chart):
    def run(*args: str) -> list[dict]:
        command = [helm_program(), "template", "floe-platform", str(chart), "--namespace", "floe-dev", *args]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    return run


def one(documents: list[dict], kind: str, name: str) -> dict:
    found = [d for d in documents if d["kind"] == kind and d["metadata"]["name"] == f"floe-platform-{name}"]
    assert len(found) == 1, f"{len(found)} {kind} {name}"
    return found[0]


def pod_spec(document: dict) -> dict:
    spec = document["spec"]
    return spec if document["kind"] == "Pod" else spec["template"]["spec"]


def container(document: dict, name: str) -> dict:
    spec = pod_spec(document)
    return next(c for c in spec.get("initContainers", []) + spec["containers"] if c["name"] == name)


def run_container(definition: dict, *, secrets: dict | None = None, replace: dict | None = None, timeout: float = 60):
    """Runs a container's command with its own environment; `replace` overrides variables and texts of the command."""
    environment = {"PATH": f"{POSTGRES}:{Path(sys.executable).parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    for entry in definition.get("env", []):
        if "value" in entry:
            environment[entry["name"]] = entry["value"]
        else:
            reference = entry["valueFrom"]["secretKeyRef"]
            value = (SECRETS if secrets is None else secrets).get(reference["key"])
            assert value is not None or reference.get("optional"), f"{reference} would keep the pod from starting"
            if value is not None:
                environment[entry["name"]] = value
    texts = {}
    for key, value in (replace or {}).items():
        (environment if key.isupper() else texts)[key] = value
    command = definition["command"] + definition.get("args", [])
    for old, new in texts.items():
        command = [new if part == old else part.replace(old + "/", new + "/") for part in command]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)


# --- PostgreSQL --------------------------------------------------------------------------------------------------------


POSTGRES = postgres_folder()


@pytest.fixture(scope="module")
def database():
    with postgresql("floe", PASSWORD) as server:
        yield server


@pytest.fixture(scope="module")
def dev(render):
    return render("-f", str(ROOT / "charts/floe-platform/values-dev.yaml"))


def test_the_init_script_runs_twice_without_harm(dev, database):
    script = one(dev, "ConfigMap", "postgresql-initdb")["data"]["databases.sql"]
    for _ in range(2):
        done = database.client("psql", "-X", "-v", "ON_ERROR_STOP=1", text=script)
        assert done.returncode == 0, done.stderr
    names = database.ask("SELECT datname FROM pg_database").stdout.split()
    assert {"dagster", "polaris", "marquez", "analytics"} <= set(names)


DEPENDANTS = ["dagster-webserver", "dagster-daemon", "polaris", "marquez"]


@pytest.mark.parametrize("component", DEPENDANTS)
def test_a_wait_gives_up_in_time_and_says_why(dev, component):
    wait = container(one(dev, "Deployment", component), "wait-for-postgresql")
    begin = time.monotonic()
    port = str(free_port())
    done = run_container(wait, replace={"PGHOST": "127.0.0.1", "PGPORT": port, "WAIT_SECONDS": "3", "WAIT_INTERVAL": "1"})
    assert done.returncode == 1
    assert 2 < time.monotonic() - begin < 15
    assert f"PostgreSQL at 127.0.0.1:{port} did not accept connections within 3 s" in done.stderr
    assert "wait.timeoutSeconds" in done.stderr


def test_a_wait_passes_and_makes_a_database_that_is_missing(dev, database):
    wait = container(one(dev, "Deployment", "marquez"), "wait-for-postgresql")
    database.ask("DROP DATABASE IF EXISTS marquez")
    for _ in range(2):
        done = run_container(wait, replace=database.address)
        assert done.returncode == 0, done.stderr
        assert "accepts connections" in done.stdout
    assert "marquez" in database.ask("SELECT datname FROM pg_database").stdout


def test_a_wait_with_a_wrong_password_fails_at_once_with_postgresqls_words(dev, database):
    wait = container(one(dev, "Deployment", "polaris"), "wait-for-postgresql")
    done = run_container(wait, secrets={"postgresql-password": "wrong"}, replace=database.address, timeout=20)
    assert done.returncode == 1
    assert "password authentication failed" in done.stderr and "Secret" in done.stderr


def test_the_wait_for_marquez(dev, database):
    wait = container(one(dev, "Deployment", "marquez-web"), "wait-for-marquez")
    closed = str(free_port())
    done = run_container(wait, replace={"WAIT_HOST": "127.0.0.1", "WAIT_PORT": closed, "WAIT_SECONDS": "2", "WAIT_INTERVAL": "1"})
    assert done.returncode == 1 and f"marquez at 127.0.0.1:{closed} did not accept" in done.stderr
    done = run_container(wait, replace={"WAIT_HOST": "127.0.0.1", "WAIT_PORT": str(database.port)})
    assert done.returncode == 0, done.stderr


def test_the_postgresql_test_passes_and_fails(dev, database):
    check = container(one(dev, "Pod", "test-postgresql"), "test-postgresql")
    for name in next(entry["value"] for entry in check["env"] if entry["name"] == "DATABASES").split():
        database.ask(f'CREATE DATABASE "{name}"')  # another test may have made it
    done = run_container(check, replace=database.address)
    assert done.returncode == 0, done.stderr
    done = run_container(check, replace={**database.address, "DATABASES": "dagster nowhere"})
    assert done.returncode == 1 and "FAILED: floe cannot work in database nowhere" in done.stderr


def test_users_are_made_twice_without_harm_and_passwords_rotate(render, database):
    manifest = render(
        "--set", "databaseUsers[0].name=reader", "--set", "databaseUsers[0].database=dagster",
        "--set", "databaseUsers[0].access=read", "--set", "databaseUsers[0].existingSecret=reader",
        "--set", "databaseUsers[1].name=writer", "--set", "databaseUsers[1].database=dagster",
        "--set", "databaseUsers[1].access=write", "--set", "databaseUsers[1].existingSecret=writer",
    )
    job = one(manifest, "Job", "db-users")
    database.ask("CREATE DATABASE dagster")
    database.ask("CREATE TABLE IF NOT EXISTS facts (n int)", "dagster")
    for password in ("first'\"$(id)", "second"):
        for name in ("user-reader", "user-writer"):
            done = run_container(container(job, name), secrets={**SECRETS, "password": password}, replace=database.address)
            assert done.returncode == 0, f"{name}: {done.stderr}"
            assert password not in done.stdout + done.stderr
    database.ask("CREATE TABLE IF NOT EXISTS later (n int)", "dagster")
    for table in ("facts", "later"):
        assert database.ask(f"SELECT count(*) FROM {table}", "dagster", "reader", "second").returncode == 0
        refused = database.ask(f"INSERT INTO {table} VALUES (1)", "dagster", "reader", "second")
        assert "permission denied" in refused.stderr
        assert database.ask(f"INSERT INTO {table} VALUES (1)", "dagster", "writer", "second").returncode == 0
    assert "password authentication failed" in database.ask("SELECT 1", "dagster", "reader", "first'\"$(id)").stderr


def test_backups_are_whole_and_old_ones_go(render, database, tmp_path):
    job = one(render("--set", "backup.enabled=true", "--set", "backup.keep=2"), "Job", "backup")
    dump = container(job, "backup")
    replace = {**database.address, "BACKUP_FOLDER": str(tmp_path), "DATABASES": "dagster"}
    database.ask("CREATE DATABASE dagster")
    for old in ("20200101T000000Z", "20210101T000000Z"):
        (tmp_path / f"dagster-{old}.dump").write_text("old")
    done = run_container(dump, replace=replace)
    assert done.returncode == 0, done.stderr
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len(left) == 2 and left[0] == "dagster-20210101T000000Z.dump"
    assert (tmp_path / left[1]).read_bytes().startswith(b"PGDMP")
    done = run_container(dump, replace={**replace, "DATABASES": "nowhere"})
    assert done.returncode == 1 and "dump of nowhere failed" in done.stderr
    assert not list(tmp_path.glob("*.partial")) and not list(tmp_path.glob("nowhere*"))


def test_preflight_tells_every_fault(render, database):
    job = one(render("-f", str(ROOT / "charts/floe-platform/ci/external-database-values.yaml")), "Job", "preflight")
    check = container(job, "preflight")
    good = {**SECRETS, "root-client-id": "a", "root-client-secret": "b", "token-broker-key": "c", "credentials.json": "d", "admin-user": "e", "admin-password": "f"}
    address = {**database.address, "PGSSLMODE": "disable", "WAIT_SECONDS": "0"}
    for name in ("dagster", "polaris", "marquez", "analytics"):
        database.ask(f"CREATE DATABASE {name}")
    done = run_container(check, secrets=good, replace=address)
    assert done.returncode == 0, done.stderr
    done = run_container(check, secrets={**SECRETS, "root-client-id": ""}, replace={**address, "DATABASES": "dagster nowhere"})
    assert done.returncode == 1
    for part in ("key root-client-id of Secret floe-polaris-credentials is missing", "token-broker-key", "cannot open database nowhere", "nothing was installed"):
        assert part in done.stderr, done.stderr
    done = run_container(check, secrets=good, replace={**address, "PGPORT": str(free_port())})
    assert done.returncode == 1 and "does not accept connections" in done.stderr


# --- Dagster -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dagster_home(dev, database, tmp_path_factory):
    home = tmp_path_factory.mktemp("dagster")
    config = yaml.safe_load(one(dev, "ConfigMap", "dagster-instance")["data"]["dagster.yaml"])
    config["storage"]["postgres"]["postgres_db"].update(hostname="127.0.0.1", port=database.port)
    # Outside of a cluster there is no service account to read; the launcher's own configuration stays as rendered.
    kubeconfig = home / "kubeconfig"
    kubeconfig.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "none",
        "clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}],
        "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
        "users": [{"name": "none", "user": {}}],
    }))
    config["run_launcher"]["config"].update(load_incluster_config=False, kubeconfig_file=str(kubeconfig))
    (home / "dagster.yaml").write_text(yaml.safe_dump(config))
    # Location and port of the code server as rendered; its host is here.
    workspace = yaml.safe_load(one(dev, "ConfigMap", "dagster-workspace")["data"]["workspace.yaml"])
    for entry in workspace["load_from"]:
        entry["grpc_server"].update(host="127.0.0.1")
    (home / "workspace.yaml").write_text(yaml.safe_dump(workspace))
    (home / "repo.py").write_text("import dagster\n\n@dagster.asset\ndef answer():\n    return 42\n\ndefs = dagster.Definitions(assets=[answer])\n")
    database.ask("CREATE DATABASE dagster")
    return home


def dagster_environment(home: Path) -> dict:
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home), "LC_ALL": "C.UTF-8",
        "DAGSTER_HOME": str(home), "DAGSTER_PG_PASSWORD": PASSWORD,
    }


def wait_until(what: str, condition, process: subprocess.Popen, log: Path, seconds: float = 120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, f"ended before {what}:\n{log.read_text()[-4000:]}"
        try:
            if condition():
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.5)
    pytest.fail(f"no {what} within {seconds} s:\n{log.read_text()[-4000:]}")


class Program:
    def __init__(self, home: Path, name: str, args: list[str]):
        self.log = home / f"{name}.log"
        self.process = subprocess.Popen(args, env=dagster_environment(home), cwd=home, stdout=self.log.open("w"), stderr=subprocess.STDOUT, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def arguments(dev, component: str, name: str, home: Path) -> list[str]:
    definition = container(one(dev, "Deployment", component), name)
    args = definition.get("command", []) + definition["args"]
    return [arg.replace("/dagster-workspace", str(home)) for arg in args]


def test_dagster_runs_on_the_rendered_configuration(dev, dagster_home, database):
    home = dagster_home
    code = arguments(dev, "code-example", "user-code", home)
    code = [str(home / "repo.py") if arg.endswith("repo.py") else arg for arg in code]
    with Program(home, "code", code) as server:
        def answers():
            check = ["dagster", "api", "grpc-health-check", "-p", "3030"]
            return subprocess.run(check, env=dagster_environment(home), capture_output=True).returncode == 0
        wait_until("code server", answers, server.process, server.log)
        migrate = container(one(dev, "Job", "db-migrate"), "db-migrate")["command"]
        for _ in range(2):
            done = subprocess.run(migrate, env=dagster_environment(home), cwd=home, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
        port = free_port()
        args = [arg.replace("--port=3000", f"--port={port}") for arg in arguments(dev, "dagster-webserver", "dagster-webserver", home)]
        with Program(home, "webserver", args) as webserver:
            def info():
                return json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5))
            wait_until("answer of /server_info", info, webserver.process, webserver.log)
            assert info()["dagster_webserver_version"]
            test = [sys.executable, str(ROOT / "charts/floe-platform/files/test_dagster.py")]
            environment = {**dagster_environment(home), "DAGSTER_URL": f"http://127.0.0.1:{port}", "CODE_LOCATIONS": "example", "TEST_TIMEOUT_SECONDS": "30"}
            done = subprocess.run(test, env=environment, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0 and "1 code locations" in done.stdout, done.stdout + done.stderr
            environment.update(CODE_LOCATIONS="example missing", TEST_TIMEOUT_SECONDS="1")
            done = subprocess.run(test, env=environment, capture_output=True, text=True, timeout=60)
            assert done.returncode == 1 and "missing" in done.stderr, done.stdout + done.stderr
        with Program(home, "daemon", arguments(dev, "dagster-daemon", "dagster-daemon", home)) as daemon:
            def alive():
                return subprocess.run(["dagster-daemon", "liveness-check"], env=dagster_environment(home), cwd=home, capture_output=True).returncode == 0
            wait_until("heartbeats of the daemon", alive, daemon.process, daemon.log)
    tables = database.ask("SELECT count(*) FROM information_schema.tables WHERE table_name = 'runs'", "dagster").stdout.strip()
    assert tables == "1", "the instance wrote to the chart's database"


def test_retention_deletes_old_runs_only(dagster_home):
    script = ROOT / "charts/floe-platform/files/retention.py"
    fill = """
from datetime import datetime, timedelta, timezone
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.test_utils import freeze_time
with DagsterInstance.get() as instance:
    for days, status in ((100, DagsterRunStatus.SUCCESS), (100, DagsterRunStatus.STARTED), (1, DagsterRunStatus.SUCCESS)):
        with freeze_time(datetime.now(timezone.utc) - timedelta(days=days)):
            instance.add_run(DagsterRun(job_name=f"{status.value}-{days}", status=status))
"""
    show = """
from dagster import DagsterInstance
with DagsterInstance.get() as instance:
    print(*sorted(run.job_name for run in instance.get_runs()))
"""
    environment = {**dagster_environment(dagster_home), "RETENTION_DAYS": "30", "RETENTION_MAX_RUNS": "10"}
    def run(*args):
        done = subprocess.run([sys.executable, *args], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout
    run("-c", fill)
    assert "Deleted 1 runs" in run(str(script))
    assert run("-c", show).split() == ["STARTED-100", "SUCCESS-1"]


# --- dbt and Prometheus ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dbt() -> Path:
    found = os.environ.get("FLOE_TEST_DBT") or shutil.which("dbt", path=str(Path(sys.executable).parent))
    if not found:
        pytest.fail("no dbt beside this Python: install PyPI's dbt-postgres, or set FLOE_TEST_DBT")
    return Path(found)


def test_dbt_connects_with_the_rendered_project(dev, database, dbt, tmp_path):
    files = one(dev, "ConfigMap", "dbt")["data"]
    for name, text in files.items():
        (tmp_path / name).write_text(re.sub(r"host: .*", "host: 127.0.0.1", re.sub(r"port: .*", f"port: {database.port}", text)))
    database.ask("CREATE DATABASE analytics")
    check = container(one(dev, "Pod", "test-dbt"), "test-dbt")
    assert check["command"][0] == "dbt"
    check = {**check, "command": [str(dbt), *check["command"][1:]]}
    replace = {"/dbt": str(tmp_path), "DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_LOG_PATH": str(tmp_path / "logs")}
    done = run_container(check, replace=replace, timeout=120)
    assert done.returncode == 0 and "Connection test" in done.stdout, done.stdout + done.stderr
    assert PASSWORD not in done.stdout
    done = run_container(check, secrets={"postgresql-password": "wrong"}, replace=replace, timeout=120)
    assert done.returncode != 0, done.stdout


def test_promtool_accepts_the_rules(render, tmp_path):
    promtool = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if not promtool:
        pytest.skip("no promtool (Debian's package prometheus)")
    for name, text in one(render(), "ConfigMap", "rules")["data"].items():
        assert "NAMESPACE" not in text and 'namespace="floe-dev"' in text
        (tmp_path / name).write_text(text)
        done = subprocess.run([promtool, "check", "rules", tmp_path / name], capture_output=True, text=True)
        assert done.returncode == 0 and "8 rules" in done.stdout, done.stdout + done.stderr


def test_a_prometheusrule_holds_the_same_rules(render):
    config = one(render(), "ConfigMap", "rules")["data"]["platform.yaml"]
    rule = one(render("--set", "observability.rules.prometheusRule=true"), "PrometheusRule", "rules")
    assert rule["spec"]["groups"] == yaml.safe_load(config)["groups"]


# --- Jaeger ------------------------------------------------------------------------------------------------------------


def jaeger_program() -> str:
    """Jaeger 2 of the newest module that Go's proxy has; charts/REQUIREMENTS.md says which, and which version the chart runs."""
    found = os.environ.get("FLOE_JAEGER") or shutil.which("jaeger")
    if not found:
        pytest.fail("no jaeger: tests/charts/programs.sh builds it, or set FLOE_JAEGER")
    return found


@contextlib.contextmanager
def jaeger(documents: list[dict], folder: Path):
    """Runs the rendered configuration with other addresses and folders; gives the addresses of UI and OTLP over HTTP."""
    text = next(iter(one(documents, "ConfigMap", "jaeger")["data"].values()))
    addresses = {}
    for port in re.findall(r"0\.0\.0\.0:(\d+)|port: (\d+)", text):
        addresses[next(filter(None, port))] = free_port()
    for port, other in addresses.items():
        text = text.replace(f"0.0.0.0:{port}", f"127.0.0.1:{other}").replace(f"port: {port}", f"port: {other}")
    config = folder / "jaeger.yaml"
    config.write_text(text.replace("/badger/", f"{folder}/badger/"))
    checked = subprocess.run([jaeger_program(), "validate", f"--config={config}"], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr
    with (folder / "log").open("a") as log:
        server = subprocess.Popen([jaeger_program(), f"--config={config}"], stdout=log, stderr=log)
    try:
        until_answers(f"http://127.0.0.1:{addresses['13133']}/status", folder / "log")
        yield f"http://127.0.0.1:{addresses['16686']}", f"http://127.0.0.1:{addresses['4318']}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def until_answers(url: str, log: Path, wanted=lambda body: True) -> bytes:
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                body = answer.read()
                if wanted(body):
                    return body
        except OSError:
            pass
        assert time.monotonic() < end, log.read_text()[-2000:]
        time.sleep(0.2)


@pytest.mark.parametrize("storage", ["memory", "badger"])
def test_jaeger_keeps_a_trace_with_the_rendered_configuration(render, tmp_path, storage):
    documents = render("-f", str(ROOT / "charts/floe-platform/values-dev.yaml"), "--set", f"jaeger.storage.type={storage}")
    now = time.time_ns()
    span = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "build", "kind": 1,
            "startTimeUnixNano": str(now - 1_000_000), "endTimeUnixNano": str(now)}
    service = {"attributes": [{"key": "service.name", "value": {"stringValue": "dagster"}}]}
    body = json.dumps({"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": [span]}]}]}).encode()
    there = lambda said: b"5b8efff798038103d269b633813fc60c" in said
    with jaeger(documents, tmp_path) as (ui, otlp):
        request = urllib.request.Request(f"{otlp}/v1/traces", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()
        until_answers(f"{ui}/api/traces?service=dagster", tmp_path / "log", there)
    if storage == "badger":
        with jaeger(documents, tmp_path) as (ui, _):
            until_answers(f"{ui}/api/traces?service=dagster", tmp_path / "log", there)
