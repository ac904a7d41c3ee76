"""The sensor that looks for problems each minute, notes them, and notifies people.

Each receiver is notified once when a problem begins, and when it is over, in one message of all
changes since the last one that it accepted. What was notified is kept in the sensor's cursor. While
a message has no answer yet, its receiver gets no other.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import dagster as dg
from pydantic import AwareDatetime, BaseModel, ValidationError

from pipelines.config import alert_urls, ui_url
from pipelines.failures import Failure, redact
from pipelines.orchestration.format_duration import span_in_words
from pipelines.orchestration.operations.look import SENSOR, look, tables_of
from pipelines.orchestration.operations.notifiers import (
    Message,
    Receiver,
    Sending,
    deliver,
    receivers_of,
)
from pipelines.orchestration.resources import WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.warehouse import last_look
from pipelines.warehouse.last_look import Problem

#: Less than the minute until the next look.
SEND_SECONDS = 20.0
#: After which a message without an answer counts as accepted: it was sent, and who has it should
#: not get it again. Shorter than `notifiers.READ_SECONDS`.
ANSWER_SECONDS = 300.0
#: How many changes a message lists, and of how many problems a receiver is notified, worst first.
MAX_LISTED, MAX_NOTIFIED = 10, 200
Word = Literal["error", "warning", "over"]
KINDS: Mapping[Word, Literal["failure", "warning", "success"]] = {
    "error": "failure",
    "warning": "warning",
    "over": "success",
}


class NotifiedProblem(BaseModel):
    """A problem that a receiver was notified of."""

    where: str
    path: str
    since: AwareDatetime


class Memory(BaseModel):
    """State kept between ticks."""

    version: Literal[4] = 4
    #: The open problems that each receiver was notified of: by its digest, and by their keys.
    receivers: dict[str, dict[str, NotifiedProblem]] = {}


@dataclass(frozen=True)
class Unanswered:
    """A message without an answer yet, and what its receiver is notified of if it accepts it."""

    sending: Sending
    notified: dict[str, NotifiedProblem]


#: By the digests of receivers. A process that starts anew sends their messages again.
UNANSWERED: dict[str, Unanswered] = {}


@due_sensor(
    SENSOR,
    seconds=60,
    polls_once=True,
    about="Look for what is wrong: failed runs and checks, late sources, rejected records and"
    " files, sensors and schedules that fail or were stopped, the daemon. The dashboards,"
    " metrics.health and isobar status show it. Send one message when a problem begins, and one"
    " when it is over, to the addresses in ALERT_URLS (isobar alerts test tries them) and to the"
    " log of this sensor.",
)
def alerts(context: dg.SensorEvaluationContext, warehouse: WarehouseResource) -> dg.SkipReason:
    """Look for problems, send what is new, and record in the cursor who was notified of what.

    Killed between the two, it sends again. Messages are sent while the warehouse is down, too; what
    is over is sent when it is up.
    """
    repository, now, tables, down = context.repository_def, utc_now(), None, None
    assert repository is not None
    try:
        with warehouse.open() as store:
            tables = tables_of(store)
    except Failure as failure:
        down = failure
    found = look(context.instance, repository, tables, now, is_by_daemon=True)
    problems = found.problems
    if down is None:
        try:
            with warehouse.open() as store:
                last_look.write(store, found)
        except Failure as failure:  # such as of a full disk
            down = failure
    if down is not None:
        key, what = "status:database", f"The database: {down.problem}"
        problems.insert(0, Problem(key, "error", what, down.place, now, "", down.remedy))
    urls = alert_urls()
    others, invalid = receivers_of(urls)
    try:
        known = Memory.model_validate_json(context.cursor or "")
    except ValidationError:  # of another version: every problem is notified again
        known = Memory()
    receivers = [_log(context), *others]
    memory, missed = notify(known, problems, receivers, now, is_partial=tables is None)
    context.update_cursor(memory.model_dump_json())
    count = {0: "No problem", 1: "1 problem"}.get(len(problems), f"{len(problems)} problems")
    said = [count, *missed] if missed or not problems else [f"{count}, all reported"]
    more = [str(invalid)] if invalid else [] if urls else ["Only logged: ALERT_URLS is not set."]
    return dg.SkipReason(" ".join(["; ".join(said) + ".", *more]))


def notify(
    memory: Memory,
    problems: Sequence[Problem],
    receivers: Sequence[Receiver],
    now: dt.datetime,
    *,
    is_partial: bool,
) -> tuple[Memory, list[str]]:
    """Send each receiver its changes, worst first.

    Returns what each was notified of, and who was not reached and why. If the problems are only
    those that can be seen now, none is over.
    """
    keys = {one.key for one in problems}
    settled = {receiver: _settled(receiver, memory) for receiver in receivers}
    after, messages = {}, {}
    for receiver, (known, _) in settled.items():
        if receiver.digest in UNANSWERED:
            continue
        begun = [one for one in problems[:MAX_NOTIFIED] if one.key not in known]
        over = set() if is_partial else known.keys() - keys
        after[receiver] = {key: one for key, one in known.items() if key not in over} | {
            one.key: NotifiedProblem(where=one.where, path=one.path, since=one.since)
            for one in begun
        }
        if begun or over:
            ended = [one for key, one in known.items() if key in over]
            messages[receiver] = _message(begun, ended, now)
    current = Memory(receivers={one.digest: known for one, (known, _) in settled.items()})
    for receiver, sending in deliver(messages, SEND_SECONDS).items():
        UNANSWERED[receiver.digest] = Unanswered(sending, after[receiver])
        settled[receiver] = _settled(receiver, current)
    receivers_now = {receiver.digest: known for receiver, (known, _) in settled.items()}
    words = [f"{one.address} {missed}" for one, (_, missed) in settled.items() if missed]
    return Memory(receivers=receivers_now), words


def _settled(receiver: Receiver, memory: Memory) -> tuple[dict[str, NotifiedProblem], str | None]:
    """Return what a receiver is notified of by now, and what is wrong with its last message."""
    known = memory.receivers.get(receiver.digest, {})
    last = UNANSWERED.get(receiver.digest)
    if last is None:
        return known, None
    if not last.sending.is_over and last.sending.seconds < ANSWER_SECONDS:
        return known, "has not answered yet"
    del UNANSWERED[receiver.digest]
    if not last.sending.is_over:
        return last.notified, "has taken a message without answer"
    if last.sending.reason is not None:
        return known, f"was not reached ({last.sending.reason})"
    return last.notified, None


def _message(
    begun: Sequence[Problem], over: Sequence[NotifiedProblem], now: dt.datetime
) -> Message:
    changes: list[tuple[Word, str, str]] = [
        (one.severity, one.where, f"{one.what}\n  what to do: {one.remedy}\n{_where_to_look(one)}")
        for one in begun
    ]
    for ended in over:
        lasted = span_in_words(max(0.0, (now - ended.since).total_seconds()))
        changes.append(("over", ended.where, f"over, after {lasted}\n{_where_to_look(ended)}"))
    counts = Counter(word for word, _, _ in changes)
    if len(changes) == 1:
        ((word, where, _),) = changes
        title = f"{word}: {where}"
    else:
        title = ", ".join(f"{word} {count}" for word, count in counts.items())
    text = [f"{where}: {words}" for _, where, words in changes[:MAX_LISTED]]
    if (more := len(changes) - MAX_LISTED) > 0:
        text.append(f"and {more} more: isobar status shows what is wrong now")
    return Message(f"Isobar: {title}", redact("\n".join(text)), KINDS[next(iter(counts))])


def _where_to_look(problem: Problem | NotifiedProblem) -> str:
    shown = f"{url}{problem.path}" if (url := ui_url()) else f"{problem.path} of the web UI"
    page = shown if problem.path else "none; isobar status shows more"
    return f"  since: {problem.since:%Y-%m-%d %H:%M} UTC\n  page: {page}"


def _log(context: dg.SensorEvaluationContext) -> Receiver:
    """Return the receiver that always gets alerts: the log of the sensor's ticks."""

    def send(message: Message) -> None:
        level = "info" if message.kind == "success" else "warning"
        getattr(context.log, level)("%s\n%s", message.title, message.text)

    return Receiver("log", "the log", send)
