"""Checks what the jobs of this release find: the artifacts and the profile, mounted and readable.

Needs Python only, which every image with dbt or dlt has. Says everything that is wrong, then fails.
"""

import json
import os
import sys
from pathlib import Path

problems = []

path = os.environ.get("FLOE_COMPILED_ARTIFACTS")
if path:
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"compiled artifacts {path}: {error}")
    else:
        if not isinstance(document, dict) or not document.get("version"):
            problems.append(f"compiled artifacts {path}: no version, so not what floe compile writes")
        else:
            models = (document.get("transforms") or {}).get("models") or []
            name = (document.get("metadata") or {}).get("product_name", "without a name")
            print(f"compiled artifacts {document['version']} of {name}: {len(models)} models")
else:
    print("no compiled artifacts are mounted")

folder = os.environ.get("DBT_PROFILES_DIR")
if folder:
    profile = Path(folder) / "profiles.yml"
    try:
        text = profile.read_text(encoding="utf-8")
    except OSError as error:
        problems.append(f"dbt profile {profile}: {error}")
    else:
        if "outputs:" not in text:
            problems.append(f"dbt profile {profile}: has no outputs")
        else:
            print(f"dbt profile {profile}: readable")

for problem in problems:
    print(problem, file=sys.stderr)
sys.exit(1 if problems else 0)
