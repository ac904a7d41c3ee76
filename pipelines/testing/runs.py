"""Runs of jobs in a test: why they failed."""

import dagster as dg


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return the messages of failed steps that failed with a description."""
    return [
        str(event.step_failure_data.user_failure_data.description)
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.user_failure_data
    ]


def errors(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return the errors of failed steps that failed without one: mistakes in code."""
    return [
        event.step_failure_data.error.to_string()
        for event in result.all_events
        if event.is_step_failure
        and event.step_failure_data.error
        and not event.step_failure_data.user_failure_data
    ]
