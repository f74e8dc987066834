"""helm test: Polaris is ready, issues a token for the root principal, and lists catalogs with it."""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

API = os.environ["POLARIS_URL"].rstrip("/")
MANAGEMENT = os.environ["POLARIS_MANAGEMENT_URL"].rstrip("/")


def attempt() -> str:
    with urllib.request.urlopen(f"{MANAGEMENT}/q/health/ready", timeout=5):
        pass
    form = urllib.parse.urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": os.environ["POLARIS_CLIENT_ID"],
            "client_secret": os.environ["POLARIS_CLIENT_SECRET"],
            "scope": "PRINCIPAL_ROLE:ALL",
        }
    ).encode()
    realm = {"Polaris-Realm": os.environ["POLARIS_REALM"]}
    request = urllib.request.Request(f"{API}/api/catalog/v1/oauth/tokens", data=form, headers=realm)
    with urllib.request.urlopen(request, timeout=5) as response:
        token = json.load(response)["access_token"]
    request = urllib.request.Request(
        f"{API}/api/management/v1/catalogs", headers={**realm, "Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        catalogs = json.load(response)["catalogs"]
    return f"Polaris answers at {API} and holds {len(catalogs)} catalogs."


def main() -> int:
    end = time.monotonic() + int(os.environ["TEST_TIMEOUT_SECONDS"])
    while True:
        try:
            print(attempt())
            return 0
        except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
            print(f"not yet: {error}", file=sys.stderr)
            if time.monotonic() >= end:
                print(f"FAILED: Polaris at {API} did not answer as expected.", file=sys.stderr)
                return 1
            time.sleep(2)


if __name__ == "__main__":
    sys.exit(main())
