"""The sandbox's control planes: namespaces of one's own, helm and kubectl in them, and what becomes of workloads."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from proof import helm
from proof.manifests import Document

RESTRICTED = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
PATIENCE = 120.0
KINDS = (
    "deployments,statefulsets,daemonsets,jobs,cronjobs,pods,services,configmaps,secrets,serviceaccounts,roles,rolebindings,"
    "ingresses,networkpolicies,poddisruptionbudgets,horizontalpodautoscalers,persistentvolumeclaims,resourcequotas,limitranges"
)


def kubeconfig() -> str:
    found = os.environ.get("FLOE_TEST_SANDBOX_KUBECONFIG")
    assert found, "FLOE_TEST_SANDBOX_KUBECONFIG is not set: run tests/charts/run, which starts control planes"
    return found


def until(what: str, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Waits until `condition` gives something true, and gives that."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)
    return found


class Namespace:
    """A namespace with restricted Pod Security on one plane. Gone when the test ends."""

    def __init__(self, plane: str, purpose: str, version: str = "helm4"):
        self.context, self.version = f"{plane}-admin", version
        self.name = f"proof-{purpose}-{uuid.uuid4().hex[:6]}"
        self.kubectl("create", "namespace", self.name)
        self.kubectl("label", "namespace", self.name, *RESTRICTED)

    def command(self, *args: str) -> list[str]:
        return [str(helm.programs() / "kubectl"), "--kubeconfig", kubeconfig(), "--context", self.context, "--namespace", self.name, *args]

    def kubectl(self, *args: str, check: bool = True, text: str | None = None) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(self.command(*args), capture_output=True, text=True, input=text, timeout=180)
        assert not check or done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr}"
        return done

    def helm(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        there = ["--kubeconfig", kubeconfig(), "--kube-context", self.context, "--namespace", self.name]
        done = helm.run(self.version, *args, *there, timeout=400)
        assert not check or done.returncode == 0, f"{self.version} {' '.join(args)}: {done.stderr}\n{done.stdout}"
        return done

    def get(self, kinds: str = KINDS, *args: str) -> list[Document]:
        return json.loads(self.kubectl("get", kinds, *args, "--output", "json").stdout)["items"]

    def names(self) -> set[str]:
        """KIND/NAME of everything that a chart can make, without what every namespace has."""
        own = {"ConfigMap/kube-root-ca.crt", "ServiceAccount/default"}
        found = {f"{item['kind']}/{item['metadata']['name']}" for item in self.get() if "deletionTimestamp" not in item["metadata"]}
        return {name for name in found - own if not name.startswith("Secret/sh.helm.release.")}

    def settled(self) -> None:
        """Waits until every workload has what its spec asks for."""
        until(f"all workloads of {self.name} are ready", lambda: not self.unready())

    def unready(self) -> list[str]:
        found = []
        workloads = self.get("deployments,statefulsets,daemonsets")
        for item in workloads:
            spec, status = item["spec"], item.get("status", {})
            wanted = spec.get("replicas", status.get("desiredNumberScheduled", 1))
            ready = status.get("readyReplicas", status.get("numberReady", 0))
            current = status.get("updatedReplicas", status.get("updatedNumberScheduled", ready if not wanted else 0))
            if status.get("observedGeneration") != item["metadata"]["generation"] or ready != wanted or (wanted and current != wanted):
                found.append(f"{item['kind']}/{item['metadata']['name']}")
        # An autoscaler raises a workload to its minimum some seconds after the install. Not from a second look: a workload
        # that was raised between the two would be ready by the first and raised by the second.
        replicas = {item["metadata"]["name"]: item["spec"].get("replicas", 1) for item in workloads}
        for item in self.get("horizontalpodautoscalers"):
            if replicas.get(item["spec"]["scaleTargetRef"]["name"], 0) < item["spec"].get("minReplicas", 1):
                found.append(f"HorizontalPodAutoscaler/{item['metadata']['name']}")
        return found

    @contextmanager
    def watched(self, *kinds: tuple[str, str]) -> Iterator[list[tuple[str, Document]]]:
        """(event, object) of everything that happens to objects of `kinds`, each (apiVersion, kind), inside of the block.

        The watches stand before the block begins, so nothing is missed. All kinds share one count of revisions (see `revision`)
        and so have one order.
        """
        seen: list[tuple[str, Document]] = []
        proxy = subprocess.Popen(self.command("proxy", "--port=0"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        watches: list[http.client.HTTPConnection] = []
        readers: list[threading.Thread] = []
        try:
            assert proxy.stdout
            port = int(proxy.stdout.readline().rpartition(":")[2])
            for kind in kinds:
                connection = http.client.HTTPConnection("127.0.0.1", port)
                watches.append(connection)
                connection.request("GET", f"{self._path(*kind)}?watch=true")
                answer = connection.getresponse()
                assert answer.status == 200, f"watch {kind}: {answer.status} {answer.read(500)!r}"
                readers.append(threading.Thread(target=_read, args=(answer, seen), daemon=True))
                readers[-1].start()
            yield seen
        finally:
            proxy.terminate()
            proxy.wait(10)
            for reader in readers:
                reader.join(10)
            for connection in watches:
                connection.close()

    def _path(self, api: str, kind: str) -> str:
        plural = kind.lower()[:-1] + "ies" if kind.endswith("y") else kind.lower() + "s"
        return f"/{'apis' if '/' in api else 'api'}/{api}/namespaces/{self.name}/{plural}"

    def delete(self) -> None:
        self.kubectl("delete", "namespace", self.name, "--wait=false", check=False)


def _read(answer: http.client.HTTPResponse, seen: list[tuple[str, Document]]) -> None:
    """Events come one to a line until the proxy ends."""
    with suppress(OSError, ValueError, http.client.HTTPException):
        while line := answer.readline():
            event = json.loads(line)
            if event["type"] != "BOOKMARK":
                seen.append((event["type"], event["object"]))


def revision(document: Document) -> int:
    """When an event was, in the count that all objects of a control plane share."""
    return int(document["metadata"]["resourceVersion"])


def plane_for(documents: list[Document]) -> str:
    """`prod` has the stubs of the optional APIs; what needs none of them goes to `nonprod`."""
    from proof.kubeschemas import stub_apis

    return "prod" if any((document["apiVersion"], document["kind"]) in stub_apis() for document in documents) else "nonprod"


def break_tests(chart: Path) -> int:
    """Makes the test pods of a copied chart fail on the sandbox; gives how many places were changed."""
    changed = 0
    for path in [*chart.rglob("*.yaml"), *chart.rglob("*.tpl")]:
        if "templates" not in path.parts:
            continue
        lines = path.read_text().splitlines()
        new: list[str] = []
        for line in lines:
            new.append(line)
            text = line.strip().replace('"', "")
            if text == "helm.sh/hook: test":
                new.append(line[: len(line) - len(line.lstrip())] + "sim.floe.dev/outcome: fail")
                changed += 1
        path.write_text("\n".join(new) + "\n")
    return changed
