"""Load files: each content of each name once, each file in its own transaction.

The outcome of an inbox file is recorded in `ops.inbox_files`, in the transaction that loads its
rows. `inbox` finds the files.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import ARRAY, Connection, String, all_, delete, insert, literal, text

from pipelines.failures import DatabaseError, Failure, NotReady, PermanentFailure, TransientFailure
from pipelines.ingest.deliveries import (
    Delivery,
    Outcome,
    forget_bad_records,
    last_sha256,
    note_rejection,
    rejection_noted,
)
from pipelines.ingest.feeds import Content
from pipelines.ingest.inbox import Inbox, InboxFile, open_plain_file, signature_of
from pipelines.warehouse.sql_files import read_sql
from pipelines.warehouse.tables import inbox_files

if TYPE_CHECKING:
    from pipelines.ingest.runner import Runner

logger = logging.getLogger("isobar.files")


class FileReadError(TransientFailure):
    """A disk or network error while a file was read. The file is not rejected."""


def load_files(
    runner: Runner, inbox: Inbox, files: list[InboxFile], outcomes: list[Outcome] | None = None
) -> tuple[list[Outcome], list[Failure]]:
    """Load files, each in its own transaction; one that fails does not block the others.

    Returns the outcomes of files with new content, and the failures of rejected files, which are
    not read again until they change. A file that the database does not take is tried once more if
    rows of a later file are stored: if it fails again, it is rejected, too. Else the failure is
    raised, `TransientFailure` or `DatabaseError`, and nothing is rejected for it; `outcomes`, if
    given, has those of the files that were loaded.
    """
    outcomes = [] if outcomes is None else outcomes
    failures: list[Failure] = []
    failed: list[tuple[InboxFile, Failure]] = []
    #: How many of them failed before rows of another file were stored.
    retried = 0
    for file in files:
        try:
            found = _load_or_reject(runner, inbox, file, failures)
        except (DatabaseError, TransientFailure) as failure:
            with runner.store.transaction(inbox.source):
                pass  # the server is there, so that the next file may load
            logger.warning("%s", failure)
            failed.append((file, failure))
        else:
            outcomes += found
            retried = len(failed) if any(one.loaded for one in found) else retried
    for file, _ in failed[:retried]:
        try:
            outcomes += _load_or_reject(runner, inbox, file, failures)
        except (DatabaseError, TransientFailure) as failure:
            failures.append(_set_aside(runner, inbox, file, failure))
    with runner.store.transaction(inbox.source) as connection:
        _delete_missing_files(connection, inbox)
    if failed[retried:]:
        raise failed[retried][1]
    return outcomes, failures


def _load_or_reject(
    runner: Runner, inbox: Inbox, file: InboxFile, failures: list[Failure]
) -> list[Outcome]:
    """Load a file; return its outcome, if any. Note one that is rejected, and add its failure.

    Raises `TransientFailure` and `DatabaseError` of the database.
    """
    try:
        outcome = load_file(runner, file, inbox)
    except NotReady as reason:  # it is being written again: it will be there at the next tick
        logger.warning("%s", reason)
    except FileReadError as failure:
        failures.append(failure)
    except DatabaseError:
        raise
    except PermanentFailure as failure:
        failures.append(failure)
        with runner.store.transaction(inbox.source) as connection:
            _remember(connection, inbox, file, runner.run_id, None)
    else:
        return [outcome] if outcome else []
    return []


def _set_aside(runner: Runner, inbox: Inbox, file: InboxFile, failure: Failure) -> PermanentFailure:
    """Reject a file that the database does not take while it takes others; return why."""
    rejected = PermanentFailure(
        inbox.source,
        f"{failure.problem} (twice, while another file was loaded)",
        place=str(file.path),
        remedy="Mend what the server says, then run"
        f" isobar quarantine retry {inbox.source}; or correct the file.",
    )
    with runner.store.transaction(inbox.source) as connection:
        note_rejection(connection, _delivery(inbox.source, file), rejected, runner.run_id)
        _remember(connection, inbox, file, runner.run_id, None)
    return rejected


def load_file(runner: Runner, file: InboxFile, inbox: Inbox | None = None) -> Outcome | None:
    """Load one file, and note it in its inbox, if any; None if it was loaded in this state.

    Raises `PermanentFailure` for a file that cannot be read, and `NotReady` for one that changes.
    """
    source, place = runner.owner.name, str(file.path)
    delivery = _delivery(source, file)
    with (
        rejection_noted(runner.store, source, delivery, runner.run_id),
        _opened(source, file) as opened,
        runner.store.transaction(source) as connection,
    ):
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()  # type: ignore[arg-type]
        outcome = None
        if last_sha256(connection, source, file.name) != sha256:
            opened.seek(0)
            known = replace(delivery, sha256=sha256)
            try:
                content = Content(delivery=known, file=opened, place=place)
                outcome = runner.write(connection, content)
            except DatabaseError:  # not the file's fault
                raise
            except PermanentFailure as failure:
                failure.place = place
                _compare(source, opened, file)  # what was cut may be complete by now
                raise
        _compare(source, opened, file)
        if inbox is not None:
            _remember(connection, inbox, file, runner.run_id, sha256)
        return outcome


def _delivery(source: str, file: InboxFile) -> Delivery:
    now = datetime.now(UTC)
    return Delivery(source, file.name, "", file.byte_count, now, file.modified_at)


def _compare(source: str, opened: BinaryIO, file: InboxFile) -> None:
    """Raise `NotReady` if an open file has changed since it was listed."""
    if signature_of(os.fstat(opened.fileno())) != file.signature:
        raise NotReady(
            source,
            "the file changed while it was being read",
            place=str(file.path),
            remedy="Nothing: it is loaded when it is complete.",
        )


def rejected_files(connection: Connection, source: str | None = None) -> list[dict[str, Any]]:
    """Return the files of a source, or of all, that were rejected and have not changed since."""
    query = text(read_sql("pipelines.ingest", "rejected_files"))
    return [dict(row) for row in connection.execute(query, {"source": source}).mappings()]


def clear_rejected_files(connection: Connection, source: str) -> None:
    """Delete the records of rejected files, so that they are read again."""
    rejected = inbox_files.c.source == source, inbox_files.c.sha256.is_(None)
    connection.execute(delete(inbox_files).where(*rejected))


@contextmanager
def _opened(source: str, file: InboxFile) -> Iterator[BinaryIO]:
    """Open a file; errors on opening or reading it become our failures."""
    place = str(file.path)

    def unreadable(error: OSError, what: str) -> FileReadError:
        return FileReadError(
            source,
            f"the file could not be {what}: {error.strerror or error}",
            place=place,
            remedy="Check the disk or the network, then run again.",
        )

    try:
        opened = open_plain_file(file.path)
    except FileNotFoundError as error:
        raise NotReady(source, "the file is gone", place=place, remedy="Put it back.") from error
    except PermissionError as error:
        raise PermanentFailure(
            source,
            "the file cannot be read: permission denied",
            place=place,
            remedy="Give the user that runs Isobar permission to read it. If that does not change"
            f" the file itself, run isobar quarantine retry {source} afterwards.",
        ) from error
    except OSError as error:
        raise unreadable(error, "opened") from error
    with opened:
        try:
            yield opened
        except OSError as error:
            raise unreadable(error, "read completely") from error


def _remember(
    connection: Connection, inbox: Inbox, file: InboxFile, run_id: str | None, sha256: str | None
) -> None:
    """Record the outcome of a file; `sha256` is None if it was rejected."""
    mine = inbox_files.c.source == inbox.source, inbox_files.c.name == file.name
    connection.execute(delete(inbox_files).where(*mine))
    entry = insert(inbox_files).values(
        source=inbox.source,
        name=file.name,
        byte_count=file.byte_count,
        modified_ns=file.modified_ns,
        changed_ns=file.changed_ns,
        reading=inbox.reading,
        sha256=sha256,
        run_id=run_id,
    )
    connection.execute(entry)


def _delete_missing_files(connection: Connection, inbox: Inbox) -> None:
    """Delete the records of files that left the inbox; the ledger still lists their deliveries."""
    there = literal([file.name for file in inbox.files()], ARRAY(String))
    is_gone = inbox_files.c.source == inbox.source, inbox_files.c.name != all_(there)
    deleted = connection.execute(delete(inbox_files).where(*is_gone).returning(inbox_files.c.name))
    if gone := deleted.scalars().all():
        forget_bad_records(connection, inbox.source, gone)
