"""core-pipeline on the sandbox's control planes: zones, autoscaling, credentials, hooks, Argo CD's objects.

API server, scheduler and controllers are real, nodes are simulated. Load is what a metrics API of this file reports,
because no simulated pod uses any. Needs FLOE_TEST_SANDBOX_KUBECONFIG and FLOE_TEST_BIN.
"""

import http.server
import json
import os
import ssl
import subprocess
import threading
import time
import uuid
from pathlib import Path

import pytest
import yaml

CHART = Path(__file__).resolve().parents[2] / "charts/core-pipeline"
BIN = Path(os.environ.get("FLOE_TEST_BIN", "/nonexistent"))
KUBECONFIG = os.environ.get("FLOE_TEST_SANDBOX_KUBECONFIG", "")
HELMS = ["helm4", "helm3"]

pytestmark = pytest.mark.skipif(not (KUBECONFIG and BIN.exists()), reason="needs FLOE_TEST_SANDBOX_KUBECONFIG and FLOE_TEST_BIN")


class Namespace:
    """A namespace of its own on one plane, with restricted Pod Security, and the commands in it."""

    def __init__(self, plane: str, helm: str):
        self.context, self.name = f"{plane}-admin", f"core-{uuid.uuid4().hex[:8]}"
        self.program = BIN / helm / "helm"
        self.kubectl("create", "namespace", self.name)
        self.kubectl("label", "namespace", self.name, "pod-security.kubernetes.io/enforce=restricted")

    def kubectl(self, *args, check=True, text=None) -> str:
        command = [BIN / "kubectl", "--kubeconfig", KUBECONFIG, "--context", self.context, "--namespace", self.name, *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=120)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def helm(self, *args, check=True) -> subprocess.CompletedProcess:
        command = [self.program, "--kubeconfig", KUBECONFIG, "--kube-context", self.context, "--namespace", self.name, *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
        assert not check or done.returncode == 0, done.stderr + done.stdout
        return done

    def get(self, *args) -> dict:
        return json.loads(self.kubectl("get", *args, "--output", "json"))

    def names(self, kinds: str) -> set[str]:
        return set(self.kubectl("get", kinds, "--output", "name").split())

    def until(self, what: str, condition, seconds: float = 90):
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, f"not within {seconds} s: {what}"
            time.sleep(0.3)
        return found

    def ready(self) -> int:
        return self.get("deployment", "core-pipeline")["status"].get("readyReplicas", 0)


@pytest.fixture(params=HELMS)
def helm(request) -> str:
    return request.param


@pytest.fixture
def namespaces():
    made: list[Namespace] = []

    def make(plane: str, helm: str) -> Namespace:
        made.append(Namespace(plane, helm))
        return made[-1]

    yield make
    for namespace in made:
        namespace.kubectl("delete", "namespace", namespace.name, "--wait=false", check=False)


def test_generated_credentials_outlive_upgrade_rollback_and_uninstall(namespaces, helm):
    namespace = namespaces("nonprod", helm)
    values = ["--values", CHART / "values-dev.yaml", "--wait", "--timeout", "120s"]
    namespace.helm("install", "core-pipeline", CHART, *values)
    first = namespace.get("secret", "core-pipeline")["data"]
    assert len(first) == 3 and all(first.values())
    namespace.helm("upgrade", "core-pipeline", CHART, *values, "--set", "featureFlags.more=true")
    assert namespace.get("secret", "core-pipeline")["data"] == first
    # A password that is given replaces the generated one, and only that.
    namespace.helm("upgrade", "core-pipeline", CHART, *values, "--set", "secrets.values.REDIS_PASSWORD=given")
    changed = namespace.get("secret", "core-pipeline")["data"]
    assert changed == first | {"REDIS_PASSWORD": "Z2l2ZW4="}
    namespace.helm("rollback", "core-pipeline", "1", "--wait", "--timeout", "120s")
    assert namespace.get("secret", "core-pipeline")["data"] == first
    namespace.helm("uninstall", "core-pipeline", "--wait", "--timeout", "120s")
    left = namespace.names("all,configmap,secret,serviceaccount,ingress,hpa,pdb,networkpolicy,pvc")
    assert left - {"configmap/kube-root-ca.crt", "serviceaccount/default"} == {"secret/core-pipeline"}
    namespace.helm("install", "core-pipeline", CHART, *values)
    assert namespace.get("secret", "core-pipeline")["data"] == first


def test_production_is_spread_over_zones_and_upgraded_without_a_gap(namespaces, helm):
    namespace = namespaces("prod", helm)
    values = ["--values", CHART / "values-prod.yaml", "--wait", "--timeout", "120s"]
    namespace.helm("install", "core-pipeline", CHART, *values)
    namespace.until("three ready pods", lambda: namespace.ready() == 3)
    zones = {node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in namespace.get("nodes")["items"]}
    pods = namespace.get("pods", "--selector", "app.kubernetes.io/component=app")["items"]
    assert len({zones[pod["spec"]["nodeName"]] for pod in pods}) == 3
    seen, stop = [], threading.Event()

    def watch():
        while not stop.is_set():
            seen.append(namespace.ready())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        namespace.helm("upgrade", "core-pipeline", CHART, *values, "--set", "image.tag=1.0.1")
    finally:
        stop.set()
        watcher.join()
    assert len(seen) > 5 and min(seen) >= 3, seen
    assert namespace.get("deployment", "core-pipeline")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":1.0.1")


def test_hooks_run_in_order_and_leave_only_the_dumps(namespaces, helm):
    namespace = namespaces("prod", helm)
    values = ["--values", CHART / "values-test.yaml", "--wait", "--timeout", "120s"]
    kinds = "jobs,persistentvolumeclaims,configmaps,secrets"

    def jobs_of(action, *args) -> list[str]:
        """Names of the Jobs that came into being during a helm command, in that order."""
        watcher = subprocess.Popen([BIN / "kubectl", "--kubeconfig", KUBECONFIG, "--context", namespace.context, "--namespace", namespace.name,
                                    "get", "jobs", "--watch-only", "--output", "jsonpath={.metadata.creationTimestamp} {.metadata.name}{'\\n'}"],
                                   stdout=subprocess.PIPE, text=True)
        try:
            namespace.helm(action, "core-pipeline", *args)
        finally:
            watcher.terminate()
        lines = watcher.communicate()[0].splitlines()
        return list(dict.fromkeys(line.split()[1].removeprefix("core-pipeline-") for line in sorted(lines, key=lambda line: line.split()[0])))

    assert jobs_of("install", CHART, *values) == ["migrate", "smoke"]
    assert not {name for name in namespace.names(kinds) if "hooks" in name or name.startswith("job")}
    claim = namespace.get("persistentvolumeclaim", "core-pipeline-backups")["metadata"]["uid"]
    assert jobs_of("upgrade", CHART, *values, "--set", "featureFlags.more=true") == ["backup", "migrate", "verify"]
    assert namespace.get("persistentvolumeclaim", "core-pipeline-backups")["metadata"]["uid"] == claim, "the claim was made anew"
    # A failing migration stops the upgrade before anything is changed, and stays for its log.
    before = namespace.get("deployment", "core-pipeline")["metadata"]["generation"]
    failed = namespace.helm("upgrade", "core-pipeline", CHART, *values, "--set", "image.tag=1.0.2", "--set",
                            r"hooks.podAnnotations.sim\.floe\.dev/outcome=fail", check=False)
    assert failed.returncode != 0
    assert namespace.get("deployment", "core-pipeline")["metadata"]["generation"] == before
    assert {name for name in namespace.names("jobs")} == {"job.batch/core-pipeline-backup"}
    namespace.helm("upgrade", "core-pipeline", CHART, *values)
    assert not namespace.names("jobs")
    namespace.helm("uninstall", "core-pipeline", "--wait", "--timeout", "120s")
    left = {name for name in namespace.names(f"all,{kinds},ingress,hpa,pdb,networkpolicy,servicemonitors.monitoring.coreos.com,prometheusrules.monitoring.coreos.com")}
    assert left - {"configmap/kube-root-ca.crt"} == {"secret/core-pipeline", "persistentvolumeclaim/core-pipeline-backups"}


def test_helm_test_passes_and_a_failing_one_fails(namespaces, helm):
    namespace = namespaces("nonprod", helm)
    values = ["--values", CHART / "values-staging.yaml", "--wait", "--timeout", "120s"]
    namespace.helm("install", "core-pipeline", CHART, *values)
    done = namespace.helm("test", "core-pipeline", "--logs", "--timeout", "60s")
    assert done.stdout.count("Phase:          Succeeded") == 2, done.stdout
    namespace.helm("upgrade", "core-pipeline", CHART, *values, "--set", r"tests.podAnnotations.sim\.floe\.dev/outcome=fail")
    assert namespace.helm("test", "core-pipeline", "--timeout", "60s", check=False).returncode != 0


# --- load --------------------------------------------------------------------------------------------------------------


class Metrics(http.server.BaseHTTPRequestHandler):
    """metrics.k8s.io/v1beta1 for one namespace: every pod of it uses `millicores`."""

    protocol_version = "HTTP/1.1"
    namespace: Namespace
    millicores = 0

    def do_GET(self):
        items = []
        if self.path.startswith(f"/apis/metrics.k8s.io/v1beta1/namespaces/{self.namespace.name}/pods"):
            for pod in self.namespace.get("pods", "--selector", "app.kubernetes.io/component=app")["items"]:
                usage = {"cpu": f"{self.millicores}m", "memory": "200Mi"}
                now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                items.append({"metadata": {k: pod["metadata"][k] for k in ("name", "namespace", "labels")}, "timestamp": now, "window": "30s",
                              "containers": [{"name": "core-pipeline", "usage": usage}]})
        if self.path.split("?")[0].rstrip("/") == "/apis/metrics.k8s.io/v1beta1":
            body = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "metrics.k8s.io/v1beta1", "resources": [
                {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}]}
        else:
            body = {"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def load(namespaces, tmp_path):
    """A metrics API on the plane nonprod for one namespace; gives the namespace."""
    namespace = namespaces("nonprod", "helm4")
    if "v1beta1.metrics.k8s.io" in namespace.kubectl("get", "apiservices", "--output", "name"):
        pytest.skip("the plane has a metrics API already")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                    "-keyout", tmp_path / "key", "-out", tmp_path / "certificate"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Metrics,), {"namespace": namespace}))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    port = server.server_port
    # The API server dials the name of an ExternalName Service itself.
    objects = [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "metrics", "namespace": namespace.name},
         "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}},
        {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io"},
         "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
                  "insecureSkipTLSVerify": True, "service": {"name": "metrics", "namespace": namespace.name, "port": port}}},
    ]
    try:
        namespace.kubectl("apply", "--filename", "-", text=yaml.safe_dump_all(objects))
        yield namespace, server.RequestHandlerClass
    finally:
        # Before the server goes: an API that does not answer would keep namespaces from being deleted.
        namespace.kubectl("delete", "apiservice", "v1beta1.metrics.k8s.io", check=False)
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_autoscaler_follows_the_load(load):
    namespace, metrics = load
    metrics.millicores = 250
    values = ["--values", CHART / "values-staging.yaml", "--wait", "--timeout", "120s", "--set", "autoscaling.behavior.scaleDown.stabilizationWindowSeconds=0",
              "--set", "autoscaling.targetMemoryUtilizationPercentage=0", "--set", "autoscaling.maxReplicas=5"]
    values += ["--set", "autoscaling.behavior.scaleDown.policies[0].type=Percent", "--set", "autoscaling.behavior.scaleDown.policies[0].value=100",
               "--set", "autoscaling.behavior.scaleDown.policies[0].periodSeconds=15"]
    namespace.helm("install", "core-pipeline", CHART, *values)
    # Each pod uses all it requests and 80 % is aimed at: more pods, up to the maximum.
    namespace.until("five ready pods", lambda: namespace.ready() == 5, 180)
    conditions = namespace.get("hpa", "core-pipeline")["status"]["conditions"]
    assert any(c["type"] == "ScalingActive" and c["status"] == "True" for c in conditions)
    # An upgrade under load does not set the number back.
    namespace.helm("upgrade", "core-pipeline", CHART, *values, "--set", "featureFlags.more=true")
    assert namespace.ready() >= 5
    metrics.millicores = 20
    namespace.until("two ready pods", lambda: namespace.ready() == 2, 180)


# --- Argo CD -----------------------------------------------------------------------------------------------------------


def test_argo_cds_objects_are_taken_by_the_api_server(namespaces):
    namespace = namespaces("prod", "helm4")
    files = [CHART / "argocd/projects.yaml", CHART / "argocd/applicationset.yaml", *sorted((CHART / "argocd/applications").glob("*.yaml"))]
    kinds = []
    for file in files:
        objects = [document for document in yaml.safe_load_all(file.read_text()) if document]
        kinds += [document["kind"] for document in objects]
        for document in objects:
            document["metadata"]["namespace"] = namespace.name
        namespace.kubectl("apply", "--server-side", "--validate=strict", "--filename", "-", text=yaml.safe_dump_all(objects))
        # The finalizer is for Argo CD, which is not here to honour it.
    for name in namespace.names("applications.argoproj.io"):
        namespace.kubectl("patch", name, "--type=merge", "--patch", '{"metadata":{"finalizers":null}}')
    assert kinds.count("AppProject") == 3 and kinds.count("ApplicationSet") == 1 and kinds.count("Application") == 4
