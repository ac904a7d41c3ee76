"""Runs of jobs in a test: why they failed."""

import dagster as dg


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return what failed steps say, and the errors of those that do not: mistakes in code."""
    found = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    return [
        str(one.user_failure_data.description)
        if one.user_failure_data
        else (one.error.to_string() if one.error else "a step failed")
        for one in found
    ]
