"""helm test: the Dagster webserver answers, has its instance, and has loaded the code locations of the release."""

import json
import os
import sys
import time
import urllib.error
import urllib.request

URL = os.environ["DAGSTER_URL"].rstrip("/")
LOCATIONS = set(os.environ.get("CODE_LOCATIONS", "").split())
QUERY = {
    "query": """{
      version
      instance { id }
      workspaceOrError {
        ... on Workspace { locationEntries { name locationOrLoadError { __typename } } }
        ... on PythonError { message }
      }
    }"""
}


def attempt() -> str:
    with urllib.request.urlopen(f"{URL}/server_info", timeout=5) as response:
        info = json.load(response)
    request = urllib.request.Request(
        f"{URL}/graphql", data=json.dumps(QUERY).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        answer = json.load(response)
    if answer.get("errors"):
        raise ValueError(f"GraphQL answered with errors: {answer['errors']}")
    entries = answer["data"]["workspaceOrError"]["locationEntries"]
    loaded = {e["name"] for e in entries if (e["locationOrLoadError"] or {}).get("__typename") == "RepositoryLocation"}
    if LOCATIONS - loaded:
        raise ValueError(f"code locations are not loaded: {', '.join(sorted(LOCATIONS - loaded))}")
    return f"Dagster webserver {info['dagster_webserver_version']} answers at {URL}, {len(loaded)} code locations."


def main() -> int:
    end = time.monotonic() + int(os.environ["TEST_TIMEOUT_SECONDS"])
    while True:
        try:
            print(attempt())
            return 0
        except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
            print(f"not yet: {error}", file=sys.stderr)
            if time.monotonic() >= end:
                print(f"FAILED: the Dagster webserver at {URL} did not answer as expected.", file=sys.stderr)
                return 1
            time.sleep(2)


if __name__ == "__main__":
    sys.exit(main())
