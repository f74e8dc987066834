"""Values that a schema must refuse: one wrong value for each constraint of each key.

The walk follows `properties`, `items`, `additionalProperties` and `patternProperties` through `$ref`s, and makes the smallest
document that holds the key, so that only this key can be what is complained about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema

UNKNOWN = "floeNoSuchKey"
# Of each type one value; a key that takes none of them is told apart by the first that it does not take.
BY_TYPE: dict[str, Any] = {"string": "text", "boolean": True, "integer": 7, "number": 1.5, "array": [], "object": {}}
TEXTS = ["", " ", "-", "!", "Not Valid!", "a b", "UPPER", "ä", "0", "/", "x" * 300, "x\ny", "{}", ":", "1.2.3.4.5", "a_b", "https:/"]

Schema = dict[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mutation:
    """A wrong value at a path: `constraint` is what it offends, `key` what the message must name."""

    path: Path
    constraint: str
    value: Any
    key: str

    @property
    def document(self) -> Any:
        return place(self.path, self.value)

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.constraint}"


def dotted(path: Path) -> str:
    return ".".join(map(str, path)) or "(top)"


def place(path: Path, value: Any) -> Any:
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return value


def resolve(node: Any, root: Schema) -> Schema:
    """A schema with its `$ref` followed; what stands beside the reference is kept."""
    if not isinstance(node, dict):
        return {}
    seen = 0
    while "$ref" in node and seen < 10:
        target: Any = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
        seen += 1
    return node


def described(node: Any, root: Schema, path: Path = (), depth: int = 0) -> Iterator[tuple[Path, Schema]]:
    """(path, schema) of every key that has a name of its own; `*` stands for a free name, 0 for an entry of a list."""
    schema = resolve(node, root)
    yield path, schema
    if depth > 12:
        return
    for name, child in (schema.get("properties") or {}).items():
        yield from described(child, root, (*path, name), depth + 1)
    for keyword in ("additionalProperties", "items"):
        child = schema.get(keyword)
        if isinstance(child, dict) and child:
            yield from described(child, root, (*path, "*" if keyword == "additionalProperties" else 0), depth + 1)
    for branch in [branch for keyword in ("anyOf", "oneOf") for branch in schema.get(keyword) or []]:
        branch = resolve(branch, root)
        if not schema.get("properties") and (branch.get("properties") or branch.get("items")):
            yield from ((found, inner) for found, inner in described(branch, root, path, depth + 1) if found != path)


def mutations(root: Schema) -> Iterator[Mutation]:
    for path, schema in described(root, root):
        path = tuple("anything" if part == "*" else part for part in path)
        for constraint, value in wrong_values(schema):
            yield Mutation(path, constraint, value, next((str(part) for part in reversed(path) if isinstance(part, str)), ""))
        if schema.get("additionalProperties") is False and not schema.get("patternProperties"):
            yield Mutation((*path, UNKNOWN), "unknown key", 1, UNKNOWN)


def wrong_values(schema: Schema) -> Iterator[tuple[str, Any]]:
    types = schema.get("type")
    allowed = {types} if isinstance(types, str) else set(types or ())
    if allowed:
        taken = allowed | ({"integer"} if "number" in allowed else set())
        yield from _one_type(taken)
    numbers = allowed & {"integer", "number"}
    if numbers:
        for keyword, step in (("minimum", -1), ("exclusiveMinimum", 0), ("maximum", 1), ("exclusiveMaximum", 0)):
            if keyword in schema:
                yield f"{keyword} {schema[keyword]}", schema[keyword] + step
    if "enum" in schema:
        yield f"enum {schema['enum']}", "floe-no-such-choice"
    if "const" in schema:
        yield f"const {schema['const']}", "floe-no-such-choice"
    if "string" in allowed:
        yield from _texts(schema)
    if "array" in allowed and schema.get("minItems"):
        yield f"minItems {schema['minItems']}", []
    if "object" in allowed and schema.get("minProperties"):
        yield f"minProperties {schema['minProperties']}", {}
    for branch in ("anyOf", "oneOf"):
        if schema.get(branch) and not allowed:
            validator = jsonschema.Draft202012Validator({branch: schema[branch]})
            for value in (True, [[]], {UNKNOWN: {UNKNOWN: []}}, -999999, "not one of: them!"):
                if "$ref" not in str(schema[branch]) and not validator.is_valid(value):
                    yield branch, value
                    break


def _one_type(taken: set[str]) -> Iterator[tuple[str, Any]]:
    for name, value in BY_TYPE.items():
        if name not in taken:
            yield f"type {'|'.join(sorted(taken))}", value
            return


def _texts(schema: Schema) -> Iterator[tuple[str, Any]]:
    pattern = schema.get("pattern")
    if pattern:
        wrong = [text for text in TEXTS if not re.search(pattern, text) and len(text) >= schema.get("minLength", 0)]
        wrong = [text for text in wrong if len(text) <= schema.get("maxLength", 1000)] or wrong
        # A pattern that takes everything is no constraint: the test that uses this counts it as a fault.
        yield f"pattern {pattern}", wrong[0] if wrong else "no text offends this pattern"
    if schema.get("minLength"):
        yield f"minLength {schema['minLength']}", "x" * (schema["minLength"] - 1)
    if "maxLength" in schema:
        yield f"maxLength {schema['maxLength']}", "x" * (schema["maxLength"] + 1)


def complaints(validator: jsonschema.protocols.Validator, document: Any) -> list[tuple[Path, str]]:
    """(path, message) of every error, those inside of alternatives included."""
    found: list[tuple[Path, str]] = []
    open_ends = list(validator.iter_errors(document))
    while open_ends:
        error = open_ends.pop()
        found.append((tuple(error.absolute_path), error.message))
        open_ends += list(error.context or ())
    return found
