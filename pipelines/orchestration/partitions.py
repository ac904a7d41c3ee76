"""What Dagster's instance needs before anything runs, in a process that is not a run."""

import dagster as dg

#: Dagster's flag from before there were automation sensors. Until it is set, the UI shows jobs
#: whose assets have automation conditions as "Auto-materialize off", though `derived_assets` is on.
AUTOMATION_IS_ON = {"ASSET_DAEMON_PAUSED": "false"}


def align_with_warehouse(instance: dg.DagsterInstance) -> None:
    """Set the flag of automation; sources keep their partitions in line themselves."""
    if instance.daemon_cursor_storage is not None:
        instance.daemon_cursor_storage.set_cursor_values(AUTOMATION_IS_ON)
