"""Publishing by tools/publish-charts.sh against a real OCI registry: push, pull, ranges, signatures, tampering, the web index."""

import functools
import http.server
import os
import re
import shutil
import subprocess
import tarfile
import threading
import time
from pathlib import Path

import pytest
import yaml

from proof.registry import serving

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools/publish-charts.sh"
KEY = "Tests of the charts"

pytestmark = pytest.mark.programs


@functools.cache
def programs():
    """The folder of helm 3, helm 4 and the registry."""
    given = os.environ.get("FLOE_TEST_BIN")
    if given:
        return Path(given)
    said = subprocess.run([ROOT / "tests/sandbox/sandbox", "build", "all"], check=True, capture_output=True, text=True)
    return Path(said.stdout.split()[-1])


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """An empty registry; gives its address."""
    with serving(tmp_path_factory.mktemp("registry")) as (address, _):
        yield address


def new_key(home, name, passphrase=""):
    """A key of GnuPG in a home of its own; gives the file with its public part."""
    home.mkdir(mode=0o700)
    environment = os.environ | {"GNUPGHOME": str(home)}
    run = functools.partial(subprocess.run, check=True, capture_output=True, env=environment)
    run(["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase, "--quick-generate-key", f"{name} <charts@example.com>", "rsa2048", "sign", "never"])
    public = home / "public.gpg"
    public.write_bytes(run(["gpg", "--export", name]).stdout)
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)
    return public


@pytest.fixture(scope="module")
def gpg(tmp_path_factory):
    """The signing key's home and public keyring, and the public keyring of somebody else."""
    # Short, because the agent's socket lies in it.
    folder = tmp_path_factory.mktemp("g")
    homes = folder / "a", folder / "b"
    yield homes[0], new_key(homes[0], KEY), new_key(homes[1], "Somebody else")
    for home in homes:
        subprocess.run(["gpgconf", "--kill", "all"], env=os.environ | {"GNUPGHOME": str(home)}, check=False)


class World:
    """A folder with copies of charts, one helm, and a place in the registry that nobody else uses."""

    def __init__(self, folder, major, registry, gpg):
        self.folder, self.registry = folder, f"oci://{registry}/{folder.name.lower()}/charts"
        self.helm = programs() / major / "helm"
        self.home, self.keyring, self.other_keyring = gpg
        self.environment = os.environ | {
            "HELM": str(self.helm), "GNUPGHOME": str(self.home),
            "HELM_CACHE_HOME": str(folder / "cache"), "HELM_CONFIG_HOME": str(folder / "config"), "HELM_DATA_HOME": str(folder / "data"),
        }
        self.environment.pop("KUBECONFIG", None)
        for name in ("otel-collector", "floe-jobs", "floe-platform"):
            shutil.copytree(ROOT / "charts" / name, folder / "charts" / name, ignore=shutil.ignore_patterns("charts"))

    def chart(self, name):
        return self.folder / "charts" / name

    def run(self, *command):
        return subprocess.run([str(part) for part in command], env=self.environment, cwd=self.folder, capture_output=True, text=True)

    def publish(self, *arguments, fails=None):
        """Runs the script; gives what it said. `fails` is what it must say instead of succeeding."""
        done = self.run(SCRIPT, "--registry", self.registry, "--plain-http", *arguments)
        if fails:
            assert done.returncode != 0 and fails in done.stderr, done.stderr
        else:
            assert done.returncode == 0, done.stderr
        return done.stderr

    def helm_run(self, *arguments, fails=None):
        done = self.run(self.helm, *arguments)
        said = done.stdout + done.stderr
        if fails:
            assert done.returncode != 0 and re.search(fails, said), said
        else:
            assert done.returncode == 0, said
        return said

    def pull(self, name, *arguments, fails=None):
        """Pulls a package into a new folder and gives its only file."""
        folder = self.folder / f"pulled-{len(list(self.folder.glob('pulled-*')))}"
        folder.mkdir()
        self.helm_run("pull", f"{self.registry}/{name}", "--plain-http", "--destination", folder, *arguments, fails=fails)
        return next(folder.glob("*.tgz"), None)

    def set_version(self, name, version):
        path = self.chart(name) / "Chart.yaml"
        path.write_text(re.sub(r"(?m)^version: .*$", f"version: {version}", path.read_text()))
        changelog = self.chart(name) / "CHANGELOG.md"
        changelog.write_text(f"{changelog.read_text()}\n## {version}\n\n- For a test.\n")

    def version(self, name):
        return yaml.safe_load((self.chart(name) / "Chart.yaml").read_text())["version"]


@pytest.fixture(params=["helm4", "helm3"])
def world(request, tmp_path, registry, gpg):
    folder = tmp_path / f"w{time.monotonic_ns()}"
    folder.mkdir()
    return World(folder, request.param, registry, gpg)


def content(package):
    """Files of a package by name, without what the time of packaging is in."""
    with tarfile.open(package) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile() and not member.name.endswith("Chart.lock")}


def test_a_chart_goes_out_with_its_siblings_and_comes_back_as_it_was(world):
    said = world.publish(world.chart("floe-platform"), "--out", world.folder / "out")
    order = re.findall(r"^publish-charts: (\S+) .*published", said, re.M)
    assert order[-1] == "floe-platform" and set(order) == {"otel-collector", "floe-jobs", "floe-platform"}
    package = world.pull("floe-platform", "--version", world.version("floe-platform"))
    assert package.read_bytes() == (world.folder / "out" / package.name).read_bytes()
    files = content(package)
    chart = yaml.safe_load(files["floe-platform/Chart.yaml"])
    assert {dependency["repository"] for dependency in chart["dependencies"]} == {world.registry}
    # Dependencies are in the package, so an installation fetches one thing only.
    assert "floe-platform/charts/otel-collector/Chart.yaml" in files
    rendered = world.helm_run("template", "floe", f"{world.registry}/floe-platform", "--plain-http", "--version", chart["version"])
    assert "otel-collector" in rendered
    # What is for tests only stays at home.
    assert not [name for name in files if name.startswith(("floe-platform/ci/", "floe-platform/tests/"))]
    source = (world.chart("floe-platform") / "Chart.yaml").read_text()
    assert "file://../otel-collector" in source, "the chart in the repository is not touched"


def test_ranges_find_the_newest_version_that_fits(world):
    chart = world.chart("otel-collector")
    for version in ("0.1.0", "0.1.7", "0.2.0", "1.0.0"):
        world.set_version("otel-collector", version)
        world.publish(chart)
    found = lambda *version: world.pull("otel-collector", *version).name  # noqa: E731
    assert found("--version", "0.1.0") == "otel-collector-0.1.0.tgz"
    assert found("--version", "~0.1.0") == "otel-collector-0.1.7.tgz"
    assert found("--version", ">=0.1, <1.0") == "otel-collector-0.2.0.tgz"
    assert found() == "otel-collector-1.0.0.tgz"
    world.pull("otel-collector", "--version", ">=2.0", fails="(?i)could not locate a version matching")


def test_a_version_is_published_once(world):
    chart = world.chart("otel-collector")
    world.publish(chart)
    assert "is there already" in world.publish(chart)
    values = chart / "values.yaml"
    values.write_text(values.read_text().replace("logLevel: info", "logLevel: warn"))
    world.publish(chart, fails="is published already with other content: raise version in Chart.yaml")
    world.set_version("otel-collector", "0.1.99")
    assert "0.1.99: published" in world.publish(chart)


def test_a_signature_holds_and_nothing_else_does(world):
    chart = world.chart("otel-collector")
    version = world.version("otel-collector")
    assert "published and signed" in world.publish(chart, "--sign", KEY, "--out", world.folder / "out")
    assert world.pull("otel-collector", "--version", version, "--verify", "--keyring", world.keyring)
    world.pull("otel-collector", "--version", version, "--verify", "--keyring", world.other_keyring, fails="signature made by unknown entity")


def test_a_guarded_key_signs_with_its_passphrase_from_gnupg_or_a_keyring(world, tmp_path_factory):
    home, chart = tmp_path_factory.mktemp("k") / "g", world.chart("otel-collector")
    public = new_key(home, "Guarded", "open sesame")
    world.environment["GNUPGHOME"] = str(home)
    right, wrong = world.folder / "right", world.folder / "wrong"
    right.write_text("open sesame")
    wrong.write_text("open barley")
    try:
        world.publish(chart, "--sign", "Guarded", "--passphrase-file", wrong, "--dry-run", fails="is the passphrase right?")
        said = world.publish(chart, "--sign", "Guarded", "--passphrase-file", right)
        assert "published and signed" in said and "sesame" not in said
        assert world.pull("otel-collector", "--verify", "--keyring", public)
        keyring = world.folder / "secring.gpg"
        export = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "open sesame", "--export-secret-keys", "Guarded"]
        keyring.write_bytes(subprocess.run(export, env=world.environment, check=True, capture_output=True).stdout)
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=world.environment, check=False)
    # As in a workflow: a keyring and a passphrase, no GnuPG.
    world.environment["GNUPGHOME"] = str(world.folder / "no-gnupg")
    world.set_version("otel-collector", "0.5.0")
    assert "published and signed" in world.publish(chart, "--sign", "Guarded", "--keyring", keyring, "--passphrase-file", right)
    assert world.pull("otel-collector", "--version", "0.5.0", "--verify", "--keyring", public)


def test_a_tampered_package_is_refused(world):
    version = world.version("otel-collector")
    out = world.folder / "out"
    world.publish(world.chart("otel-collector"), "--sign", KEY, "--out", out, "--dry-run")
    package = out / f"otel-collector-{version}.tgz"
    unpacked = world.folder / "unpacked"
    with tarfile.open(package) as archive:
        archive.extractall(unpacked, filter="data")
    values = unpacked / "otel-collector/values.yaml"
    values.write_text(values.read_text() + "\n# one more line\n")
    with tarfile.open(package, "w:gz") as archive:
        archive.add(unpacked / "otel-collector", "otel-collector")
    # The signature of the genuine package goes with the changed one.
    assert (out / f"{package.name}.prov").is_file()
    world.helm_run("push", package, world.registry, "--plain-http")
    world.pull("otel-collector", "--version", version, "--verify", "--keyring", world.keyring, fails="sha256 sum does not match|hash")
    world.helm_run("verify", "--keyring", world.keyring, package, fails="sha256 sum does not match|hash")


def test_an_unsigned_package_does_not_verify(world):
    world.publish(world.chart("otel-collector"))
    world.pull("otel-collector", "--verify", "--keyring", world.keyring, fails="provenance|prov")


def test_the_script_refuses_what_is_not_ready(world):
    chart = world.chart("otel-collector")
    path = chart / "Chart.yaml"
    original = path.read_text()
    path.write_text(re.sub(r"(?m)^version: .*$", "version: 9.9.9", original))
    world.publish(chart, fails="CHANGELOG.md says nothing about 9.9.9")
    path.write_text(re.sub(r"(?m)^version: .*$", "version: 1.2", original))
    world.publish(chart, fails="version '1.2' is no X.Y.Z")
    path.write_text(original)
    values = chart / "values.yaml"
    values.write_text(values.read_text().replace("logLevel: info", "logLevel: loud"))
    world.publish(chart, fails="helm lint refuses it")
    world.publish(chart, "--sign", "nobody at all", fails="no secret key 'nobody at all'")
    world.publish(world.folder / "nowhere", fails="is no folder")
    world.pull("otel-collector", fails="not found|NAME_UNKNOWN|name unknown|Unable to locate")


def test_a_dry_run_pushes_nothing(world):
    said = world.publish("--dry-run", "--out", world.folder / "out", world.chart("floe-platform"))
    assert said.count("packaged, not pushed") == 3
    assert len(list((world.folder / "out").glob("*.tgz"))) == 3
    world.pull("floe-platform", fails="not found|NAME_UNKNOWN|name unknown|Unable to locate")


def test_the_web_fallback_has_an_index_that_keeps_older_versions(world):
    out, chart = world.folder / "site", world.chart("otel-collector")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=out)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        for version in ("0.1.0", "0.3.0"):
            world.set_version("otel-collector", version)
            world.publish(chart, "--sign", KEY, "--out", out, "--index", url)
        world.helm_run("repo", "add", "floe", url)
        assert url in world.helm_run("repo", "list")
        found = world.helm_run("search", "repo", "floe/otel-collector", "--versions")
        assert "0.1.0" in found and "0.3.0" in found
        folder = world.folder / "from-web"
        folder.mkdir()
        world.helm_run("pull", "floe/otel-collector", "--version", "~0.1", "--destination", folder, "--verify", "--keyring", world.keyring)
        assert [file.name for file in folder.glob("*.tgz")] == ["otel-collector-0.1.0.tgz"]
        server.shutdown()


def test_a_registry_is_no_repository_with_an_index(world):
    """Why charts/RELEASING.md names charts by their address: helm repo add needs an index, which OCI does not have."""
    world.helm_run("repo", "add", "floe", world.registry, fails="oci|scheme|not a valid chart repository")
