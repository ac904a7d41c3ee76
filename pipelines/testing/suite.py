"""The contract of loading: what holds for every feed of every source, one test for each promise.

`contract` makes a class of these tests. The name of one that fails says which promise is broken,
its message what was found.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from sqlalchemy import event

from pipelines.ingest.deliveries import last_drift, last_rejects, miscounted, unbalanced
from pipelines.source import Source
from pipelines.testing.drivers import Driver, LoadFailed
from pipelines.testing.fake_source import Answer, body, cut
from pipelines.testing.pytest_plugin import Start
from pipelines.testing.records import CannotGenerate, Record, shown
from pipelines.testing.sandboxes import simulated

#: Records of an ordinary delivery, and which of them are bad in one with bad ones.
COUNT, BAD = 40, (3, 17)
#: What a service answers instead of a document.
FAULTS: Sequence[Answer] = (
    body(b"down", 503),
    body(b'{"torn": ['),
    cut(b'{"torn', 1000),
    body(b"<!doctype html><title>Maintenance</title>"),
)
COUNTS = """
SELECT loaded_count, unchanged_count, rejected_count
FROM ops.deliveries WHERE problem IS NULL ORDER BY {}
"""


class Contract:
    """The tests of a source; `contract` makes a subclass with its drivers."""

    source: ClassVar[Source]
    drivers: ClassVar[Sequence[type[Driver]]] = ()
    not_driven: ClassVar[Mapping[str, str]] = {}
    problems: ClassVar[Mapping[str, str]] = {}

    def test_delivered_twice_late_or_in_the_wrong_order_it_is_stored_once(
        self, driver: Driver
    ) -> None:
        """The later half comes first, then all, the same again, and at last the earlier half."""
        records, half = records_of(driver), COUNT // 2
        counts_are(driver, records[half:], (half, half, 0, 0))
        rows_are(driver, records[half:])
        counts_are(driver, records, (COUNT, half, half, 0))
        again = driver.deliver(records)
        assert (again.loaded, again.rejected) == (0, 0)
        rows_are(driver, records)
        driver.deliver(records[:half])
        rows_are(driver, records if driver.is_additive else records[:half])
        assert quarantined(driver) == []

    def test_duplicates_within_one_delivery_are_stored_once(self, driver: Driver) -> None:
        records = records_of(driver)
        found = driver.deliver([*records, *records[:5]])
        # With steps of its own, a record may count as loaded if others changed its row.
        loaded = found.loaded if isinstance(driver.feed.load, tuple) else COUNT * driver.counted
        read = (COUNT + 5) * driver.counted
        assert found == (read, loaded, read - loaded, 0)
        rows_are(driver, records)

    def test_of_records_that_contradict_each_other_in_one_delivery_one_is_stored_at_most(
        self, driver: Driver
    ) -> None:
        records = records_of(driver)
        found = driver.deliver([*records, changed(driver, records[5])])
        expected = ((COUNT + 1) * driver.counted, driver.contradicting)
        assert (found.read, found.rejected) == expected
        rows_are(driver, records if driver.contradicting == 1 else [*records[:5], *records[6:]])

    def test_a_changed_record_replaces_or_is_rejected_as_declared(self, driver: Driver) -> None:
        """`Upsert` replaces the stored one, `Insert` rejects. Then it changes back, under one name.

        Incident: the third of A, B, A overwrote the counts of the first.
        """
        records = records_of(driver)
        driver.deliver(records)
        driver.deliveries = 0  # the next one has the same name
        other = [*records[:5], changed(driver, records[5]), *records[6:]]
        found = driver.deliver(other)
        assert (found.loaded, found.rejected) == ((1, 0) if driver.latest_wins else (0, 1))
        rows_are(driver, other if driver.latest_wins else records)
        reasons = [reasons for reasons, _, _ in quarantined(driver)]
        assert all("came before with other content" in one for one in reasons)
        driver.deliveries = 0
        driver.deliver(records)
        rows_are(driver, records)

    def test_each_field_of_a_wrong_type_is_rejected_with_a_reason(self, driver: Driver) -> None:
        """Each field is spoiled in turn, in a record of its own; the others are stored."""
        cases = list(each_spoiled(driver, driver.record(0)))
        records = driver.records(max(COUNT, 3 * len(cases)))
        spoiled = [each_spoiled(driver, records[n])[name] for n, name in enumerate(cases)]
        good = records[len(cases) :]
        found = driver.deliver([*spoiled, *good])
        kept = quarantined(driver)
        expected = (len(records) * driver.counted, len(cases))
        assert (found.read, found.rejected) == expected, f"spoiled {cases}; in quarantine: {kept}"
        assert [one for one in kept if not (one[0] and one[1])] == [], "each has a reason"
        names = [one.rpartition(".")[2] for one in cases if one != "a field"]
        unnamed = [name for name in names if not any(name in reasons for reasons, _, _ in kept)]
        assert unnamed == [], f"a reason names the field; in quarantine: {kept}"
        rows_are(driver, good, bad=spoiled)

    def test_bad_records_are_quarantined_once_until_they_come_corrected(
        self, driver: Driver
    ) -> None:
        """The others are stored at once; the checks and derived tables of the job bear with it."""
        driver.is_complete = True
        records, bad = records_of(driver), spoiled_of(driver, BAD)
        good = [one for number, one in enumerate(records) if number not in BAD]
        counts_are(driver, bad, (COUNT, COUNT - 2, 0, 2))
        rows_are(driver, good, bad=[bad[one] for one in BAD])
        assert len({raw for reason, _, raw in quarantined(driver) if reason}) == 2
        more = driver.record(COUNT)
        driver.deliver([more, *bad])
        raws = [raw for _, _, raw in quarantined(driver)]
        assert len({*raws}) == 2, "a bad record has the same text each time"
        is_once = not driver.is_snapshot and driver.feed.keeps_rejects_once
        assert len(raws) == 2 or not is_once
        driver.deliver([more, *spoiled_of(driver, BAD[1:])])
        rows_are(driver, [more, records[BAD[0]], *good], bad=[bad[BAD[1]]])
        if driver.is_snapshot:  # each document is complete, so only the last one's rejects count
            with driver.site.warehouse.engine.connect() as connection:
                assert len(last_rejects(connection, driver.feed.name)) == 1
        elif is_once:
            assert len(quarantined(driver)) == 1

    def test_a_delivery_of_mostly_bad_records_stores_nothing(self, driver: Driver) -> None:
        """It is rejected as a whole, and each of its bad records is kept to be mended."""

        def stored() -> list[Any]:
            return [driver.rows(), query(driver, COUNTS.format(1)), quarantined(driver)]

        records = records_of(driver)
        driver.deliver(spoiled_of(driver, [0]))
        before = stored()
        ((reason, _, raw),) = before[2]
        driver.announce(spoiled_of(driver, range(COUNT)))
        assert reason.split(": ")[0] in failure_of(driver), "the run says why"
        assert stored() == before
        unloaded = (
            "SELECT bad -> 'reasons' ->> 0, bad ->> 'raw'"
            " FROM ops.deliveries CROSS JOIN jsonb_array_elements(bad_records) AS bad"
        )
        kept = query(driver, unloaded)
        assert (len(kept), (reason, raw) in kept) == (COUNT, True)
        driver.deliveries -= 1
        driver.deliver(records)
        rows_are(driver, records)
        assert query(driver, unloaded) == [] or not driver.is_additive, (
            "bad records of a rejected delivery are kept until it comes corrected"
        )

    def test_an_unusual_value_that_the_model_accepts_is_stored(self, driver: Driver) -> None:
        """One row that the table rejects would fail the delivery, with all good ones."""
        good, odd = records_of(driver), driver.odd(2 * COUNT)
        if not odd:
            pytest.skip(f"{driver.title}: only the models of a feed say what it accepts")
        driver.deliver(good)
        driver.announce([*good, *(record for _, record in odd)])
        assert failure_of(driver) == "", (
            "what the model accepts can be stored, and fails no delivery (isobar.Name, ge=, le=,"
            f" max_length= and pattern= say what a column holds): one of {shown(odd)}"
        )

    def test_an_unknown_field_is_reported_as_drift_and_rejects_no_record(
        self, driver: Driver
    ) -> None:
        records = records_of(driver)
        driver.deliver([driver.with_field(records[0], "unheard_of"), *records[1:]])
        rows_are(driver, records)
        with driver.site.warehouse.engine.connect() as connection:
            assert "unheard_of" in "; ".join(last_drift(connection, driver.feed.name))

    def test_a_source_that_is_away_or_torn_fails_the_run_and_loses_nothing(
        self, driver: Driver
    ) -> None:
        """A file that ends within a line waits for the rest; the body of an answer is truncated."""
        records = records_of(driver)
        driver.deliver(records[:20])
        if driver.is_http:
            for number, fault in enumerate(FAULTS):
                driver.site.service.will(fault)
                failure = failure_of(driver)
                assert failure, "an error is no empty document"
                assert number or "what to do" in failure or "503" in failure
                rows_are(driver, records[:20])
        else:
            assert "what to do" in failure_of(driver, f"{driver.place}/away")
            driver.announce(records)
            whole = driver.file.read_bytes().rstrip()
            last = whole.rpartition(b"\n")[2]
            for missing in (len(last) // 2, 1):  # within the line, and within its last value
                driver.file.write_bytes(whole[:-missing])
                failure_of(driver)
            driver.deliveries -= 1
        driver.deliver(records)
        rows_are(driver, records)
        assert quarantined(driver) == []

    def test_a_load_that_dies_before_its_commit_leaves_nothing(self, driver: Driver) -> None:
        """The session is ended where the commit with the delivery would come: nothing or all."""
        records, ledger = records_of(driver), "SELECT count(*) FROM ops.deliveries"
        ((before,),) = query(driver, ledger)
        struck: list[bool] = []

        def strike(connection: Any) -> None:
            if connection.exec_driver_sql(ledger).scalar_one() > before:
                struck.append(True)
                connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

        event.listen(driver.site.warehouse.engine, "commit", strike)
        driver.announce(records)
        failure = failure_of(driver)
        event.remove(driver.site.warehouse.engine, "commit", strike)
        assert struck, f"the load did not come to its commit: {failure}"
        assert failure
        assert (driver.rows(), quarantined(driver)) == ([], [])
        driver.deliver(records)
        rows_are(driver, records)

    def test_two_loads_at_once_end_as_one(self, driver: Driver) -> None:
        """Whoever comes second finds everything done."""
        records = records_of(driver)
        driver.announce(records)
        driver.site.instance = None  # one for each run: in memory, Dagster bears one writer
        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(driver.fetch) for _ in range(2)]
        outcomes = [outcome for one in done for outcome in one.result()]
        assert sum(one.loaded for one in outcomes) == COUNT * driver.counted
        rows_are(driver, records)

    def test_quarantine_is_read_again_and_keeps_what_is_still_bad(self, driver: Driver) -> None:
        """As after a change of the code: here the kept text of one reject is made good."""
        if driver.feed.retried_by != "parse":
            pytest.skip(f"{driver.title}: its source is requested again")
        driver.deliver(spoiled_of(driver, BAD))
        driver.site.owner.execute(
            "UPDATE ops.quarantine SET raw = %s"
            " WHERE quarantine_id = (SELECT min(quarantine_id) FROM ops.quarantine)",
            [driver.text(driver.record(BAD[0]))],
        )
        good = [one for number, one in enumerate(records_of(driver)) if number != BAD[1]]
        for _ in range(2):
            driver.retry()
            rows_are(driver, good)
            assert len(quarantined(driver)) == 1

    def test_checks_find_nothing_in_good_data_and_views_can_be_queried(
        self, driver: Driver
    ) -> None:
        """A check that always finds something is soon ignored."""
        driver.is_complete = True
        driver.deliver(driver.records(driver.complete_count))
        driver.settle()
        found = {one.name: driver.rows_of_check(one.name) for one in driver.declared.checks}
        assert {name: rows for name, rows in found.items() if rows} == {}
        for name, sql in driver.declared.object_files.items():
            if "CREATE OR REPLACE VIEW" in sql:
                query(driver, f"SELECT * FROM {name}")

    def test_every_feed_is_driven(self) -> None:
        """A feed that the kit cannot drive is named here, not left out."""
        found = {name: why for name, why in self.problems.items() if name not in self.not_driven}
        found |= dict.fromkeys(self.not_driven.keys() - self.problems.keys(), "it is driven")
        assert found == {}, (
            f"every feed is driven, but {found}; what other tests cover is named:"
            ' contract(source, not_driven={"feed": "which tests, and why"})'
        )

    def test_the_sandbox_is_deterministic_and_loads(self, isobar_start: Start) -> None:
        """Served anew for the same seed and hour, it has nothing new."""
        if self.source.sample is None and self.source.module("sandbox") is None:
            pytest.skip(f"{self.source.name} has neither a sample nor a sandbox.py")
        for driver in map(isobar_start, self.drivers):
            loaded = []
            for _ in range(2):
                with simulated(driver) as place:
                    loaded.append(sum(one.loaded for one in driver.fetch_from(place)))
            assert loaded[0], "what the sandbox serves is loaded"
            assert loaded[1] == 0, "the sandbox says the same for the same seed and hour"
            ledger_is_true(driver)


def ledger_is_true(driver: Driver) -> None:
    """Fail unless every delivery's counts balance, and are those of its rows."""
    with driver.site.warehouse.engine.connect() as connection:
        for ledger in driver.declared.ledgers:
            wrong = unbalanced(connection, ledger.feed or driver.source)
            wrong += miscounted(connection, ledger.tables or (ledger.on,))
            assert wrong == [], "read = loaded + unchanged + rejected, as many as there are rows"


def records_of(driver: Driver) -> list[Record]:
    """Return good records with keys of their own."""
    found = driver.records(COUNT)
    if len(driver.expected(found)) < COUNT:
        raise CannotGenerate("the records made have the same key")
    return found


def changed(driver: Driver, record: Record) -> Record:
    """Return a record with another value; skip the test if it has none."""
    try:
        return driver.changed(record)
    except CannotGenerate as problem:
        pytest.skip(f"{driver.title}: {problem}")


def each_spoiled(driver: Driver, record: Record) -> Mapping[str, Record]:
    """Return a record spoiled in each field in turn."""
    return driver.each_spoiled(record) or {"a field": driver.spoiled(record)}


def spoiled_of(driver: Driver, numbers: Sequence[int]) -> list[Record]:
    """Return the records, of which those with these numbers are bad."""
    return [
        driver.spoiled(record) if number in numbers else record
        for number, record in enumerate(driver.records(COUNT))
    ]


def failure_of(driver: Driver, place: str | None = None) -> str:
    """Execute the job; return why it failed, or nothing."""
    try:
        driver.fetch_from(place or driver.place)
    except LoadFailed as failure:
        return str(failure) or "it failed"
    return ""


def counts_are(driver: Driver, records: Sequence[Record], counts: tuple[int, ...]) -> None:
    """Deliver records, and fail unless the ledger counts as many, each in each list."""
    found = driver.deliver(records)
    read, loaded, unchanged, rejected = counts
    parts = driver.counted
    expected = (read * parts, loaded * parts + rejected * (parts - 1), unchanged * parts, rejected)
    assert found == expected, f"in quarantine: {quarantined(driver)[:3]}"


def rows_are(driver: Driver, records: Sequence[Record], *, bad: Sequence[Record] = ()) -> None:
    """Fail unless exactly these records are stored, with those of `bad` that are good in part."""
    rows, expected = driver.rows(), driver.expected(records, bad)
    lost = [row for row in expected if row not in rows]
    extra = [row for row in rows if row not in expected]
    assert (len(rows), lost[:2], extra[:2]) == (len(expected), [], []), (
        "rows, those that are missing, those that should not be there"
    )


def query(driver: Driver, statement: str) -> list[Any]:
    """Return what a query returns."""
    return driver.site.owner.execute(statement.encode()).fetchall()


def quarantined(driver: Driver) -> list[Any]:
    """Return reasons, codes and raw text of each rejected record."""
    found = "SELECT array_to_string(reasons, '; '), reason_codes, raw FROM ops.quarantine"
    return query(driver, f"{found} ORDER BY 1, 3")
