"""floe-platform on the sandbox's control planes: rights of an ordinary deployer, isolation, hooks, upgrades, what stays.

API server, controllers, admission and RBAC are real, nodes are simulated. Needs FLOE_TEST_SANDBOX_KUBECONFIG and
FLOE_TEST_BIN.
"""

import json
import os
import subprocess
import threading
import time
import uuid
from pathlib import Path

import pytest

BIN = Path(os.environ.get("FLOE_TEST_BIN", "/nonexistent"))
KUBECONFIG = os.environ.get("FLOE_TEST_SANDBOX_KUBECONFIG", "")
HELMS = ["helm4", "helm3"]
RELEASE = "floe-platform"

pytestmark = pytest.mark.skipif(not (KUBECONFIG and BIN.exists()), reason="needs FLOE_TEST_SANDBOX_KUBECONFIG and FLOE_TEST_BIN")

RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: deployers-{role}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: deployers}}]
"""


class Namespace:
    """A namespace with restricted Pod Security in which the plane's deployer may work; helm runs as that deployer."""

    def __init__(self, chart: Path, plane: str, helm: str):
        self.chart, self.plane, self.program = chart, plane, BIN / helm / "helm"
        self.name = f"platform-{uuid.uuid4().hex[:8]}"
        self.kubectl("create", "namespace", self.name)
        self.kubectl("label", "namespace", self.name, "pod-security.kubernetes.io/enforce=restricted")
        for role in ("edit", "sandbox-roles-and-quotas"):
            self.kubectl("apply", "--filename=-", text=RIGHTS.format(role=role))

    def kubectl(self, *args, check=True, text=None) -> str:
        command = [BIN / "kubectl", "--kubeconfig", KUBECONFIG, "--context", f"{self.plane}-admin", "--namespace", self.name, *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=120)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def helm(self, verb: str, *args, check=True) -> subprocess.CompletedProcess:
        chart = [self.chart] if verb in ("install", "upgrade") else []
        command = [self.program, "--kubeconfig", KUBECONFIG, "--kube-context", f"{self.plane}-deployer", "--namespace", self.name, verb, RELEASE, *chart, *args]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)
        assert not check or done.returncode == 0, done.stderr + done.stdout
        return done

    def deploy(self, verb: str, values: str, *args, check=True) -> subprocess.CompletedProcess:
        return self.helm(verb, "--values", self.chart / values, "--wait", "--timeout", "120s", *args, check=check)

    def get(self, *args) -> dict:
        return json.loads(self.kubectl("get", *args, "--output", "json"))

    def names(self, kinds: str) -> set[str]:
        return set(self.kubectl("get", kinds, "--output", "name").split())

    def can(self, group: str, verb: str, what: str) -> bool:
        return self.kubectl("auth", "can-i", verb, what, "--as", "somebody", "--as-group", group, check=False).strip() == "yes"


@pytest.fixture(params=HELMS)
def helm(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The chart, copied with its siblings, its dependencies built."""
    root = Path(__file__).resolve().parents[2] / "charts"
    folder = tmp_path_factory.mktemp("platform")
    subprocess.run(["cp", "-r", *map(str, (root / name for name in ("floe-platform", "floe-jobs", "otel-collector"))), str(folder)], check=True)
    chart = folder / "floe-platform"
    subprocess.run(["rm", "-rf", str(chart / "charts")], check=True)
    subprocess.run([BIN / "helm4/helm", "dependency", "build", "--skip-refresh", chart], check=True, capture_output=True)
    return chart


@pytest.fixture
def namespaces(built):
    made: list[Namespace] = []

    def make(plane: str = "nonprod", helm: str = "helm4") -> Namespace:
        made.append(Namespace(built, plane, helm))
        return made[-1]

    yield make
    for namespace in made:
        namespace.kubectl("delete", "namespace", namespace.name, "--wait=false", check=False)


def test_a_release_lives_and_leaves_what_is_meant_to_stay(namespaces, helm):
    space = namespaces(helm=helm)
    space.deploy("install", "values-staging.yaml")
    workloads = space.get("deployments,statefulsets")["items"]
    assert len(workloads) == 9
    for workload in workloads:
        assert workload["status"].get("readyReplicas") == workload["spec"]["replicas"], workload["metadata"]["name"]
    passed = space.helm("test", "--timeout", "90s").stdout
    for name in ("test-dagster", "test-polaris", "test-postgresql", "test-dbt"):
        assert f"{RELEASE}-{name}" in passed
    password = space.get("secret", f"{RELEASE}-postgresql")["data"]
    polaris = space.get("secret", f"{RELEASE}-polaris")["data"]
    grafana = space.get("secret", f"{RELEASE}-grafana")["data"]
    space.deploy("upgrade", "values-staging.yaml", "--set", "dagster.logLevel=error")
    assert space.get("secret", f"{RELEASE}-postgresql")["data"] == password
    assert space.get("secret", f"{RELEASE}-polaris")["data"] == polaris
    assert space.get("secret", f"{RELEASE}-grafana")["data"] == grafana
    space.helm("rollback", "1", "--wait", "--timeout", "120s")
    history = json.loads(space.helm("history", "--output", "json").stdout)
    assert [revision["status"] for revision in history] == ["superseded", "superseded", "deployed"]
    space.helm("uninstall", "--wait", "--timeout", "120s")
    kinds = "deployment,statefulset,job,cronjob,service,configmap,secret,serviceaccount,role,networkpolicy,pdb,resourcequota,limitrange,pvc"
    left = space.names(kinds) - {"configmap/kube-root-ca.crt", "serviceaccount/default"}
    assert left == {
        f"secret/{RELEASE}-postgresql", f"secret/{RELEASE}-polaris",
        f"persistentvolumeclaim/data-{RELEASE}-postgresql-0", f"persistentvolumeclaim/{RELEASE}-backup",
    }


def test_the_run_of_hooks(namespaces, helm):
    """Their order by the time at which the API server made them, watched while helm works."""
    space = namespaces(helm=helm)
    seen: dict[str, str] = {}
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            for job in space.get("jobs")["items"]:
                seen.setdefault(job["metadata"]["uid"], f"{job['metadata']['creationTimestamp']} {job['metadata']['name'].removeprefix(RELEASE + '-')}")
            time.sleep(0.1)

    def during(what):
        seen.clear()
        stop.clear()
        thread = threading.Thread(target=watch)
        thread.start()
        try:
            what()
        finally:
            stop.set()
            thread.join()
        return [entry.split(" ")[1] for entry in sorted(seen.values())]

    slow = []
    for section in ("preflight", "backup", "migrations"):  # long enough to be seen by a look every tenth of a second
        slow += ["--set-string", rf"{section}.podAnnotations.sim\.floe\.dev/run-for=2s"]
    slow += ["--set", "backup.enabled=true"]
    space.kubectl("create", "secret", "generic", "reader", "--from-literal=password=x")
    for key, value in {"name": "reader", "database": "dagster", "access": "read", "existingSecret": "reader"}.items():
        slow += ["--set", f"databaseUsers[0].{key}={value}"]
    assert during(lambda: space.deploy("install", "values-dev.yaml", *slow)) == ["preflight", "db-migrate", "db-users"]
    assert during(lambda: space.deploy("upgrade", "values-dev.yaml", *slow)) == ["backup", "db-migrate", "db-migrate", "db-users"]
    assert not space.names("jobs"), "what has succeeded is removed"
    assert during(lambda: space.helm("uninstall", "--wait", "--timeout", "120s")) == ["backup"]


def test_faults_are_failures(namespaces):
    space = namespaces()
    refused = space.deploy("install", "values-dev.yaml", "--set-string", r"preflight.podAnnotations.sim\.floe\.dev/outcome=fail", check=False)
    assert refused.returncode != 0 and f"{RELEASE}-preflight" in refused.stderr
    assert not space.names("deployments,statefulsets"), "nothing was installed"
    assert space.names("jobs") == {f"job.batch/{RELEASE}-preflight"}, "the Job stays for its log"
    space.helm("uninstall", "--no-hooks")
    space.deploy("install", "values-dev.yaml", "--set-string", r"tests.podAnnotations.sim\.floe\.dev/outcome=fail")
    failed = space.helm("test", "--timeout", "60s", check=False)
    assert failed.returncode != 0 and f"{RELEASE}-test-" in failed.stdout + failed.stderr


def test_an_upgrade_leaves_no_gap(namespaces):
    space = namespaces()
    space.deploy("install", "values-staging.yaml")
    lowest: dict[str, int] = {}
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            for item in space.get("deployments")["items"]:
                available = item["status"].get("availableReplicas", 0)
                name = item["metadata"]["name"].removeprefix(RELEASE + "-")
                lowest[name] = min(lowest.get(name, available), available)
            time.sleep(0.1)

    generations = {item["metadata"]["name"]: item["metadata"]["generation"] for item in space.get("deployments")["items"]}
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        space.deploy("upgrade", "values-staging.yaml", "--set", "dagster.runs.maxConcurrent=9,polaris.logLevel=WARN,marquez.logLevel=WARN")
    finally:
        stop.set()
        thread.join()
    for name in ("dagster-webserver", "polaris", "marquez"):
        now = space.get("deployment", f"{RELEASE}-{name}")
        assert now["metadata"]["generation"] > generations[f"{RELEASE}-{name}"], f"{name} was not replaced: nothing is proven"
        assert lowest[name] >= 2, f"{name} fell to {lowest[name]} pods"


def test_people_of_one_environment_have_nothing_in_another(namespaces):
    dev, qa = namespaces(), namespaces()
    dev.deploy("install", "values-dev.yaml")
    qa.deploy("install", "values-qa.yaml")
    assert dev.can("floe-dev-operators", "list", "pods")
    assert dev.can("floe-dev-operators", "patch", "deployments")
    assert dev.can("floe-dev-operators", "create", "jobs")
    assert not dev.can("floe-dev-operators", "get", "secrets")
    assert qa.can("floe-qa-viewers", "get", "pods/log")
    assert not qa.can("floe-qa-viewers", "patch", "deployments")
    for stranger, place in (("floe-dev-operators", qa), ("floe-qa-operators", dev), ("floe-qa-viewers", dev)):
        for verb, what in (("list", "pods"), ("get", "configmaps"), ("patch", "deployments"), ("get", "secrets")):
            assert not place.can(stranger, verb, what), f"{stranger} may {verb} {what}"


def test_two_environments_share_a_namespace(namespaces):
    space = namespaces()
    common = ["--values", space.chart / "ci/label-isolation-values.yaml", "--wait", "--timeout", "120s"]
    for team in ("team-a", "team-b"):
        command = [space.program, "--kubeconfig", KUBECONFIG, "--kube-context", "nonprod-deployer", "--namespace", space.name,
                   "install", f"floe-{team}", space.chart, "--set", f"global.environment={team},access.operators[0].name={team}", *common]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
    for team in ("team-a", "team-b"):
        pods = space.get("pods", "--selector", f"floe.dev/environment={team},app.kubernetes.io/name=floe-platform")["items"]
        assert {pod["metadata"]["labels"]["app.kubernetes.io/instance"] for pod in pods} == {f"floe-{team}"}
        policy = space.get("networkpolicy", f"floe-{team}-floe-platform-default-deny")
        assert policy["spec"]["podSelector"] == {"matchLabels": {"floe.dev/environment": team}}
    webserver = "deployments.apps/floe-team-{}-floe-platform-dagster-webserver"
    assert space.can("team-a", "patch", webserver.format("a"))
    assert not space.can("team-a", "patch", webserver.format("b"))


@pytest.mark.parametrize("plane, values", [("prod", "values-prod.yaml"), ("nonprod", "values-uat.yaml"), ("nonprod", "values-qa.yaml")])
def test_a_deployer_installs_every_environment(namespaces, plane, values):
    space = namespaces(plane)
    space.deploy("install", values)
    for workload in space.get("deployments,statefulsets")["items"]:
        assert workload["status"].get("readyReplicas") == workload["spec"]["replicas"], workload["metadata"]["name"]
    space.helm("test", "--timeout", "90s")


@pytest.mark.parametrize("values", ["external-secrets", "istio", "linkerd", "gateway-api", "monitoring"])
def test_kinds_of_others_are_taken_by_the_api_server(namespaces, values):
    space = namespaces("prod")
    command = [space.program, "--kubeconfig", KUBECONFIG, "--kube-context", "prod-admin", "--namespace", space.name,
               "install", RELEASE, space.chart, "--values", space.chart / f"ci/{values}-values.yaml", "--dry-run=server"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
