"""Deletes finished Dagster runs older than RETENTION_DAYS, oldest first, at most RETENTION_MAX_RUNS a time.

Deleting a run removes its event log too. The bound keeps one night's work short when retention is switched on for a
database that has grown for years; what is left goes the next time.
"""

import os
import sys
from datetime import datetime, timedelta, timezone

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

FINISHED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


def main() -> int:
    days = int(os.environ["RETENTION_DAYS"])
    most = int(os.environ["RETENTION_MAX_RUNS"])
    before = datetime.now(timezone.utc) - timedelta(days=days)
    print(f"Deleting at most {most} runs that finished and were created before {before.isoformat(timespec='seconds')}.")
    with DagsterInstance.get() as instance:
        records = instance.get_run_records(
            filters=RunsFilter(statuses=FINISHED, created_before=before),
            limit=most,
            order_by="create_timestamp",
            ascending=True,
        )
        for record in records:
            instance.delete_run(record.dagster_run.run_id)
    print(f"Deleted {len(records)} runs.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
