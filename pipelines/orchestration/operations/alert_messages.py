"""Alert messages: notify each receiver once when a problem begins, and when it is over.

A message is the difference between the current problems and those already notified. A problem that
is resolved before its message could be sent is not sent. What was notified is stored between ticks.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ValidationError

from pipelines.failures import redact
from pipelines.orchestration.format_duration import span_in_words
from pipelines.orchestration.operations.notifiers import Message, Receiver, deliver
from pipelines.warehouse.last_look import Problem

#: Less than the minute until the next look.
SEND_SECONDS = 20.0
#: More changes than these at once are combined into one message.
MAX_SINGLE = 5
MAX_LISTED = 40
MAX_LINE_CHARACTERS = 160
MAX_CHANGES = 200
SEE_ALL = "See each page; isobar status shows what is wrong now."
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


class Account(BaseModel):
    """Open problems that one receiver was notified of, by key, and why the next one failed."""

    notified: dict[str, NotifiedProblem] = {}
    reason: str | None = None


class Memory(BaseModel):
    """State kept between ticks, by the digest of the receiver."""

    version: Literal[3] = 3
    receivers: dict[str, Account] = {}


def read_memory(cursor: str | None) -> Memory:
    """Parse a sensor's cursor. Empty for another version: every problem is notified again."""
    try:
        return Memory.model_validate_json(cursor or "")
    except ValidationError:
        return Memory()


@dataclass(frozen=True)
class Change:
    """A change of a problem that a receiver was not notified of yet."""

    word: Word
    key: str
    where: str
    path: str
    since: dt.datetime
    what: str = ""
    remedy: str = ""


def notify(
    memory: Memory,
    problems: Sequence[Problem],
    receivers: Sequence[Receiver],
    ui_url: str | None,
    now: dt.datetime,
    unseen: tuple[str, ...] = (),
) -> Memory:
    """Send each receiver its changes, worst first; return what each was notified of.

    What a receiver does not take is sent again at the next look. Of problems whose keys begin with
    what is `unseen`, none is over.
    """
    accounts = {one: memory.receivers.get(one.digest, Account()) for one in receivers}
    batches: dict[Receiver, list[list[Change]]] = {}
    for receiver, account in accounts.items():
        changes = _changes(account, problems, unseen)
        if changes:
            is_many = len(changes) > MAX_SINGLE
            batches[receiver] = [changes] if is_many else [[change] for change in changes]
    outboxes = {
        receiver: [_message(batch, ui_url, now) for batch in own]
        for receiver, own in batches.items()
    }
    for receiver, (taken, reason) in deliver(outboxes, SEND_SECONDS).items():
        account = accounts[receiver]
        for batch in batches[receiver][:taken]:
            _note(account, batch)
        account.reason = reason
    return Memory(receivers={one.digest: account for one, account in accounts.items()})


def account_of(
    memory: Memory,
    problems: Sequence[Problem],
    receivers: Sequence[Receiver],
    unseen: tuple[str, ...] = (),
) -> str:
    """Summarize in one line: the number of problems, and receivers with undelivered changes."""
    behind = []
    for receiver in receivers:
        account = memory.receivers[receiver.digest]
        if account.reason and _changes(account, problems, unseen):
            behind.append(f"{receiver.address} was not reached ({account.reason})")
    count = {0: "No problem", 1: "1 problem"}.get(len(problems), f"{len(problems)} problems")
    reported = ", all reported" if problems and not behind else ""
    return f"{'; '.join([count + reported, *behind])}."


def _changes(
    account: Account, problems: Sequence[Problem], unseen: tuple[str, ...]
) -> list[Change]:
    """Return the changes that the receiver was not notified of yet."""
    changes = [
        Change(one.severity, one.key, one.where, one.path, one.since, one.what, one.remedy)
        for one in problems[:MAX_CHANGES]
        if one.key not in account.notified
    ]
    there = {one.key for one in problems}
    for key, known in account.notified.items():
        if key not in there and not key.startswith(unseen):
            changes.append(Change("over", key, known.where, known.path, known.since))
    return changes


def _note(account: Account, delivered: Sequence[Change]) -> None:
    """Record the changes that were delivered to a receiver."""
    for one in delivered:
        if one.word == "over":
            del account.notified[one.key]
        else:
            account.notified[one.key] = NotifiedProblem(
                where=one.where,
                path=one.path,
                since=one.since,
            )


def _message(changes: Sequence[Change], ui_url: str | None, now: dt.datetime) -> Message:
    """Return a message with one change in full, or with a list of several."""
    if len(changes) == 1:
        (change,) = changes
        title = f"Isobar: {change.word}: {change.where}"
        return Message(title, redact(_in_full(change, ui_url, now)), KINDS[change.word])
    counts = Counter(change.word for change in changes)
    title = "Isobar: " + ", ".join(f"{word} {count}" for word, count in counts.items())
    lines = [_in_a_line(change, ui_url, now) for change in changes[:MAX_LISTED]]
    if len(changes) > MAX_LISTED:
        lines.append(f"and {len(changes) - MAX_LISTED} more")
    kind = next(KINDS[word] for word in KINDS if word in counts)
    return Message(title, redact("\n".join([*lines, f"what to do: {SEE_ALL}"])), kind)


def _in_full(change: Change, ui_url: str | None, now: dt.datetime) -> str:
    since, page = f"{change.since:%Y-%m-%d %H:%M} UTC", _link(ui_url, change.path)
    if change.word == "over":
        lasted = _lasted(change, now)
        return f"{change.where}: over, after {lasted}\n  since: {since}\n  page: {page}"
    return (
        f"{change.where}: {change.what}\n  what to do: {change.remedy}"
        f"\n  since: {since}\n  page: {page}"
    )


def _in_a_line(change: Change, ui_url: str | None, now: dt.datetime) -> str:
    """Format a change as one line, and its link as a second one."""
    head = f"{change.word}: {change.where}, since {change.since:%Y-%m-%d %H:%M} UTC"
    tail = f"it lasted {_lasted(change, now)}" if change.word == "over" else change.what
    tail = " ".join(tail.split())
    if len(tail) > MAX_LINE_CHARACTERS:
        tail = f"{tail[: MAX_LINE_CHARACTERS - 1]}…"
    return f"{head}: {tail}\n  {_link(ui_url, change.path)}"


def _lasted(change: Change, now: dt.datetime) -> str:
    return span_in_words(max(0.0, (now - change.since).total_seconds()))


def _link(ui_url: str | None, path: str) -> str:
    if not path:
        return "none; isobar status shows more"
    return f"{ui_url}{path}" if ui_url else f"{path} of the web UI (ISOBAR_UI_URL is not set)"
