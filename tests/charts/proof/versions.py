"""Whether a changed chart has a version of its own, and a section in its change log.

A chart's base is its last release, a tag NAME-X.Y.Z that HEAD descends from; without one, the commit at which this branch left
the branch it goes to (`CHARTS_BASE`, a pull request's target, origin/main, main). What counts is what is packaged.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

SEMVER = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
# Not in the package, see .helmignore of the charts; compared without them, or a test more would be a release more.
LEFT_OUT = ("tests", "ci", "README.md.gotmpl", "argocd")


@dataclass
class Judgement:
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def git(root: Path, *args: str) -> str | None:
    """What git says, or None where it refuses."""
    done = subprocess.run(["git", *args], cwd=root, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def order(version: str) -> tuple[object, ...]:
    """A key by which versions sort as Semantic Versioning says: a pre-release before its release, numbers before words."""
    match = SEMVER.fullmatch(version)
    if not match:
        raise ValueError(f"{version!r} is no X.Y.Z")
    before = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in (match[4] or "").split(".") if part]
    return (*map(int, match.groups()[:3]), 0 if before else 1, before)


def base_of(root: Path, name: str) -> tuple[str | None, str]:
    """(commit or tag, how it was found); None where a shallow clone or a first commit has nothing to compare with."""
    tags = [tag for tag in (git(root, "tag", "--list", f"{name}-*", "--merged", "HEAD") or "").split() if SEMVER.fullmatch(tag[len(name) + 1 :])]
    if tags:
        return max(tags, key=lambda tag: order(tag[len(name) + 1 :])), "its last release"
    target = os.environ.get("GITHUB_BASE_REF")
    for branch in (os.environ.get("CHARTS_BASE"), f"origin/{target}" if target else None, "origin/main", "main"):
        found = branch and git(root, "merge-base", "HEAD", branch)
        if found:
            return found.strip(), f"where this branch left {branch}"
    shallow = (git(root, "rev-parse", "--is-shallow-repository") or "").strip() == "true"
    why = "this clone is shallow and has no tags: `git fetch --unshallow --tags` makes the check possible" if shallow else "there is neither a tag nor a branch main"
    return None, why


def judge(root: Path, folder: Path) -> Judgement:
    """Looks at one chart of a repository, files that are not committed included."""
    judgement, path = Judgement(), str(folder.relative_to(root))
    metadata = yaml.safe_load((folder / "Chart.yaml").read_text())
    name, version = metadata["name"], str(metadata["version"])
    log = folder / "CHANGELOG.md"
    if not re.search(rf"^#+ \[?v?{re.escape(version)}\b(?![-.]\d)", log.read_text() if log.exists() else "", re.MULTILINE):
        judgement.faults.append(f"{name}: CHANGELOG.md has no section {version}")
    base, how = base_of(root, name)
    if base is None:
        judgement.notes.append(f"{name} {version} is compared with nothing: {how}")
        return judgement
    before = git(root, "show", f"{base}:{path}/Chart.yaml")
    if before is None:
        judgement.notes.append(f"{name} is new since {base[:12]}")
        return judgement
    old = str(yaml.safe_load(before)["version"])
    left_out = [f":(exclude){path}/{part}" for part in LEFT_OUT]
    changed = (git(root, "diff", "--name-only", base, "--", path, *left_out) or "").split("\n")
    changed += (git(root, "ls-files", "--others", "--exclude-standard", "--", path, *left_out) or "").split("\n")
    changed = sorted(filter(None, changed))
    if order(version) < order(old):
        judgement.faults.append(f"{name}: {version} is lower than {old} at {base[:20]} ({how})")
    elif changed and order(version) == order(old):
        judgement.faults.append(f"{name} is {version} as at {base[:20]} ({how}) and has changed since: raise its version\n  " + "\n  ".join(changed[:10]))
    return judgement
