"""Connectors of others as fetchers: dlt resources and Singer taps, batch by batch.

They bring records; ledger, quarantine and retry are Isobar's. What a connector remembers between
its runs (the state of a tap, incremental cursors of dlt) is not kept: it is to begin at a date of
the settings, and records that come again change nothing.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pipelines.failures import PermanentFailure, redact

#: Records of a delivery.
BATCH_RECORDS = 5_000
#: What is shown of what a tap wrote to its log.
LAST_CHARACTERS = 1_000
#: A batch: the name of the delivery, and its document with a list of records for each stream.
Batch = tuple[str, dict[str, Any]]


def dlt_records(make: Callable[[Any], Any]) -> Callable[[Any], Iterator[Batch]]:
    """Return what yields the records of a dlt resource, or of each resource of a dlt source.

    Args:
        make: Called with the settings of the source; returns the resource or the source. Each
            resource is a list of the document, under its name.
    """

    def fetch(settings: Any) -> Iterator[Batch]:
        made = make(settings)
        selected = getattr(made, "selected_resources", None)
        for resource in (selected or {made.name: made}).values():
            yield from _batches(resource.name, _plain(resource))

    return fetch


def singer_records(
    command: Sequence[str], config: Callable[[Any], dict[str, Any]], *, source: str
) -> Callable[[Any], Generator[Batch]]:
    """Return what yields the records of a Singer tap; each stream is a list of the document.

    Args:
        command: The tap and its arguments, without `--config`. It may be installed in a virtual
            environment of its own.
        config: Called with the settings of the source; returns the tap's configuration.
        source: The source, for messages.

    Raises:
        PermanentFailure: The tap cannot be started, or ends with an error. What it sent before
            is loaded.
    """

    def fetch(settings: Any) -> Generator[Batch]:
        from pipelines.ingest.service import secrets_of

        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
            file = Path(folder, "config.json")
            file.touch(mode=0o600)
            file.write_text(json.dumps(config(settings)))
            words = [*command, "--config", str(file)]
            try:
                tap = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log)
            except OSError as error:
                raise _failed(source, command, f"it cannot be started: {error}") from error
            assert tap.stdout is not None
            try:
                if problem := (yield from _messages(tap.stdout)):
                    raise _failed(source, command, problem)
                if status := tap.wait():
                    log.seek(0)
                    last = log.read().decode("utf-8", "replace")[-LAST_CHARACTERS:].strip()
                    said = redact(last, secrets_of(settings))
                    raise _failed(source, command, f"it ended with {status}: {said}")
            finally:
                tap.kill()
                tap.wait()
                tap.stdout.close()

    return fetch


def with_all_lists(document: Any, lists: Sequence[str]) -> tuple[Any, set[str]]:
    """Return a batch with an empty list for each stream that it lacks, and its other streams.

    `lists` are those that the feed declares. A batch that has none of them is None. Where lists
    are not streams (a parser of one's own, a list within another), the batch stays as it is.
    """
    if not (lists and all(lists) and isinstance(document, dict)) or "." in "".join(lists):
        return document, set()
    others = document.keys() - {*lists}
    if others == document.keys():
        return None, others
    return {one: [] for one in lists} | document, others


def _messages(lines: Iterable[bytes]) -> Generator[Batch, None, str | None]:
    """Yield batches of the records in a tap's messages, by stream.

    Returns what is wrong with a line that is no message; those after it are not read.
    """
    waiting: dict[str, list[Any]] = {}
    counts: dict[str, int] = {}
    problem = None

    def flushed(stream: str) -> Batch:
        counts[stream] = counts.get(stream, 0) + 1
        return f"{stream}, batch {counts[stream]}", {stream: waiting.pop(stream)}

    for number, line in enumerate(lines, 1):
        try:
            message = json.loads(line) if line.strip() else {}
            if message.get("type") != "RECORD":
                continue
            stream, record = message["stream"], message["record"]
            waiting.setdefault(stream, []).append(record)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            problem = f"line {number} is no message of a tap: {error}"
            break
        if len(waiting[stream]) == BATCH_RECORDS:
            yield flushed(stream)
    for stream in [*waiting]:
        yield flushed(stream)
    return problem


def _batches(name: str, records: Iterable[Any]) -> Iterator[Batch]:
    left = iter(records)
    number = 0
    while some := [*islice(left, BATCH_RECORDS)]:
        number += 1
        yield f"{name}, batch {number}", {name: some}


def _plain(resource: Iterable[Any]) -> Iterator[Any]:
    """Yield the records of a resource, which may come in lists, tables or frames."""
    for item in resource:
        if hasattr(item, "to_pylist"):
            yield from item.to_pylist()
        elif hasattr(item, "to_dict") and not isinstance(item, dict):
            yield from item.to_dict("records")
        elif isinstance(item, list):
            yield from item
        else:
            yield item


def _failed(source: str, command: Sequence[str], problem: str) -> PermanentFailure:
    return PermanentFailure(
        source,
        f"the tap did not send all: {problem}",
        place=command[0],
        remedy="Run the tap by hand with the same configuration; correct it, or its settings.",
    )
