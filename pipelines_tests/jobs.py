"""What runs of jobs left behind: what their pages show, and why they failed."""

from typing import Any

import dagster as dg


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """Return the metadata of an asset, schema.table; empty if the run made nothing of it."""
    return {
        name: value.value
        for event in result.get_asset_materialization_events()
        if event.asset_key and ".".join(event.asset_key.path) == asset
        for name, value in event.materialization.metadata.items()
    }


def failed_checks(result: dg.ExecuteInProcessResult) -> set[str]:
    """The names of the checks that did not pass."""
    return {one.check_name for one in result.get_asset_check_evaluations() if not one.passed}


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return the messages of failed steps that failed with a description."""
    return [
        str(event.step_failure_data.user_failure_data.description)
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.user_failure_data
    ]


def failure(result: dg.ExecuteInProcessResult) -> str:
    """Return the message of the only failed step."""
    assert sum(event.is_step_failure for event in result.all_events) == 1
    (message,) = failures(result)
    return message
