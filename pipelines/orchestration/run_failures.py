"""Why a step, a run or a tick failed, in the words of our own failures where there are any."""

import re

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from pipelines.failures import printable, redact

STOPPED = "stopped by a signal"
MAX_CHARACTERS = 600
#: The class of a failure of ours, as it stands in front of its message.
OUR_CLASS = re.compile(r"^\s*pipelines\.[\w.]+: ")


def why_step_failed(event: dg.DagsterEvent) -> str:
    """Return the message of our failure; for anything else the innermost error in one line."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = innermost(data.error)
    if error and "Interrupt" in str(error.cls_name):
        return f"{event.step_key}: {STOPPED}; what it had begun is undone"
    return f"{event.step_key}: {error.message.strip()}" if error else f"{event.step_key} failed"


def why_run_failed(instance: dg.DagsterInstance, run_id: str) -> str:
    """Why its first failed step did; where none failed, such as of a killed run, what is noted."""
    failures = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.RUN_FAILURE, limit=1, ascending=False
    ).records
    event = failures[0].event_log_entry.dagster_event if failures else None
    if event is None:
        return "The run failed."
    description = event.message or "The run failed."
    data = event.event_specific_data and event.job_failure_data  # none of a run that was killed
    if not data:
        return description
    if step := data.first_step_failure_event:
        return why_step_failed(step)
    return f"{description} {innermost_error(data.error)}" if data.error else description


def innermost(error: SerializableErrorInfo | None) -> SerializableErrorInfo | None:
    """The outermost failure of ours, which has a remedy; else the error that caused it all."""
    while error and error.cause and not OUR_CLASS.match(error.message):
        error = error.cause
    return error


def innermost_error(error: SerializableErrorInfo) -> str:
    """What went wrong, without the name of a class of ours in front."""
    cause = innermost(error)
    assert cause is not None
    return OUR_CLASS.sub("", cause.message.strip())


def what_and_remedy(description: str, remedy: str) -> tuple[str, str]:
    """What happened and what to do: by the words of our own failure, else `remedy`."""
    what, _, own = description.partition("\n  what to do: ")
    return shown(what), shown(own) or remedy


def shown(words: str, most: int = MAX_CHARACTERS) -> str:
    """Text of others, fit to be shown: printable, without secrets, not too long."""
    words = redact(printable(words)).strip()
    return words if len(words) <= most else f"{words[: most - 1]}…"
