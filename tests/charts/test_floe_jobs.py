"""floe-jobs: artifacts of every size, names that follow what runs, and the scripts of its pods as the manifests run them."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/floe-jobs"
IMAGE = {"defaults": {"image": {"registry": "registry.example.com", "repository": "floe/customer-360", "tag": "1.4.0"}}}
MEBIBYTE = 1048576


def helm(*arguments, major="helm4"):
    folder = os.environ.get("FLOE_TEST_BIN")
    program = Path(folder) / major / "helm" if folder else shutil.which("helm")
    assert program, "set FLOE_TEST_BIN to the sandbox's folder of programs"
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)


def template(tmp_path, values, *arguments, release="c360", major="helm4"):
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(values))
    return helm("template", release, CHART, "--namespace", "floe-dev", "-f", path, *arguments, major=major)


def render(tmp_path, values, *arguments, **more):
    done = template(tmp_path, values, *arguments, **more)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def named(documents, kind):
    return {document["metadata"]["name"]: document for document in documents if document["kind"] == kind}


def artifacts(**more):
    models = [{"name": name, "compute": "postgres", "tags": [], "depends_on": []} for name in ("stg_orders", "fct_orders")]
    return {"version": "0.10.0", "metadata": {"product_name": "customer-360", "product_version": "1.4.0"}, "transforms": {"models": models}} | more


def text_of(size):
    """A document of exactly this many bytes."""
    document = artifacts(filling="")
    document["filling"] = "x" * (size - len(json.dumps(document)))
    text = json.dumps(document)
    assert len(text.encode()) == size
    return text


@pytest.mark.parametrize("major", ["helm3", "helm4"])
def test_a_config_map_takes_one_mebibyte_and_not_a_byte_more(major, tmp_path):
    file = tmp_path / "compiled_artifacts.json"
    file.write_text(text_of(MEBIBYTE))
    documents = render(tmp_path, IMAGE, "--set-file", f"artifacts.json={file}", major=major)
    data = named(documents, "ConfigMap")["c360-floe-jobs-artifacts"]["data"]
    assert data == {"compiled_artifacts.json": file.read_text()}, "the text is not touched"
    file.write_text(text_of(MEBIBYTE + 1))
    done = template(tmp_path, IMAGE, "--set-file", f"artifacts.json={file}", major=major)
    assert done.returncode != 0 and re.search(r"artifacts.?json.*maxLength|String length must be less", done.stderr, re.S), done.stderr


def test_bytes_count_and_not_characters(tmp_path):
    """The schema counts characters; the template counts what the API server counts."""
    document = artifacts(filling="ü" * (MEBIBYTE // 2))
    done = template(tmp_path, IMAGE | {"artifacts": {"json": json.dumps(document, ensure_ascii=False)}})
    assert done.returncode != 0 and "a ConfigMap holds 1048576 at most: put them into a volume (artifacts.existingClaim)" in done.stderr, done.stderr


def test_a_map_is_measured_too(tmp_path):
    done = template(tmp_path, IMAGE | {"artifacts": {"content": artifacts(filling="x" * MEBIBYTE)}})
    assert done.returncode != 0 and "a ConfigMap holds 1048576 at most" in done.stderr, done.stderr


def test_a_map_and_its_text_give_the_same_document_and_jobs(tmp_path):
    values = IMAGE | {"fromArtifacts": {"transforms": "perModel", "quality": True}}
    as_map = render(tmp_path, values | {"artifacts": {"content": artifacts()}})
    as_text = render(tmp_path, values | {"artifacts": {"json": json.dumps(artifacts())}})
    document = lambda documents: json.loads(named(documents, "ConfigMap")["c360-floe-jobs-artifacts"]["data"]["compiled_artifacts.json"])  # noqa: E731
    assert document(as_map) == document(as_text) == artifacts()
    prefixes = lambda documents: {re.sub(r"-[0-9a-f]{8}$", "", name) for name in named(documents, "Job")}  # noqa: E731
    assert prefixes(as_map) == prefixes(as_text) == {"c360-floe-jobs-stg-orders", "c360-floe-jobs-fct-orders", "c360-floe-jobs-quality"}


def job_name(tmp_path, values, *arguments):
    jobs = named(render(tmp_path, values, *arguments), "Job")
    assert len(jobs) == 1
    return next(iter(jobs))


def test_a_jobs_name_changes_with_what_it_runs_and_with_nothing_else(tmp_path):
    """A Job cannot be changed: an upgrade must meet the same name with the same content, or a new name."""
    values = IMAGE | {"jobs": {"load": {"type": "dbt"}}, "artifacts": {"content": artifacts()}}
    name = job_name(tmp_path, values)
    assert re.fullmatch(r"c360-floe-jobs-load-[0-9a-f]{8}", name)
    assert name == job_name(tmp_path, values)
    # Labels of objects, other jobs that are off, a newer chart: nothing that this job runs.
    assert name == job_name(tmp_path, values | {"commonLabels": {"team": "a"}})
    assert name == job_name(tmp_path, values, "--is-upgrade")
    copy = tmp_path / "newer"
    shutil.copytree(CHART, copy)
    chart = copy / "Chart.yaml"
    chart.write_text(re.sub(r"(?m)^version: .*$", "version: 99.0.0", chart.read_text()))
    done = helm("template", "c360", copy, "--namespace", "floe-dev", "-f", tmp_path / "values.yaml")
    assert name in done.stdout, "a new chart version alone runs nothing again"
    for change in (
        {"artifacts": {"content": artifacts(mode="mesh")}},
        {"jobs": {"load": {"type": "dbt", "env": {"A": "b"}}}},
        {"defaults": {"image": IMAGE["defaults"]["image"] | {"tag": "1.4.1"}}},
        {"resourcesPreset": "large"},
    ):
        assert name != job_name(tmp_path, values | change), change


# --- what the pods run -------------------------------------------------------------------------------------------------

# BusyBox's nc -z, over real connections.
NC = '#!/usr/bin/env python3\nimport socket, sys\nhost, port = sys.argv[-2:]\ntry:\n    socket.create_connection((host, int(port)), 5).close()\nexcept OSError as error:\n    sys.exit(f"nc: {error}")\n'


def run_wait(tmp_path, services, seconds):
    """The init container's command as the manifest has it, with its variables."""
    values = IMAGE | {"jobs": {"load": {"type": "dbt", "waitFor": services}}, "wait": {"timeoutSeconds": seconds, "intervalSeconds": 1}}
    container = next(iter(named(render(tmp_path, values), "Job").values()))["spec"]["template"]["spec"]["initContainers"][0]
    (tmp_path / "nc").write_text(NC)
    (tmp_path / "nc").chmod(0o755)
    environment = {variable["name"]: variable["value"] for variable in container["env"]} | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    return subprocess.run(container["command"] + container["args"], env=environment, capture_output=True, text=True, timeout=120)


def test_waiting_ends_when_services_answer(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        ports = [server.getsockname()[1] for server in (first, second)]
        done = run_wait(tmp_path, [f"127.0.0.1:{port}" for port in ports], 30)
    assert done.returncode == 0, done.stderr
    assert [f"127.0.0.1:{port} accepts connections" in done.stdout for port in ports] == [True, True]


def test_waiting_ends_at_its_bound_and_says_why(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        open_port = server.getsockname()[1]
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0)) # taken, and nobody listens
            port = closed.getsockname()[1]
            begun = time.monotonic()
            done = run_wait(tmp_path, [f"127.0.0.1:{open_port}", f"127.0.0.1:{port}"], 2)
    assert done.returncode == 1
    assert f"127.0.0.1:{port} did not accept connections within 2 s." in done.stderr and "wait.timeoutSeconds" in done.stderr
    assert time.monotonic() - begun < 30


def run_check(tmp_path, documents, *, without=()):
    """The test pod's command with the files that its mounts hold."""
    pod = next(pod for name, pod in named(documents, "Pod").items() if name.endswith("-test-artifacts"))
    container = pod["spec"]["containers"][0]
    environment = {variable["name"]: variable["value"] for variable in container["env"] if "value" in variable}
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    for mount in container["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "configMap" not in volume:
            continue
        folder = tmp_path / "root" / mount["mountPath"].lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        data = named(documents, "ConfigMap")[volume["configMap"]["name"]]["data"]
        items = {item["key"]: item["path"] for item in volume["configMap"].get("items", [{"key": key, "path": key} for key in data])}
        for key, path in items.items():
            if path not in without:
                (folder / path).write_text(data[key])
    for name in ("FLOE_COMPILED_ARTIFACTS", "DBT_PROFILES_DIR"):
        if name in environment:
            environment[name] = str(tmp_path / "root" / environment[name].lstrip("/"))
    command = ["python3", *container["command"][1:]]
    assert container["command"][0] == "python"
    return subprocess.run(command, env=environment | {"PATH": os.environ["PATH"]}, capture_output=True, text=True)


def test_the_test_pod_reads_what_jobs_find(tmp_path):
    documents = render(tmp_path, yaml.safe_load((CHART / "ci/dbt-artifacts-values.yaml").read_text()))
    done = run_check(tmp_path, documents)
    assert done.returncode == 0, done.stderr
    assert "compiled artifacts 0.10.0 of customer-360: 3 models" in done.stdout and "profiles.yml: readable" in done.stdout


def test_the_test_pod_says_everything_that_is_missing(tmp_path):
    documents = render(tmp_path, yaml.safe_load((CHART / "ci/dbt-artifacts-values.yaml").read_text()))
    done = run_check(tmp_path, documents, without=("compiled_artifacts.json", "profiles.yml"))
    assert done.returncode == 1
    assert "compiled artifacts" in done.stderr and "dbt profile" in done.stderr


def test_the_profile_reaches_dbt_as_it_was_written(tmp_path):
    values = yaml.safe_load((CHART / "ci/dbt-artifacts-values.yaml").read_text())
    data = named(render(tmp_path, values), "ConfigMap")["c360-floe-jobs-profiles"]["data"]
    assert yaml.safe_load(data["profiles.yml"]) == values["artifacts"]["content"]["dbt_profiles"]


# --- on a control plane ------------------------------------------------------------------------------------------------


class Plane:
    """A namespace of the sandbox with restricted Pod Security."""

    def __init__(self, kubeconfig, name):
        self.name, self.environment = name, os.environ | {"KUBECONFIG": kubeconfig}
        self.context = "nonprod-admin"
        self.bin = Path(os.environ["FLOE_TEST_BIN"])

    def kubectl(self, *arguments, check=True):
        command = [self.bin / "kubectl", "--context", self.context, "--namespace", self.name, *arguments]
        return subprocess.run([*map(str, command)], env=self.environment, capture_output=True, text=True, check=check).stdout

    def helm(self, *arguments):
        command = [self.bin / "helm4/helm", "--kube-context", self.context, "--namespace", self.name, *arguments]
        return subprocess.run([*map(str, command)], env=self.environment, capture_output=True, text=True)

    def jobs(self):
        """Conditions that are true, by the name of the job; a CronJob's run by the name of the CronJob."""
        found = {}
        for job in json.loads(self.kubectl("get", "jobs", "-o", "json"))["items"]:
            found[job["metadata"]["name"]] = {c["type"] for c in job["status"].get("conditions", []) if c["status"] == "True"}
        return found

    def until(self, met, seconds=150):
        limit = time.monotonic() + seconds
        while not met(self.jobs()):
            assert time.monotonic() < limit, self.jobs()
            time.sleep(0.5)


@pytest.fixture
def plane():
    kubeconfig = os.environ.get("FLOE_TEST_SANDBOX_KUBECONFIG")
    if not kubeconfig:
        pytest.skip("FLOE_TEST_SANDBOX_KUBECONFIG names no control plane")
    place = Plane(kubeconfig, f"floe-jobs-{os.getpid()}-{time.monotonic_ns() % 100000}")
    place.kubectl("create", "namespace", place.name)
    place.kubectl("label", "namespace", place.name, "pod-security.kubernetes.io/enforce=restricted")
    yield place
    place.kubectl("delete", "namespace", place.name, "--wait=false", check=False)


@pytest.mark.planes
def test_jobs_run_schedules_fire_and_failures_show(plane, tmp_path):
    values = IMAGE | {
        "jobs": {
            "now": {"type": "dbt"},
            "every_minute": {"type": "quality", "schedule": "* * * * *"},
            "never": {"type": "dlt", "schedule": "0 0 1 1 *", "dlt": {"script": "load.py"}},
            "broken": {"type": "custom", "command": ["false"], "backoffLimit": 0, "podAnnotations": {"sim.floe.dev/outcome": "fail"}},
        },
        "artifacts": {"content": artifacts()},
    }
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    done = plane.helm("install", "p", CHART, "-f", file)
    assert done.returncode == 0, done.stderr
    plane.kubectl("create", "job", "--from=cronjob/p-floe-jobs-never", "by-hand")
    ended = lambda jobs, name, how: any(job.startswith(name) and how in conditions for job, conditions in jobs.items())  # noqa: E731
    plane.until(lambda jobs: ended(jobs, "p-floe-jobs-now-", "Complete"))
    plane.until(lambda jobs: ended(jobs, "by-hand", "Complete"))
    plane.until(lambda jobs: ended(jobs, "p-floe-jobs-broken-", "Failed"))
    plane.until(lambda jobs: ended(jobs, "p-floe-jobs-every-minute-", "Complete"))
    before = plane.jobs()

    # The same again runs nothing again; a change runs what changed, and the old Job is gone.
    assert plane.helm("upgrade", "p", CHART, "-f", file).returncode == 0
    assert {name for name in plane.jobs() if "-now-" in name} == {name for name in before if "-now-" in name}
    assert plane.helm("upgrade", "p", CHART, "-f", file, "--set", "jobs.now.env.A=b").returncode == 0
    now = {name for name in plane.jobs() if "-now-" in name}
    assert len(now) == 1 and now.isdisjoint(before)
    assert {name for name in plane.jobs() if "-broken-" in name} == {name for name in before if "-broken-" in name}

    assert plane.helm("test", "p", "--timeout", "60s").returncode == 0
    assert plane.helm("upgrade", "p", CHART, "-f", file, "--set-string", "tests.podAnnotations.sim\\.floe\\.dev/outcome=fail").returncode == 0
    assert plane.helm("test", "p", "--timeout", "60s").returncode != 0, "a test that fails fails the command"
    assert plane.helm("rollback", "p", "1").returncode == 0
    assert plane.helm("uninstall", "p", "--wait").returncode == 0
    left = plane.kubectl("get", "jobs,cronjobs,configmaps,serviceaccounts", "-l", "app.kubernetes.io/instance=p", "-o", "name").split()
    assert left == []
