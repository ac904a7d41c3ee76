"""Messages of failed steps, runs and ticks; those of our own failures are preferred."""

import re

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from pipelines.failures import printable, redact

STOPPED = "stopped by a signal"
#: What a load that is ended leaves.
KEPT = "finished deliveries are kept, and the one in progress is rolled back"
MAX_CHARACTERS = 600
#: The class name that precedes the message of one of our failures.
OUR_CLASS = re.compile(r"^\s*pipelines\.[\w.]+: ")


def why_step_failed(event: dg.DagsterEvent) -> str:
    """Return the message of our failure, or for any other error the innermost one in one line."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    if is_interrupt(data.error):
        return f"{event.step_key}: {STOPPED}; {KEPT}"
    error = innermost(data.error)
    said = f": {redact(error.message.strip())}" if error else " failed"
    return f"{event.step_key}{said}"


def why_run_failed(instance: dg.DagsterInstance, run_id: str) -> str:
    """Return why the first failed step failed, or the run's recorded reason if no step failed."""
    failures = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.RUN_FAILURE, limit=1, ascending=False
    ).records
    event = failures[0].event_log_entry.dagster_event if failures else None
    if event is None:
        return "The run failed."
    description = event.message or "The run failed."
    data = event.event_specific_data and event.job_failure_data  # a killed run has none
    if not data:
        return description
    if step := data.first_step_failure_event:
        return why_step_failed(step)
    return f"{description} {innermost_error(data.error)}" if data.error else description


def is_interrupt(error: SerializableErrorInfo | None) -> bool:
    """Return whether a step or a run was stopped by a signal."""
    cause = innermost(error)
    return cause is not None and "Interrupt" in str(cause.cls_name)


def innermost(error: SerializableErrorInfo | None) -> SerializableErrorInfo | None:
    """Return the outermost of our failures, which has a remedy; else the root cause."""
    while error and error.cause and not OUR_CLASS.match(error.message):
        error = error.cause
    return error


def innermost_error(error: SerializableErrorInfo) -> str:
    """Return the message of an error without the class name of one of our failures."""
    cause = innermost(error)
    assert cause is not None
    return redact(OUR_CLASS.sub("", cause.message.strip()))


def split_remedy(description: str, remedy: str) -> tuple[str, str]:
    """Split a description into problem and remedy; `remedy` is used if it contains none."""
    what, _, own = description.partition("\n  what to do: ")
    return shown(what), shown(own) or remedy


def shown(words: str, most: int = MAX_CHARACTERS) -> str:
    """Return foreign text fit for display: printable, without secrets, of limited length."""
    words = redact(printable(words)).strip()
    return words if len(words) <= most else f"{words[: most - 1]}…"
