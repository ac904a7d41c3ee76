"""The contract of loading, tested with each feed of every source.

Each record is stored once or kept in quarantine with its reason; a load is complete or not at
all; the counts of the ledger add up after everything.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, event

from pipelines.ingest.deliveries import last_drift, last_rejects, miscounted, unbalanced
from pipelines.ingest.feeds import Reparse
from pipelines.source import sources
from pipelines_tests.fake_source import body
from pipelines_tests.loaders import runner
from pipelines_tests.source_contract.feeds import Feed, LoadFailed, Record

COUNT = 40


@pytest.fixture(autouse=True)
def counts_add_up(feed: Feed) -> Iterator[None]:
    """After each test, every delivery's counts have to balance, and to be those of its rows."""
    yield
    with feed.site.warehouse.engine.connect() as connection:
        for ledger in sources()[feed.source].ledgers:
            assert unbalanced(connection, ledger.feed or feed.source) == []
            assert miscounted(connection, ledger.tables or (ledger.on,)) == []


def quarantined(feed: Feed) -> list[tuple[str, str]]:
    """Reason and raw text of each rejected record."""
    query = "SELECT array_to_string(reasons, '; '), raw FROM ops.quarantine ORDER BY quarantine_id"
    return feed.site.owner.execute(query).fetchall()


def some_spoiled(feed: Feed, *numbers: int) -> list[Record]:
    """The records, of which those with these numbers are bad."""
    return [
        feed.spoiled(record) if number in numbers else record
        for number, record in enumerate(feed.records(COUNT))
    ]


def is_snapshot(feed: Feed) -> bool:
    """Return whether each delivery is a snapshot, so that only the last one's rejects count."""
    return any(ledger.is_snapshot for ledger in sources()[feed.source].ledgers)


def deliveries(feed: Feed) -> int:
    ((count,),) = feed.site.owner.execute("SELECT count(*) FROM ops.deliveries").fetchall()
    return int(count)


@pytest.mark.answers("E55", "H39", "T39")
def test_late_and_repeated_records_are_stored_once(feed: Feed) -> None:
    records = feed.records(COUNT)
    half, read = COUNT // 2 * feed.counted, COUNT * feed.counted
    assert feed.deliver(records[COUNT // 2 :]) == (half, half, 0, 0)
    assert feed.rows() == feed.expected(records[COUNT // 2 :])
    assert feed.deliver(records) == (read, half, half, 0)
    assert feed.rows() == feed.expected(records)
    _, loaded, _, rejected = feed.deliver(records)
    assert (loaded, rejected) == (0, 0)
    assert feed.rows() == feed.expected(records)
    assert quarantined(feed) == []


def test_an_earlier_delivery_that_arrives_last_removes_nothing(feed: Feed) -> None:
    records = feed.records(COUNT)
    read = COUNT * feed.counted
    assert feed.deliver(records) == (read, read, 0, 0)
    feed.deliver(records[: COUNT // 2])
    kept = records if feed.is_additive else records[: COUNT // 2]
    assert feed.rows() == feed.expected(kept)


def test_a_changed_record_replaces_or_is_rejected_as_declared(feed: Feed) -> None:
    """And is as it was, once it changes back."""
    records = feed.records(COUNT)
    feed.deliver(records)
    changed = [*records[:5], feed.changed(records[5]), *records[6:]]
    _, loaded, _, rejected = feed.deliver(changed)
    if feed.latest_wins:
        assert (loaded, rejected) == (1, 0)
        assert feed.rows() == feed.expected(changed) != feed.expected(records)
    else:
        assert (loaded, rejected) == (0, 1)
        assert feed.rows() == feed.expected(records)
        ((reason, _),) = quarantined(feed)
        assert "came before with other content" in reason
    feed.deliver(records)
    assert feed.rows() == feed.expected(records)


def test_contents_that_alternate_under_one_name_leave_a_true_ledger(feed: Feed) -> None:
    """Incident: the third of A, B, A overwrote the counts of the first."""
    first = feed.records(COUNT)
    second = [feed.record(COUNT), *first[1:]]
    assert feed.deliver(first)[1] == COUNT * feed.counted
    for records in (second, first):
        feed.deliveries -= 1
        feed.deliver(records)
    kept = [*first, feed.record(COUNT)] if feed.is_additive else first
    assert feed.rows() == feed.expected(kept)


@pytest.mark.answers("E24")
def test_bad_records_are_quarantined_once_until_they_come_corrected(feed: Feed) -> None:
    """The others are stored at once."""
    records, read = feed.records(COUNT), COUNT * feed.counted
    assert feed.deliver(some_spoiled(feed, 3, 17)) == (read, read - 2, 0, 2)
    good = [one for number, one in enumerate(records) if number not in (3, 17)]
    assert feed.rows() == feed.expected(good)
    first, second = quarantined(feed)
    assert first[0]
    assert second[0]
    assert first[1] != second[1]
    more = feed.record(COUNT)
    feed.deliver([more, *some_spoiled(feed, 3, 17)])
    assert len({raw for _, raw in quarantined(feed)}) == 2
    assert is_snapshot(feed) or len(quarantined(feed)) == 2
    feed.deliver([more, *some_spoiled(feed, 17)])
    assert feed.rows() == feed.expected([more, records[3], *good])
    if is_snapshot(feed):  # each document is complete, so only the last one's rejects count
        with feed.site.warehouse.engine.connect() as connection:
            assert len(last_rejects(connection, feed.source)) == 1
    else:
        assert len(quarantined(feed)) == 1


@pytest.mark.answers("E24")
def test_records_that_come_corrected_empty_the_quarantine(feed: Feed) -> None:
    """Without a statement of the source, by their keys; the counts of their delivery say so."""
    if not feed.is_additive:
        pytest.skip("each document is complete, and keeps what it rejected")
    records = feed.records(COUNT)
    feed.deliver(some_spoiled(feed, 3, 17))
    ledger = "SELECT loaded_count, unchanged_count, rejected_count FROM ops.deliveries"
    ((loaded, unchanged, _),) = feed.site.owner.execute(ledger).fetchall()
    feed.deliver([records[3], records[17]])
    assert feed.rows() == feed.expected(records)
    assert quarantined(feed) == []
    first = feed.site.owner.execute(f"{ledger} ORDER BY delivery_id LIMIT 1").fetchall()
    assert first == [(loaded, unchanged + 2, 0)]


def test_a_delivery_of_mostly_bad_records_stores_nothing(feed: Feed) -> None:
    feed.deliver(some_spoiled(feed, 0))
    before, entries, ((reason, raw),) = feed.rows(), deliveries(feed), quarantined(feed)
    with pytest.raises(LoadFailed, match=r"records are bad|of \d+ .* bad") as failed:
        feed.deliver(some_spoiled(feed, *range(COUNT)))
    assert reason.split(": ")[0] in str(failed.value)
    assert feed.rows() == before
    assert deliveries(feed) == entries
    assert quarantined(feed) == [(reason, raw)]
    kept = "SELECT array_to_string(reasons, '; '), raw FROM ops.unloaded_rejects"
    assert (reason, raw) in feed.site.owner.execute(kept).fetchall()
    assert len(feed.site.owner.execute(kept).fetchall()) == COUNT, "each can be mended"
    feed.deliveries -= 1
    feed.deliver(feed.records(COUNT))
    assert feed.rows() == feed.expected(feed.records(COUNT))
    if feed.is_named_again:
        assert feed.site.owner.execute(kept).fetchall() == []


@pytest.mark.answers("E45")
def test_two_loads_at_once_end_as_one(feed: Feed) -> None:
    records = feed.records(COUNT)
    feed.deliveries += 1
    feed.publish(records)
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(feed.fetch) for _ in range(2)]
        outcomes = [outcome for one in done for outcome in one.result()]
    stations = sum(outcome.read - COUNT * feed.counted for outcome in outcomes[:1])
    assert sum(outcome.loaded for outcome in outcomes) == COUNT * feed.counted + stations
    assert feed.rows() == feed.expected(records)


def test_a_load_that_dies_before_its_commit_leaves_nothing(feed: Feed) -> None:
    """The session is ended where the commit with the records would come: nothing or all.

    Of what follows the failure, the first commit is ended in the same way at first.
    """
    records = feed.records(COUNT)
    engine: Engine = feed.site.warehouse.engine
    struck: list[bool] = []

    def strike(connection: Any) -> None:
        here = feed.stored.replace("SELECT", "SELECT /* own */", 1)
        if len(struck) < number and connection.exec_driver_sql(here.replace("%", "%%")).first():
            struck.append(True)
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    event.listen(engine, "commit", strike)
    for number in (2, 1):  # noqa: B007 - `strike` reads it
        struck.clear()
        with pytest.raises(LoadFailed):
            feed.deliver(records)
        assert struck
        assert feed.rows() == []
        assert quarantined(feed) == []
    event.remove(engine, "commit", strike)
    feed.deliver(records)
    assert feed.rows() == feed.expected(records)


def test_a_source_that_is_away_loses_nothing(feed: Feed) -> None:
    records = feed.records(COUNT)
    feed.deliver(records[:20])
    before = feed.rows()
    if feed.is_http:
        feed.site.service.will(body(b"down", 503))
    else:
        feed.deliveries += 1  # a file that is not there
    with pytest.raises(LoadFailed) as failed:
        feed.fetch()
    assert "what to do" in str(failed.value) or "503" in str(failed.value)
    assert feed.rows() == before
    feed.deliver(records)
    assert feed.rows() == feed.expected(records)


def test_an_unknown_field_is_reported_as_drift(feed: Feed) -> None:
    records = feed.records(COUNT)
    feed.deliver([records[0] | {"unheard_of": "1"}, *records[1:]])
    assert feed.rows() == feed.expected(records)
    with feed.site.warehouse.engine.connect() as connection:
        (line,) = last_drift(connection, feed.source)
    assert "unheard_of" in line


def test_quarantine_is_read_again_and_keeps_what_is_still_bad(feed: Feed) -> None:
    """As after a change of the code: here the kept text of one reject is made good."""
    if not any(isinstance(one.again, Reparse) for one in sources()[feed.source].feeds):
        pytest.skip("its service is requested again instead")
    feed.deliver(some_spoiled(feed, 3, 17))
    feed.site.owner.execute(
        "UPDATE ops.quarantine SET raw = replace(raw, %s, %s)"
        " WHERE quarantine_id = (SELECT min(quarantine_id) FROM ops.quarantine)",
        feed.mend,
    )
    outcomes = runner(feed.source, feed.site.warehouse).retry()
    assert [(one.read, one.loaded, one.rejected) for one in outcomes] == [(2, 1, 1)]
    good = [one for number, one in enumerate(feed.records(COUNT)) if number != 17]
    assert feed.rows() == feed.expected(good)
    assert len(quarantined(feed)) == 1
    runner(feed.source, feed.site.warehouse).retry()
    assert len(quarantined(feed)) == 1
