"""An OCI registry of one's own."""

from __future__ import annotations

import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from proof import helm
from proof.programs import free_port


@contextmanager
def serving(folder: Path, tls: bool = False) -> Iterator[tuple[str, Path]]:
    """An empty registry; gives its address, and with TLS the file with the authority that vouches for it."""
    folder.mkdir(parents=True, exist_ok=True)
    port, certificate, key = free_port(), folder / "certificate.pem", folder / "key.pem"
    serve: dict[str, object] = {"addr": f"127.0.0.1:{port}"}
    context = None
    if tls:
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=registry",
                   "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(command, check=True, capture_output=True)
        serve["tls"] = {"certificate": str(certificate), "key": str(key)}
        context = ssl.create_default_context(cafile=str(certificate))
    config = folder / "config.yml"
    config.write_text(yaml.safe_dump({"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(folder / "data")}}, "http": serve}))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([helm.programs() / "registry", "serve", config], stdout=log, stderr=log)
    try:
        limit = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http{'s' if tls else ''}://127.0.0.1:{port}/v2/", timeout=2, context=context).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < limit, "the registry does not answer"
                time.sleep(0.1)
        yield f"127.0.0.1:{port}", certificate
    finally:
        process.terminate()
        process.wait(30)
