"""No credential where everybody can read it."""

from __future__ import annotations

import base64
import re

from proof.manifests import Document, identity, pods, strings

# `password: hunter2` and the like. What refers to an environment variable, a file or nothing at all is no credential.
LITERAL = re.compile(
    r"""(?ix) (?P<key> [\w.-]* (?: password | passwd | secret | token | api[_-]?key | credential ) [\w.-]* )
        ["']? \s* [:=] \s* (?P<value> "[^"\n]*" | '[^'\n]*' | [^\s,;}\]]+ )"""
)
# Keys that name a Secret, a key in one, a file, a lifetime, or a way of logging in.
NAMING = re.compile(r"(?i)(name|ref|file|path|key(s|name)?|env|generation|password_secret|ttl|lifetime|expir\w*|method|type|broker|provider|endpoint|url|uri|class|kind|timeout|_id|grant)$")
HARMLESS = re.compile(r"""(?ix) ^ ( \W* | true | false | null | none | yes | no | \d+[smhd]? | .* \$ .* | .*[{<(/|].* | env\b.* | [%*].* | \w*\.\w+.* | [a-z_]+\(?\)? ) $""")


def generated(documents: list[Document]) -> dict[str, str]:
    """The values of rendered Secrets that look random, to where each is from."""
    found = {}
    for document in documents:
        if document.get("kind") != "Secret":
            continue
        data = {key: base64.b64decode(value).decode(errors="replace") for key, value in (document.get("data") or {}).items()}
        for key, value in {**data, **(document.get("stringData") or {})}.items():
            for line in str(value).splitlines():
                if len(line) >= 12 and re.search(r"\d", line) and re.search(r"[A-Za-z]", line) and " " not in line:
                    found[line] = f"{identity(document)} key {key}"
    return found


def leaks(documents: list[Document]) -> list[str]:
    """Where a generated credential occurs outside of Secrets: in a ConfigMap, an argument, an environment variable."""
    known = generated(documents)
    found = []
    for document in documents:
        if document.get("kind") == "Secret":
            continue
        for path, text in strings(document):
            found += [f"{identity(document)} {path} holds the value of {origin}" for value, origin in known.items() if value in text]
    return found


def literals(documents: list[Document]) -> list[str]:
    """Settings of ConfigMaps and literal environment variables whose name says that they are credentials."""
    found = []
    for document in documents:
        if document.get("kind") == "ConfigMap":
            for key, text in (document.get("data") or {}).items():
                if key.endswith((".py", ".sh", ".js", ".sql", ".md")):
                    continue  # programs: they name credentials, and the search above finds values
                for match in LITERAL.finditer(f"{key}: {text}"):
                    value = match["value"].strip("\"'")
                    if value and not NAMING.search(match["key"]) and not HARMLESS.match(value):
                        found.append(f"{identity(document)} {key}: {match['key']} is set to a literal")
    for document, pod in pods(documents):
        for container in [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]:
            for variable in container.get("env") or []:
                secret = re.search(r"(?i)(password|passwd|secret|token|api_?key|credentials?)$", variable["name"])
                if secret and variable.get("value") and not HARMLESS.match(variable["value"]):
                    found.append(f"{identity(document)} container {container['name']}: {variable['name']} is a literal")
    return found
