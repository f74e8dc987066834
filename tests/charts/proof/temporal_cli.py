"""A stand-in for Temporal's command line tool, for the commands that charts/dataspoke runs: the same calls to the server, by
Temporal's own Python client. The tool itself takes twelve minutes to build; where it is there, tests run it instead. Any other
command or flag is refused, as the tool would refuse it.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import os
import re
import sys

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def duration(text: str) -> Duration:
    if not re.fullmatch(r"(\d+[dhms])+", text):
        raise argparse.ArgumentTypeError(f"invalid duration {text!r}")
    found = Duration()
    found.FromTimedelta(datetime.timedelta(**{UNITS[unit]: int(number) for number, unit in re.findall(r"(\d+)([dhms])", text)}))
    return found


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="temporal", allow_abbrev=False)
    operator = parser.add_subparsers(required=True).add_parser("operator").add_subparsers(required=True)
    operator.add_parser("cluster").add_subparsers(required=True).add_parser("health").set_defaults(act=health)
    namespace = operator.add_parser("namespace").add_subparsers(required=True)
    for name, act in (("describe", describe), ("create", create)):
        command = namespace.add_parser(name)
        command.add_argument("--namespace", required=True)
        command.set_defaults(act=act)
        if act is create:
            command.add_argument("--retention", type=duration, required=True)
    return parser.parse_args()


async def health(client: Client, _: argparse.Namespace) -> str:
    if not await client.service_client.check_health():
        raise RuntimeError("NOT_SERVING")
    return "SERVING"


async def describe(client: Client, given: argparse.Namespace) -> str:
    return str(await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=given.namespace)))


async def create(client: Client, given: argparse.Namespace) -> str:
    request = RegisterNamespaceRequest(namespace=given.namespace, workflow_execution_retention_period=given.retention)
    await client.workflow_service.register_namespace(request)
    return f"Namespace {given.namespace} successfully registered."


async def main() -> int:
    given = parsed()
    try:
        print(await given.act(await Client.connect(os.environ["TEMPORAL_ADDRESS"]), given))
    except (RPCError, RuntimeError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = asyncio.run(main())
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of the client outlive the loop and crash an interpreter that takes itself apart (temporalio/sdk-python#300).
    os._exit(code)
