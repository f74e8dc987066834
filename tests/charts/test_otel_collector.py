"""otel-collector: what the chart renders, taken by a real collector: validated, run, and given traces over gRPC and HTTP.

The collector is built once from Go modules (otelcol-builder.yaml) and kept in the user's cache folder; OTELCOL names one that
is there already. Components that cannot be had as modules are judged by schemas written from their documentation (UNAVAILABLE)
and taken out before the collector sees the rest.
"""

import contextlib
import fcntl
import functools
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/otel-collector"
MANIFEST = Path(__file__).with_name("otelcol-builder.yaml")

pytestmark = pytest.mark.programs

TEXT = {"type": "string", "minLength": 1}
REFERENCE = {"type": "string", "pattern": r"^\$\{env:[A-Z][A-Z0-9_]*\}$"}
DURATION = {"type": "string", "pattern": r"^\d+(ms|s|m|h)$"}


def strict(required=(), **properties):
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


# By kind and type: what the documentation of the component allows of what the chart writes.
UNAVAILABLE = {
    ("exporters", "datadog"): strict(
        ["api"],
        api=strict(["key"], key=REFERENCE, site=TEXT),
        timeout=DURATION,
        retry_on_failure=strict(["enabled"], enabled={"type": "boolean"}, initial_interval=DURATION, max_interval=DURATION, max_elapsed_time=DURATION),
        sending_queue=strict(["enabled"], enabled={"type": "boolean"}, queue_size={"type": "integer"}, num_consumers={"type": "integer"}),
    ),
    ("connectors", "datadog"): {"type": "object", "maxProperties": 0},
    ("extensions", "basicauth"): strict(["client_auth"], client_auth=strict(["username", "password"], username=REFERENCE, password=REFERENCE)),
    ("receivers", "hostmetrics"): {"type": "object", "required": ["scrapers"]},
    ("processors", "filter"): {"type": "object"},
}


@functools.cache
def collector():
    """Path of the collector; builds it where there is none."""
    given = os.environ.get("OTELCOL")
    if given:
        return Path(given)
    manifest = MANIFEST.read_text()
    cache = Path(os.environ.get("FLOE_CHARTS_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "floe-tui/charts")
    cache.mkdir(parents=True, exist_ok=True)
    program = cache / f"otelcol-{hashlib.sha256(manifest.encode()).hexdigest()[:16]}"
    with open(f"{program}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            version = yaml.safe_load(manifest)["dist"]["version"]
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                config = Path(folder, "builder.yaml")
                config.write_text(yaml.safe_dump(yaml.safe_load(manifest) | {"dist": yaml.safe_load(manifest)["dist"] | {"output_path": f"{folder}/out"}}))
                environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOWORK": "off"}
                command = ["go", "run", f"go.opentelemetry.io/collector/cmd/builder@v{version}", "--config", config]
                done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
                assert done.returncode == 0, f"the collector cannot be built:\n{done.stderr[-4000:]}"
                shutil.move(f"{folder}/out/otelcol", program)
    return program


def helm(*arguments):
    folder = os.environ.get("FLOE_TEST_BIN")
    program = Path(folder) / "helm4/helm" if folder else shutil.which("helm")
    assert program, "set FLOE_TEST_BIN to the sandbox's folder of programs"
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)


def render(tmp_path, values=None, *files):
    """The manifests with a map of values and values files."""
    arguments = [part for file in files for part in ("-f", file)]
    if values:
        path = tmp_path / "values.yaml"
        path.write_text(yaml.safe_dump(values))
        arguments += ["-f", path]
    done = helm("template", "t", CHART, *arguments)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def one(documents, kind):
    return next(document for document in documents if document["kind"] == kind)


def config_of(documents):
    return yaml.safe_load(one(documents, "ConfigMap")["data"]["collector-config.yaml"])


def environment_of(documents, address):
    """The container's variables as Kubernetes would give them; what Secrets hold is a word."""
    variables = {}
    container = one(documents, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    for variable in container["env"]:
        if "value" in variable:
            variables[variable["name"]] = variable["value"]
        elif "fieldRef" in variable["valueFrom"]:
            assert variable["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"
            variables[variable["name"]] = address
        else:
            variables[variable["name"]] = "from-a-secret"
    # envFrom: every name that the configuration asks for and that the chart does not give itself
    if container.get("envFrom"):
        for name in re.findall(r"\$\{env:([A-Z0-9_]+)\}", one(documents, "ConfigMap")["data"]["collector-config.yaml"]):
            variables.setdefault(name, "from-a-secret")
    return variables


def type_of(name):
    return name.split("/")[0]


def without_unavailable(config):
    """The configuration without components that the test's collector has not; those are judged by their schema."""
    for (kind, wanted), schema in UNAVAILABLE.items():
        components = config.get(kind) or {}
        for name in [name for name in components if type_of(name) == wanted]:
            jsonschema.validate(components.pop(name), schema)
            for exporter in config["exporters"].values():
                if exporter and exporter.get("auth", {}).get("authenticator") == name:
                    del exporter["auth"]
            for key in ("extensions",) if kind == "extensions" else ():
                config["service"][key] = [other for other in config["service"][key] if other != name]
            for pipeline in config["service"]["pipelines"].values():
                for part in pipeline:
                    pipeline[part] = [other for other in pipeline[part] if other != name]
    if not config.get("connectors"):
        config.pop("connectors", None)
    pipelines = config["service"]["pipelines"]
    for name in [name for name, parts in pipelines.items() if not parts["receivers"] or not parts["exporters"]]:
        del pipelines[name]
    if not pipelines:
        config["exporters"]["debug"] = {}
        pipelines["traces"] = {"receivers": ["otlp"], "exporters": ["debug"]}
    return config


def validate(documents, tmp_path):
    config = without_unavailable(config_of(documents))
    for exporter in config["exporters"].values():
        if exporter and "ca_file" in exporter.get("tls", {}):
            mount = Path(exporter["tls"].pop("ca_file")).parent
            mounts = one(documents, "Deployment")["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
            assert str(mount) in [entry["mountPath"] for entry in mounts]
    path = tmp_path / "collector.yaml"
    path.write_text(yaml.safe_dump(config))
    done = subprocess.run([collector(), "validate", "--config", path], env=environment_of(documents, "127.0.0.1"), capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stderr}\n{path.read_text()}"
    assert "deprecated" not in done.stderr, done.stderr


def test_the_collector_of_the_tests_is_the_charts():
    assert yaml.safe_load(MANIFEST.read_text())["dist"]["version"] == yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]


@pytest.mark.parametrize("file", [CHART / "values.yaml", *sorted(CHART.glob("ci/*-values.yaml"))], ids=lambda file: file.stem)
def test_a_collector_takes_the_configuration_of(file, tmp_path):
    validate(render(tmp_path, None, file), tmp_path)


EXPORTERS = {
    "debug": {},
    "otlp": {"endpoint": "gateway.example.com:4317"},
    "jaeger": {"endpoint": "jaeger.example.com:4317"},
    "datadog": {"existingSecret": "datadog"},
    "grafanaCloud": {"endpoint": "https://otlp.example.com/otlp", "existingSecret": "grafana-cloud"},
    "prometheus": {},
}


@pytest.mark.parametrize("sampling", ["all", "share", "tail"])
def test_a_collector_takes_every_pair_of_exporters(sampling, tmp_path):
    settings = {"all": {}, "share": {"percentage": 12.5}, "tail": {"mode": "tail", "percentage": 5, "tail": {"keepSlowerThan": 100}}}[sampling]
    for names in [*itertools.combinations(EXPORTERS, 1), *itertools.combinations(EXPORTERS, 2), tuple(EXPORTERS)]:
        exporters = {name: {"enabled": name in names} | EXPORTERS[name] for name in EXPORTERS}
        documents = render(tmp_path, {"replicas": 1, "exporters": exporters, "config": {"sampling": settings, "resourceAttributes": {"a.b": "c"}}})
        # Every enabled exporter is in a pipeline that it can serve.
        pipelines = config_of(documents)["service"]["pipelines"]
        used = {exporter for parts in pipelines.values() for exporter in parts["exporters"]}
        assert set(config_of(documents)["exporters"]) <= used, names
        for name, parts in pipelines.items():
            assert parts["processors"][0] == "memory_limiter" and parts["processors"][-1] == "batch", name
            sampled = {"probabilistic_sampler", "tail_sampling"} & set(parts["processors"])
            assert bool(sampled) == (name == "traces" and sampling != "all"), name
        validate(documents, tmp_path)


class Running:
    """A collector with the rendered configuration, on a loopback address of its own, as a pod has one."""

    def __init__(self, documents, address, folder):
        self.address = address
        folder.mkdir()
        (folder / "config.yaml").write_text(one(documents, "ConfigMap")["data"]["collector-config.yaml"])
        self.log = folder / "log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([collector(), "--config", folder / "config.yaml"], env=environment_of(documents, address), stdout=log, stderr=log)
        probe = one(documents, "Deployment")["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]
        assert (probe["path"], probe["port"]) == ("/", "health")
        until(lambda: self.get("http", 13133, "/") == 200, lambda: f"not ready:\n{self.log.read_text()}", self.process)

    def get(self, scheme, port, path):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"{scheme}://{self.address}:{port}{path}", timeout=5) as answer:
                return answer.status
        return None

    def send(self, name):
        """One trace with one span over HTTP."""
        span = {"traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": name, "kind": 1, "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
        body = json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span]}]}]}).encode()
        request = urllib.request.Request(f"http://{self.address}:4318/v1/traces", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    def saw(self, text):
        return text in self.log.read_text()

    def end(self):
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log.read_text()


def until(met, why, process, seconds=60):
    limit = time.monotonic() + seconds
    while not met():
        assert process.poll() is None, why()
        assert time.monotonic() < limit, why()
        time.sleep(0.05)


@pytest.fixture
def start(tmp_path):
    """Starts collectors by values, each on an address of its own, and ends them."""
    running = []
    # Workers that share the tests share the machine's addresses.
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "0")) or 0)

    def run(values):
        address = f"127.44.{worker}.{len(running) + 1}"
        running.append(Running(render(tmp_path, values), address, tmp_path / f"collector-{len(running)}"))
        return running[-1]

    yield run
    for one_of_them in running:
        one_of_them.end()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_trace_goes_through_two_collectors(protocol, start):
    """In over HTTP on 4318, on over gRPC to 4317 or HTTP to 4318, and into the log of the second."""
    quick = {"config": {"batch": {"timeout": "100ms"}}}
    second = start({"exporters": {"debug": {"verbosity": "detailed"}}, **quick})
    endpoint = f"{second.address}:4317" if protocol == "grpc" else f"http://{second.address}:4318"
    first = start({
        "exporters": {"debug": {"enabled": False}, "otlp": {"enabled": True, "protocol": protocol, "endpoint": endpoint, "insecure": True}},
        "config": {"batch": {"timeout": "100ms"}, "resourceAttributes": {"deployment.environment.name": "tests-of-charts"}},
    })
    first.send("a-span-on-its-way")
    until(lambda: second.saw("a-span-on-its-way") and second.saw("tests-of-charts"), second.log.read_text, second.process)
    with urllib.request.urlopen(f"http://{first.address}:8888/metrics", timeout=10) as answer:
        assert b"otelcol_receiver_accepted_spans" in answer.read()


def test_sampling_drops_what_it_should(start):
    few = start({"config": {"sampling": {"percentage": 0.001}, "batch": {"timeout": "100ms"}}, "exporters": {"debug": {"verbosity": "detailed"}}})
    for number in range(50):
        few.send(f"span-{number}")

    def dropped():
        with urllib.request.urlopen(f"http://{few.address}:8888/metrics", timeout=10) as answer:
            lines = [line for line in answer.read().decode().splitlines() if line.startswith("otelcol_processor_probabilistic_sampler_count_traces_sampled") and 'sampled="false"' in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    until(lambda: dropped() >= 49, few.log.read_text, few.process)


# --- the test pods -----------------------------------------------------------------------------------------------------

# The image's nc and wget are BusyBox's. These do the same over real connections with what the machine has.
NC = '#!/usr/bin/env python3\nimport socket, sys\nhost, port = sys.argv[-2:]\ntry:\n    socket.create_connection((host, int(port)), 5).close()\nexcept OSError as error:\n    sys.exit(f"nc: {error}")\n'
WGET = """#!/usr/bin/env python3
import sys, urllib.request
arguments = sys.argv[1:]
name, value = arguments[arguments.index("--header") + 1].split(": ")
request = urllib.request.Request(arguments[-1], arguments[arguments.index("--post-data") + 1].encode(), {name: value})
try:
    urllib.request.urlopen(request, timeout=5).close()
except OSError as error:
    sys.exit(f"wget: {error}")
"""


def run_test_pod(documents, protocol, address, tmp_path, seconds):
    pods = [document for document in documents if document["kind"] == "Pod" and document["metadata"]["name"].endswith(f"-test-{protocol}")]
    container = pods[0]["spec"]["containers"][0]
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    for name, text in (("nc", NC), ("wget", WGET)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    assert environment["COLLECTOR"] == one(documents, "Service")["metadata"]["name"]
    environment |= {"COLLECTOR": address, "TEST_TIMEOUT_SECONDS": str(seconds), "PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(container["command"], env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_test_pod_passes_and_fails_as_it_should(protocol, start, tmp_path):
    live = start({})
    documents = render(tmp_path)
    done = run_test_pod(documents, protocol, live.address, tmp_path, 20)
    assert done.returncode == 0 and f"takes OTLP over {protocol}" in done.stdout, done.stderr
    begun = time.monotonic()
    done = run_test_pod(documents, protocol, "127.99.99.99", tmp_path, 3)
    assert done.returncode == 1 and f"takes no OTLP over {protocol}" in done.stderr and "network policies" in done.stderr, done.stderr
    assert time.monotonic() - begun < 30


def test_a_new_configuration_restarts_the_pods_and_the_same_does_not(tmp_path):
    def checksum(values):
        return one(render(tmp_path, values), "Deployment")["spec"]["template"]["metadata"]["annotations"]["checksum/config"]

    assert checksum({}) == checksum({"commonLabels": {"a": "b"}})
    assert checksum({}) != checksum({"config": {"logLevel": "warn"}})


def test_no_credential_is_in_the_configuration(tmp_path):
    """Whatever reads a Secret appears as a variable that the Deployment fills from that Secret."""
    documents = render(tmp_path, {"exporters": {name: {"enabled": True} | settings for name, settings in EXPORTERS.items()}})
    text = one(documents, "ConfigMap")["data"]["collector-config.yaml"]
    asked = set(re.findall(r"\$\{env:([A-Z0-9_]+)\}", text)) - {"MY_POD_IP"}
    container = one(documents, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    filled = {variable["name"] for variable in container["env"] if "secretKeyRef" in variable.get("valueFrom", {})}
    assert asked == filled == {"DATADOG_API_KEY", "GRAFANA_CLOUD_INSTANCE_ID", "GRAFANA_CLOUD_TOKEN"}
