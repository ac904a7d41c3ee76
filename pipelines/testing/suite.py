"""The contract of loading: what holds for every feed of every source, one test for each promise.

Each record is stored once or kept in quarantine with its reason; a load is complete or not at
all; the counts of the ledger add up after everything. `contract` makes a class of these tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import pytest

from pipelines.ingest.feeds import Merge
from pipelines.testing.drivers import (
    Driver,
    Files,
    LoadFailed,
    NotDriven,
    Overrides,
    Row,
    driver_of,
    is_retried,
)
from pipelines.testing.fake_source import Answer, body, cut
from pipelines.testing.records import CannotGenerate, Record, shown

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.source import Source
    from pipelines.testing.pytest_plugin import Start
    from pipelines.testing.sandboxes import Serve

#: Records of an ordinary delivery.
COUNT = 40
#: How often a load is tried while the source fails now and then.
TRIES = 6
#: What a service answers instead of a document.
FAULTS: Sequence[Answer] = (
    body(b"something broke", 500),
    body(b'{"torn": ['),
    cut(b'{"torn', 1000),
    body(b"<!doctype html><title>Maintenance</title>"),
)
GIVE_RECORDS = (
    "Give records of your own: contract(source, records=…), a function of a number that returns a"
    " record. changed=…, spoiled=…, publish=… and stored=… replace the rest in the same way."
)
REPORT = "See the parser and the SQL of the source; if both are right, report a bug of Isobar."
NEVER_EMPTY = "Never turn an error into an empty result: raise TransientFailure."
KEPT_OF_OTHERS = """
SELECT record.bad -> 'reasons' ->> 0, record.bad ->> 'raw'
FROM ops.deliveries CROSS JOIN LATERAL jsonb_array_elements(bad_records) AS record (bad)
"""
KEPT = "SELECT array_to_string(reasons, '; '), raw FROM {} ORDER BY 1, 2"


def fail(problem: str, *, delivered: str, expected: object, found: object, remedy: str) -> NoReturn:
    """Fail a test with what a stranger has to know: what was done, what was to be, what to do."""
    pytest.fail(
        f"{problem}\n\n  delivered: {delivered}\n   expected: {_listed(expected)}\n"
        f"      found: {_listed(found)}\n what to do: {remedy}",
        pytrace=False,
    )


def same(
    found: object, expected: object, problem: str, *, delivered: str, remedy: str = REPORT
) -> None:
    """Fail unless something is as expected."""
    if found != expected:
        fail(problem, delivered=delivered, expected=expected, found=found, remedy=remedy)


def _listed(value: object) -> str:
    if isinstance(value, list | tuple) and len(value) > 5:
        first = "".join(f"\n             {one}" for one in value[:5])
        return f"{len(value)}, of which the first are{first}"
    return str(value)


class Contract:
    """The tests of a source; `contract` makes a subclass with its drivers."""

    source: ClassVar[Source]
    driver_kinds: ClassVar[Sequence[type[Driver] | NotDriven]] = ()
    not_driven: ClassVar[Mapping[str, str]] = {}

    def test_delivered_twice_it_is_stored_once(self, driver: Driver) -> None:
        """The same content again is no delivery, or changes nothing."""
        records, read = records_of(driver), COUNT * driver.counted
        self.expect_counts(driver, records, read, read, 0, 0, "40 good records")
        rows_are(driver, records, "40 good records")
        _, loaded, _, rejected = deliver(driver, records, "the same 40 records again")
        if (loaded, rejected) != (0, 0):
            fail(
                "The same records were loaded again.",
                delivered="40 good records, and in a second delivery the same ones",
                expected="0 loaded, 0 rejected",
                found=f"{loaded} loaded, {rejected} rejected",
                remedy="The key of the table has to be that of the record, and parse has to return"
                " the same values for the same content: no clock, no counter.",
            )
        rows_are(driver, records, "the same 40 records twice")

    def test_late_and_repeated_records_are_stored_once(self, driver: Driver) -> None:
        """Deliveries overlap, and the earlier half comes late."""
        records = records_of(driver)
        half, read = COUNT // 2 * driver.counted, COUNT * driver.counted
        self.expect_counts(driver, records[COUNT // 2 :], half, half, 0, 0, "the later 20 records")
        rows_are(driver, records[COUNT // 2 :], "the later 20 records")
        self.expect_counts(
            driver, records, read, half, half, 0, "all 40 records after the later 20"
        )
        rows_are(driver, records, "the later 20 records, then all 40")
        _, loaded, _, rejected = deliver(driver, records, "all 40 records again")
        same(
            (loaded, rejected),
            (0, 0),
            "Records that are stored were loaded again (loaded, rejected).",
            delivered="the later 20 records, then all 40 twice",
        )
        rows_are(driver, records, "the later 20 records, then all 40 twice")
        nothing_quarantined(driver, "good records, in deliveries that overlap")

    def test_an_earlier_delivery_that_arrives_last_removes_nothing(self, driver: Driver) -> None:
        """Only a document of all that there is removes what it lacks."""
        records, read = records_of(driver), COUNT * driver.counted
        self.expect_counts(driver, records, read, read, 0, 0, "40 good records")
        deliver(driver, records[: COUNT // 2], "the first 20 of them")
        kept = records if driver.is_additive else records[: COUNT // 2]
        rows_are(driver, kept, "40 records, then an earlier delivery of the first 20")

    def test_duplicates_within_one_delivery_are_stored_once(self, driver: Driver) -> None:
        """And counted: read = loaded + unchanged + rejected."""
        if not driver.has_duplicates:
            pytest.skip(f"{driver.title}: a delivery has each record once by its format")
        records = records_of(driver)
        doubled = [*records, *records[:5]]
        read, loaded, unchanged, rejected = deliver(driver, doubled, "45 records, 5 of them twice")
        counts = (45 * driver.counted, 40 * driver.counted, 5 * driver.counted, 0)
        if isinstance(driver.feed.write, Merge):  # a record may count if others changed its row
            counts = (counts[0], loaded, counts[0] - loaded, 0)
        if (read, loaded, unchanged, rejected) != counts:
            fail(
                "Duplicates within one delivery were not counted, or rejected.",
                delivered="40 good records, the first 5 of them twice",
                expected="{} read, {} loaded, {} unchanged, {} rejected".format(*counts),
                found=f"{read} read, {loaded} loaded, {unchanged} unchanged, {rejected} rejected",
                remedy="Parsed.read counts every record, also one that is sent twice.",
            )
        rows_are(driver, records, "40 good records, 5 of them twice")

    def test_records_that_contradict_each_other_in_one_delivery(self, driver: Driver) -> None:
        """One of them counts at most, and the other is rejected with its reason."""
        if not driver.has_duplicates:
            pytest.skip(f"{driver.title}: a delivery has each record once by its format")
        records = records_of(driver)
        other = changed(driver, records[5])
        read, _, _, rejected = deliver(
            driver, [*records, other], "41 records, 2 of them with one key"
        )
        if rejected != driver.contradicting or read != 41 * driver.counted:
            fail(
                "Two records of one delivery have the same key and different content.",
                delivered=f"40 good records, then {shown(other)} after {shown(records[5])}",
                expected=f"{41 * driver.counted} read, {driver.contradicting} rejected",
                found=f"{read} read, {rejected} rejected; quarantine: {quarantined(driver)}",
                remedy="The primary key of the table has to be what identifies a record, and parse"
                " must not drop one of the two: the policy of the feed rejects it.",
            )
        kept = records if driver.contradicting == 1 else [*records[:5], *records[6:]]
        rows_are(driver, kept, "40 records and one that contradicts a record before it")

    def test_a_changed_record_replaces_or_is_rejected_as_declared(self, driver: Driver) -> None:
        """And is as it was, once it changes back."""
        records = records_of(driver)
        deliver(driver, records, "40 good records")
        other = [*records[:5], changed(driver, records[5]), *records[6:]]
        _, loaded, _, rejected = deliver(driver, other, "the same 40, one of them changed")
        wanted = (1, 0) if driver.latest_wins else (0, 1)
        if (loaded, rejected) != wanted:
            fail(
                "A record that came again with other values was not treated as its policy says.",
                delivered=f"40 good records, then {shown(other[5])} instead of {shown(records[5])}",
                expected="{} loaded, {} rejected".format(*wanted),
                found=f"{loaded} loaded, {rejected} rejected",
                remedy="Latest() replaces a row with the same primary key, First(…) keeps it and"
                " rejects the other one: choose the one that is meant. Every field that may change"
                " has to be a column of the table.",
            )
        if driver.latest_wins:
            rows_are(driver, other, "40 good records, then one of them changed")
        else:
            rows_are(driver, records, "40 good records, then one of them changed")
            same(
                ["came before with other content" in reason for reason, _ in quarantined(driver)],
                [True],
                "The reason of the reject does not say that the key came before.",
                delivered="40 good records, then one of them changed",
            )
        deliver(driver, records, "the 40 records as they were at first")
        rows_are(driver, records, "40 good records, one of them changed, and changed back")

    def test_contents_that_alternate_under_one_name_leave_a_true_ledger(
        self, driver: Driver
    ) -> None:
        """Incident: the third of A, B, A overwrote the counts of the first."""
        first = driver.records(COUNT)
        second = [driver.record(COUNT), *first[1:]]
        loaded = deliver(driver, first, "content A")[1]
        if loaded != COUNT * driver.counted:
            fail(
                "Good records were not loaded.",
                delivered="40 good records",
                expected=f"{COUNT * driver.counted} loaded",
                found=f"{loaded} loaded; quarantine: {quarantined(driver)}",
                remedy="See why they are not in the tables.",
            )
        for what, records in (("content B", second), ("content A", first)):
            driver.deliveries -= 1
            deliver(driver, records, f"{what} under the same name")
        kept = [*first, driver.record(COUNT)] if driver.is_additive else first
        rows_are(driver, kept, "contents A, B and A again under one name")

    def test_each_field_of_a_wrong_type_is_rejected_with_a_reason(self, driver: Driver) -> None:
        """Each field is spoiled in turn, in a record of its own; the others are stored."""
        cases = list(each_spoiled(driver, driver.record(0)))
        count = max(COUNT, 3 * len(cases))
        records = driver.records(count)
        spoiled = {name: driver.each_spoiled(records[n])[name] for n, name in enumerate(cases)}
        delivered = [*spoiled.values(), *records[len(cases) :]]
        what = f"{count} records, of which {len(cases)} have a bad {', a bad '.join(cases)}"
        read, loaded, _, rejected = deliver(driver, delivered, what)
        kept = rejects(driver)
        if rejected != len(cases) or read != count * driver.counted:
            fail(
                "Bad records were stored, or vanished.",
                delivered=f"{what}: {[shown(one) for one in spoiled.values()]}",
                expected=f"{count * driver.counted} read, {len(cases)} rejected",
                found=f"{read} read, {loaded} loaded, {rejected} rejected: {kept}",
                remedy="parse has to return a Reject for each record that it cannot use, and to"
                " count it in Parsed.read. It must not turn a bad value into none.",
            )
        without = [f"{reasons}: {raw}" for reasons, codes, raw in kept if not (reasons and codes)]
        if without:
            fail(
                "A rejected record has no reason, or no code of it.",
                delivered=what,
                expected="a reason and a reason code for each reject",
                found=without,
                remedy="Give each Reject a Reason(code, words).",
            )
        named = [name for name in cases if name != "a field"]
        missing = [
            name
            for name in named
            if not any(name.rpartition(".")[2] in reasons for reasons, _, _ in kept)
        ]
        if missing:
            fail(
                "No reason names the field that is bad.",
                delivered=what,
                expected=f"reasons that name {', '.join(missing)}",
                found=[reasons for reasons, _, _ in kept],
                remedy="A reason says which field has which value: 'read_at is not a time: 7'.",
            )
        rows_are(driver, records[len(cases) :], what, bad=[*spoiled.values()])

    def test_bad_records_are_quarantined_once_until_they_come_corrected(
        self, driver: Driver
    ) -> None:
        """The others are stored at once; the checks and derived tables of the job bear with it."""
        driver.is_complete = True
        records, read = records_of(driver), COUNT * driver.counted
        bad = some_spoiled(driver, 3, 17)
        self.expect_counts(driver, bad, read, read - 2, 0, 2, "40 records, of which 2 are bad")
        good = [one for number, one in enumerate(records) if number not in (3, 17)]
        rows_are(driver, good, "40 records, of which 2 are bad", bad=[bad[3], bad[17]])
        same(
            len({raw for reason, raw in quarantined(driver) if reason}),
            2,
            "Not every bad record is in quarantine with a reason and its text.",
            delivered="40 records, of which 2 are bad",
        )
        more = driver.record(COUNT)
        deliver(driver, [more, *bad], "the same ones with one more")
        same(
            len({raw for _, raw in quarantined(driver)}),
            2,
            "The same bad record is kept with another text each time.",
            delivered="two deliveries with the same 2 bad records",
            remedy="Reject.raw has to be the same text for the same record.",
        )
        is_once = not driver.is_snapshot and driver.feed.rejects == "once"
        if is_once and len(quarantined(driver)) != 2:
            fail(
                'A bad record that is sent again was kept again, and the feed says rejects="once".',
                delivered="two deliveries with the same 2 bad records",
                expected="2 records in quarantine",
                found=quarantined(driver),
                remedy="Reject.raw has to be the same text for the same record.",
            )
        half = [more, *some_spoiled(driver, 17)]
        deliver(driver, half, "the same ones, one of the bad ones corrected")
        rows_are(
            driver,
            [more, records[3], *good],
            "2 bad records, of which one came corrected",
            bad=[bad[17]],
        )
        if driver.is_snapshot:  # each document is complete, so only the last one's rejects count
            left = len(last_rejects(driver))
        elif is_once:
            left = len(quarantined(driver))
        else:
            return
        same(
            left,
            1,
            "A bad record that came corrected still counts as rejected.",
            delivered="2 bad records, of which one came corrected",
        )

    def test_records_that_come_corrected_empty_the_quarantine(self, driver: Driver) -> None:
        """By their keys, and the counts of the delivery that had them say so."""
        if not driver.is_additive:
            pytest.skip(f"{driver.title}: each document is complete, and keeps what it rejected")
        records = records_of(driver)
        deliver(driver, some_spoiled(driver, 3, 17), "40 records, of which 2 are bad")
        ledger = "SELECT loaded_count, unchanged_count, rejected_count FROM ops.deliveries"
        first = f"{ledger} ORDER BY delivery_id LIMIT 1".encode()
        ((loaded, unchanged, rejected),) = driver.site.owner.execute(first).fetchall()
        what = "2 bad records, and then both corrected alone"
        deliver(driver, [records[3], records[17]], what)
        nothing_quarantined(driver, what)
        same(
            driver.site.owner.execute(first).fetchall(),
            [(loaded, unchanged + rejected, 0)],
            "The delivery that had the bad records still counts them as rejected.",
            delivered=what,
        )

    def test_a_delivery_of_mostly_bad_records_stores_nothing(self, driver: Driver) -> None:
        """It is rejected as a whole, and each of its bad records is kept to be mended."""
        records = records_of(driver)
        deliver(driver, some_spoiled(driver, 0), "40 records, one of them bad")
        before, entries = driver.rows(), deliveries(driver)
        reason, raw = [*quarantined(driver), ("", "")][0]
        try:
            deliver(driver, some_spoiled(driver, *range(COUNT)), "40 bad records", may_fail=True)
        except LoadFailed as failure:
            message = str(failure)
        else:
            fail(
                "A delivery of bad records alone was accepted.",
                delivered="40 bad records",
                expected="the job fails, and says how many are bad",
                found=f"{len(driver.rows())} rows",
                remedy="Leave Feed.cap as it is, or lower its share and few: more bad records than"
                " that mean that the format has changed.",
            )
        what = "40 records, one of them bad; then a delivery of 40 bad ones"
        if reason.split(": ")[0] not in message:
            fail(
                "The failure does not say why records are bad.",
                delivered=what,
                expected=reason,
                found=message,
                remedy=REPORT,
            )
        same(driver.rows(), before, "A rejected delivery changed rows.", delivered=what)
        same(deliveries(driver), entries, "A rejected delivery counts as loaded.", delivered=what)
        same(
            quarantined(driver),
            [(reason, raw)],
            "A rejected delivery changed the quarantine.",
            delivered=what,
        )
        query = KEPT_OF_OTHERS
        kept = driver.site.owner.execute(query).fetchall()
        same(
            ((reason, raw) in kept, len(kept)),
            (True, COUNT),
            "Not every bad record of a rejected delivery is kept to be mended.",
            delivered=what,
        )
        driver.deliveries -= 1
        deliver(driver, records, "the same delivery, corrected")
        rows_are(driver, records, "a delivery of bad records, then the same one corrected")
        if driver.is_named_again:
            same(
                driver.site.owner.execute(query).fetchall(),
                [],
                "Bad records of a rejected delivery stay although it came corrected.",
                delivered=f"{what}, then the same delivery corrected",
            )

    def test_an_unusual_value_that_the_model_accepts_is_stored(self, driver: Driver) -> None:
        """One row that the table rejects would fail the delivery, with all good ones."""
        good, odd = records_of(driver), driver.odd(2 * COUNT)
        if not odd:
            pytest.skip(f"{driver.title}: only the models of a feed say what it accepts")
        deliver(driver, good, "40 good records")
        driver.announce([*good, *(record for _, record in odd)])
        if whole := _fetched_or_failed(driver):
            culprits = _culprits(driver, good, odd)
            fail(
                "The model accepts a value that the table rejects: the whole delivery failed.",
                delivered=f"40 good records and {len(odd)} with unusual values",
                expected="each record is stored, or rejected with a reason",
                found=[f"{name}: {shown(record)}" for name, record in culprits] or whole,
                remedy="Have the model reject what the column cannot hold: isobar.Name for short"
                " texts, ge= and le= for numbers, max_length= and pattern= for other texts. Or"
                " give the column a type that holds it.",
            )

    def test_an_unknown_field_is_reported_as_drift(self, driver: Driver) -> None:
        """It does not reject a record."""
        records = records_of(driver)
        deliver(
            driver,
            [driver.with_field(records[0], "unheard_of"), *records[1:]],
            "40 records, one of them with the unknown field unheard_of",
        )
        rows_are(driver, records, "40 records, one of them with an unknown field")
        from pipelines.ingest.deliveries import last_drift

        with driver.site.warehouse.engine.connect() as connection:
            lines = last_drift(connection, driver.feed.name)
        if not any("unheard_of" in line for line in lines):
            fail(
                "An unknown field was not reported.",
                delivered="40 records, one of them with the unknown field unheard_of",
                expected="a line of drift that names it",
                found=lines,
                remedy="parse returns what is unexpected in Parsed.drift.",
            )

    def test_a_torn_delivery_stores_no_torn_record(self, driver: Driver) -> None:
        """A file that ends within a line waits for the rest; the body of an answer is truncated."""
        records = records_of(driver)
        if isinstance(driver, Files):
            driver.announce(records)
            whole = driver.file.read_bytes()
            last = whole.rstrip().rpartition(b"\n")[2]
            for missing in (len(last) // 2, 1):  # within the line, and within its last value
                driver.file.write_bytes(whole.rstrip()[:-missing])
                _fetched_or_failed(driver)
            driver.file.write_bytes(whole)
            deliver_published(driver, "the same file, complete")
            rows_are(driver, records, "a file that was cut in its last line, then the complete one")
            nothing_quarantined(driver, "a file that was cut in its last line, and then completed")
            return
        deliver(driver, records[: COUNT // 2], "20 good records")
        before = driver.rows()
        for torn in FAULTS[1:]:
            driver.site.service.will(torn)
            if not _fetched_or_failed(driver):
                fail(
                    "An answer that is no document was taken for one.",
                    delivered="a truncated body",
                    expected="the job fails, and the next run requests it again",
                    found="the job succeeded",
                    remedy=NEVER_EMPTY,
                )
            same(driver.rows(), before, "A torn answer changed rows.", delivered="a torn body")
        deliver(driver, records, "all 40 records")
        rows_are(driver, records, "20 records, truncated answers, then all 40")

    def test_a_load_that_dies_before_its_commit_leaves_nothing(self, driver: Driver) -> None:
        """The session is ended where the commit with the records would come: nothing or all.

        Of what follows the failure, the first commit is ended in the same way at first.
        """
        from sqlalchemy import event

        records = records_of(driver)
        engine = driver.site.warehouse.engine
        struck: list[bool] = []

        def strike(connection: Any) -> None:
            if len(struck) < number and driver.has_rows_in(connection):
                struck.append(True)
                connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

        event.listen(engine, "commit", strike)
        try:
            for number in (2, 1):  # noqa: B007 - `strike` reads it
                struck.clear()
                driver.announce(records)
                failure = _fetched_or_failed(driver)
                if not (failure and struck):
                    fail(
                        "The load did not come to its commit, or went on after it was killed.",
                        delivered="40 good records; the session is ended at the commit",
                        expected="the job fails there",
                        found=failure or "the job succeeded",
                        remedy=f"If it fails for another reason, see the message. {GIVE_RECORDS}",
                    )
                if (rows := driver.rows()) or quarantined(driver):
                    fail(
                        "A load that was killed before its commit left something.",
                        delivered="40 good records; the session was ended at the commit",
                        expected="no row, and nothing in quarantine",
                        found=rows or quarantined(driver),
                        remedy="A source must not commit: the platform does, with the counts.",
                    )
        finally:
            event.remove(engine, "commit", strike)
        deliver(driver, records, "the same records again")
        rows_are(driver, records, "40 records, killed at the commit, then delivered again")

    def test_two_loads_at_once_end_as_one(self, driver: Driver) -> None:
        """Whoever comes second finds everything done."""
        records = records_of(driver)
        driver.announce(records)
        driver.site.instance = None  # one for each run: in memory, Dagster bears one writer
        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(driver.fetch) for _ in range(2)]
        for one in done:
            if isinstance(problem := one.exception(), LoadFailed):
                _failed(driver, "40 good records, loaded by two runs at the same time", problem)
        outcomes = [outcome for one in done for outcome in one.result()]
        loaded = sum(outcome.loaded for outcome in outcomes)
        if loaded != COUNT * driver.counted:
            fail(
                "Two runs at once did not end as one.",
                delivered="40 good records, loaded by two runs at the same time",
                expected=f"{COUNT * driver.counted} records loaded in both together",
                found=f"{loaded}: {outcomes}",
                remedy="Statements must not depend on what another transaction has not committed.",
            )
        rows_are(driver, records, "40 good records, loaded by two runs at the same time")

    def test_a_source_that_is_away_loses_nothing(self, driver: Driver) -> None:
        """The job fails with a message that says what to do."""
        records = records_of(driver)
        deliver(driver, records[:20], "20 good records")
        before = driver.rows()
        if driver.is_http:
            driver.site.service.will(body(b"down", 503))
        else:
            driver.deliveries += 1  # a file that is not there
        failure = _fetched_or_failed(driver)
        if not ("what to do" in failure or "503" in failure):
            fail(
                "A source that is away was not reported.",
                delivered="20 good records; then the service answers 503, or the file is missing",
                expected="the job fails with a message that says what to do",
                found=failure or "the job succeeded",
                remedy=NEVER_EMPTY,
            )
        same(driver.rows(), before, "A source that is away changed rows.", delivered="nothing")
        deliver(driver, records, "all 40 records, once the source is back")
        rows_are(driver, records, "20 records, then the source was away, then all 40")

    def test_a_third_of_the_requests_fails_and_nothing_is_lost(self, driver: Driver) -> None:
        """Every third answer is an error or torn; every third file is half-written at first."""
        records = records_of(driver)
        if driver.is_http:
            driver.site.service.fail_every(3, FAULTS)
        for number, count in enumerate((10, 20, 30, COUNT)):
            driver.announce(records[:count])
            if isinstance(driver, Files) and number % 3 == 0:
                whole = driver.file.read_bytes()
                driver.file.write_bytes(whole[: len(whole) * 2 // 3])
                _fetched_or_failed(driver)
                driver.file.write_bytes(whole)
            for _ in range(TRIES):
                if not (failure := _fetched_or_failed(driver)):
                    break
            else:
                fail(
                    "A source that fails now and then was never loaded.",
                    delivered=f"{count} good records; every third request fails",
                    expected=f"one of {TRIES} runs succeeds",
                    found=failure,
                    remedy="Retry requests, by isobar.HttpClient: a fault passes.",
                )
        driver.site.service.fail_every(0)
        rows_are(driver, records, "40 good records in four deliveries, with faults between")
        nothing_quarantined(driver, "good records, with faults between")

    def test_quarantine_is_read_again_and_keeps_what_is_still_bad(self, driver: Driver) -> None:
        """As after a change of the code: here the kept text of one reject is made good."""
        if not is_retried(driver.feed):
            pytest.skip(f"{driver.title}: again is not Reparse(), so its source is requested again")
        bad = some_spoiled(driver, 3, 17)
        deliver(driver, bad, "40 records, of which 2 are bad")
        driver.site.owner.execute(
            "UPDATE ops.quarantine SET raw = %s"
            " WHERE quarantine_id = (SELECT min(quarantine_id) FROM ops.quarantine)",
            [driver.text(driver.record(3))],
        )
        for _ in range(2):
            driver.retry()
            good = [one for number, one in enumerate(records_of(driver)) if number != 17]
            rows_are(driver, good, "2 bad records, of which one can be read since a fix")
            if len(quarantined(driver)) != 1:
                fail(
                    "A retry of the quarantine lost a record, or kept one that is good now.",
                    delivered="40 records, of which 2 are bad; one of them can be read since a fix",
                    expected="1 record in quarantine",
                    found=quarantined(driver),
                    remedy="parse has to read one record by itself (Content.quarantined).",
                )

    def test_checks_find_nothing_in_good_data(self, driver: Driver) -> None:
        """A check that always finds something is soon ignored."""
        driver.is_complete = True
        deliver(driver, driver.records(driver.complete_count), "good records")
        driver.settle()
        found = {
            check.name: rows
            for check in driver.declared.checks
            if (rows := driver.rows_of_check(check.name))
        }
        if found:
            fail(
                "Checks found something in good data.",
                delivered=f"{driver.complete_count} good records",
                expected="no row of any check",
                found=found,
                remedy="If such data are not good, give better ones: contract(source, records=…)."
                " Else fix the query of the check.",
            )

    def test_views_can_be_queried(self, driver: Driver) -> None:
        """With rows in the tables, as analysts do."""
        driver.is_complete = True
        deliver(driver, records_of(driver), "40 good records")
        broken = {}
        for name, sql in driver.declared.object_files.items():
            if "CREATE OR REPLACE VIEW" not in sql:
                continue
            try:
                driver.site.owner.execute(f"SELECT * FROM {name}".encode()).fetchall()
            except Exception as error:  # noqa: BLE001 - whatever the view raises is what is wrong
                broken[name] = str(error)
        if broken:
            fail(
                "Views cannot be queried.",
                delivered="40 good records",
                expected="SELECT * FROM each view succeeds",
                found=broken,
                remedy="Correct the SQL of the view.",
            )

    def test_every_feed_is_driven(self) -> None:
        """A feed that the kit cannot drive is named here, not left out."""
        problems = [str(one) for one in self.driver_kinds if isinstance(one, NotDriven)]
        names = {feed.name for feed in self.source.feeds}
        kinds = [one for one in self.driver_kinds if not isinstance(one, NotDriven)]
        driven = {one.feed_name or one.source for one in kinds}
        named = {problem.partition(":")[0] for problem in problems}
        problems += [f"{name}: nothing drives it" for name in names - driven - named]
        problems += [f"{name}: it is driven" for name in self.not_driven if name in driven]
        problems = [one for one in problems if one.partition(":")[0] not in self.not_driven]
        if problems:
            fail(
                "The contract of some feeds is not tested.",
                delivered=f"contract({self.source.name}.source, …)",
                expected=f"a driver for each of {', '.join(sorted(names))}",
                found=problems,
                remedy="Follow what is said above; or say that other tests do it:"
                ' contract(source, not_driven={"name of the feed": "which tests, and why"}).',
            )

    def test_the_sandbox_is_deterministic_and_loads(
        self, isobar_start: Start, isobar_serve: Serve, tmp_path: Path
    ) -> None:
        """The same for the same seed and hour, and something else for another seed."""
        if self.source.module("sandbox") is None and self.source.sample is None:
            pytest.skip(f"{self.source.name} has neither a sample nor a sandbox.py")
        from pipelines.testing.sandboxes import NOON, Simulation

        simulations = [
            Simulation(self.source, seed, isobar_serve, tmp_path / f"sandbox-{number}")
            for number, seed in enumerate((1, 1, 2))
        ]
        for kind in self.driver_kinds:
            if isinstance(kind, NotDriven):
                continue
            driver = isobar_start(kind)
            said, again, other = (one.said(driver) for one in simulations)
            is_sample = self.source.module("sandbox") is None
            if said != again or not said or (said == other and not is_sample):
                fail(
                    "The sandbox does not depend on its seed and clock alone.",
                    delivered=f"what {driver.title} reads of seeds 1, 1 and 2 at {NOON}",
                    expected="the same twice, then something else",
                    found=[said, again, other],
                    remedy="Draw everything from sandbox.seed, and ask sandbox.now() for the time.",
                )
            outcomes, problem = [], None
            try:
                outcomes = driver.fetch_from(simulations[0].place(driver))
            except LoadFailed as failure:
                problem = failure
            if problem:
                _failed(driver, "what the sandbox serves", problem)
            if not sum(one.loaded for one in outcomes):
                fail(
                    "Nothing of the sandbox was loaded.",
                    delivered="what the sandbox serves",
                    expected="some rows",
                    found=outcomes,
                    remedy="The sandbox has to serve what the parser reads.",
                )
            ledger_is_true(driver)

    def expect_counts(
        self,
        driver: Driver,
        records: Sequence[Record],
        read: int,
        loaded: int,
        unchanged: int,
        rejected: int,
        what: str,
    ) -> None:
        """Deliver records, and fail unless the ledger counts as many."""
        counts = deliver(driver, records, what)
        if counts != (read, loaded, unchanged, rejected):
            names = ("read", "loaded", "unchanged", "rejected")
            wanted = (read, loaded, unchanged, rejected)
            fail(
                "The ledger does not count what was delivered.",
                delivered=what,
                expected=", ".join(f"{n} {name}" for n, name in zip(wanted, names, strict=True)),
                found=", ".join(f"{n} {name}" for n, name in zip(counts, names, strict=True))
                + f"; quarantine: {quarantined(driver)[:3]}",
                remedy="parse has to return each record as a row or as a reject, and none twice:"
                " read = loaded + unchanged + rejected.",
            )


def contract(
    source: Source,
    *,
    records: Callable[[int], Record] | None = None,
    changed: Callable[[Record], Record] | None = None,
    spoiled: Callable[[Record], Record] | None = None,
    publish: Callable[[Sequence[Record]], Any] | None = None,
    stored: tuple[str, Callable[[Record], Row]] | None = None,
    drivers: Sequence[type[Driver]] | None = None,
    not_driven: Mapping[str, str] | None = None,
) -> type[Contract]:
    """Make the class of the contract tests of a source.

    Records are made from the models of its parser, `Json(Records(…))` or `csv_records(…)`. The
    arguments replace what cannot be made.

    Args:
        source: The declaration of the source, which has to be installed.
        records: Returns the good record with a number. A document with several lists has a record
            of each: `{"stations": {…}, "readings": {…}}`.
        changed: Returns a record with the same key and another value.
        spoiled: Returns a record with a value that cannot be.
        publish: Returns the document or the text of the file that has these records.
        stored: A query that returns the stored records, and a function that returns the row of a
            record.
        drivers: Subclasses of `Driver` instead, for feeds that no argument describes.
        not_driven: The names of feeds that other tests cover, each with the reason.
    """
    given = Overrides(
        records=records, changed=changed, spoiled=spoiled, publish=publish, stored=stored
    )
    kinds: list[type[Driver] | NotDriven] = list(drivers or ())
    driven = {one.feed_name or one.source for one in drivers or ()}
    for feed in source.feeds:
        for fetcher in feed.fetchers if feed.name not in driven else ():
            try:
                kinds.append(driver_of(source, feed, fetcher, given))
            except NotDriven as problem:
                kinds.append(problem)
    good = [one for one in kinds if not isinstance(one, NotDriven)]

    @pytest.fixture(params=good, ids=lambda one: one.title)
    def driver(
        self: Contract,  # noqa: ARG001 - of the class
        request: pytest.FixtureRequest,
        isobar_start: Start,
    ) -> Iterator[Driver]:
        """Each feed in turn, with nothing delivered yet; its ledger is true at the end."""
        started = isobar_start(request.param)
        yield started
        ledger_is_true(started)

    return type(
        f"{source.name.title()}Contract",
        (Contract,),
        {
            "source": source,
            "driver_kinds": kinds,
            "not_driven": not_driven or {},
            "driver": driver,
            "__doc__": f"The contract of the source {source.name}.",
        },
    )


def drivers_of(source: Source) -> list[type[Driver]]:
    """Return the drivers of a source's feeds, for tests of one's own.

    `isobar_start` starts one of them on a fresh database. Raises `NotDriven`.
    """
    return [
        driver_of(source, feed, fetcher, Overrides())
        for feed in source.feeds
        for fetcher in feed.fetchers
    ]


def ledger_is_true(driver: Driver) -> None:
    """Fail unless every delivery's counts balance, and are those of its rows."""
    from pipelines.ingest.deliveries import miscounted, unbalanced

    with driver.site.warehouse.engine.connect() as connection:
        for ledger in driver.declared.ledgers:
            wrong = unbalanced(connection, ledger.feed or driver.source)
            wrong += miscounted(connection, ledger.tables or (ledger.on,))
            if wrong:
                fail(
                    f"The counts of {ledger.feed or driver.source} in the ledger are not true.",
                    delivered="everything of this test",
                    expected="read = loaded + unchanged + rejected, of every delivery",
                    found=wrong,
                    remedy="parse counts each record once in Parsed.read, and returns it as a row"
                    " or a reject. Ledger.tables have at most one row per record.",
                )


def deliver(
    driver: Driver, records: Sequence[Record], what: str, *, may_fail: bool = False
) -> tuple[int, int, int, int]:
    """Deliver records; fail with what the job says if it fails."""
    driver.announce(records)
    return driver.load() if may_fail else deliver_published(driver, what)


def deliver_published(driver: Driver, what: str) -> tuple[int, int, int, int]:
    """Load what is published; fail with what the job says if it fails."""
    try:
        return driver.load()
    except LoadFailed as failure:
        problem = failure
    return _failed(driver, what, problem)  # outside: the report has no second traceback


def _failed(driver: Driver, what: str, failure: LoadFailed) -> NoReturn:
    fail(
        f"The job {driver.source} failed.",
        delivered=what,
        expected="it is loaded",
        found=failure,
        remedy=f"Do what the message says. {GIVE_RECORDS}",
    )


def _fetched_or_failed(driver: Driver) -> str:
    """Execute the job; return why it failed, or nothing."""
    try:
        driver.fetch()
    except LoadFailed as failure:
        return str(failure) or "it failed"
    return ""


def _culprits(
    driver: Driver, good: Sequence[Record], odd: Sequence[tuple[str, Record]]
) -> list[tuple[str, Record]]:
    """Return those of unusual records because of which a delivery fails."""
    driver.announce([*good, *(record for _, record in odd)])
    if not _fetched_or_failed(driver):
        return []
    if len(odd) == 1:
        return list(odd)
    middle = len(odd) // 2
    return [*_culprits(driver, good, odd[:middle]), *_culprits(driver, good, odd[middle:])]


def records_of(driver: Driver) -> list[Record]:
    """Return good records with keys of their own."""
    try:
        found = driver.records(COUNT)
    except CannotGenerate as problem:
        _not_generated(driver, problem)
    if len(driver.expected(found)) < COUNT:
        _not_generated(driver, CannotGenerate("the records made have the same key"))
    return found


def changed(driver: Driver, record: Record) -> Record:
    """Return a record with another value."""
    try:
        return driver.changed(record)
    except CannotGenerate as problem:
        pytest.skip(f"{driver.title}: {problem}")


def each_spoiled(driver: Driver, record: Record) -> Mapping[str, Record]:
    """Return a record spoiled in each field in turn."""
    try:
        driver.spoiled(record)
        return driver.each_spoiled(record)
    except CannotGenerate as problem:
        _not_generated(driver, problem)


def _not_generated(driver: Driver, problem: CannotGenerate) -> NoReturn:
    fail(
        f"No records can be made for {driver.title}.",
        delivered="nothing yet",
        expected="records by number, made from the models of the parser",
        found=problem,
        remedy=GIVE_RECORDS,
    )


def some_spoiled(driver: Driver, *numbers: int) -> list[Record]:
    """Return the records, of which those with these numbers are bad."""
    try:
        return [
            driver.spoiled(record) if number in numbers else record
            for number, record in enumerate(driver.records(COUNT))
        ]
    except CannotGenerate as problem:
        _not_generated(driver, problem)


def rows_are(
    driver: Driver,
    records: Sequence[Record],
    what: str,
    *,
    bad: Sequence[Record] = (),
) -> None:
    """Fail unless exactly these records are stored, with those of `bad` that are good in part."""
    rows, expected = driver.rows(), sorted([*driver.expected(records), *driver.good_parts(bad)])
    if rows == expected:
        return
    lost = [row for row in expected if row not in rows]
    extra = [row for row in rows if row not in expected]
    words = [f"{len(lost)} lost, as {lost[:2]}"] if lost else []
    words += [f"{len(extra)} unexpected, as {extra[:2]}"] if extra else []
    fail(
        "The tables do not have the rows of the records.",
        delivered=what,
        expected=f"{len(expected)} rows",
        found=f"{len(rows)} rows; {'; '.join(words) or 'some are there twice'}",
        remedy="Each good record is one row of its table, with the values of the model. See"
        " whether parse drops or changes some, and whether all have primary keys of their own.",
    )


def quarantined(driver: Driver) -> list[tuple[str, str]]:
    """Return the reason and raw text of each rejected record."""
    return driver.site.owner.execute(KEPT.format("ops.quarantine").encode()).fetchall()


def rejects(driver: Driver) -> list[tuple[str, list[str], str]]:
    """Return reasons, codes and raw text of each rejected record."""
    query = "SELECT array_to_string(reasons, '; '), reason_codes, raw FROM ops.quarantine"
    return driver.site.owner.execute(query).fetchall()


def last_rejects(driver: Driver) -> list[dict[str, Any]]:
    """Return the rejects of the last delivery."""
    from pipelines.ingest.deliveries import last_rejects as of_last

    with driver.site.warehouse.engine.connect() as connection:
        return of_last(connection, driver.feed.name)


def nothing_quarantined(driver: Driver, what: str) -> None:
    """Fail if a record is in quarantine."""
    if found := quarantined(driver):
        fail(
            "Good records are in quarantine.",
            delivered=what,
            expected="an empty quarantine",
            found=found,
            remedy="See the reasons.",
        )


def deliveries(driver: Driver) -> int:
    """Return how many entries the ledger has."""
    ((count,),) = driver.site.owner.execute(
        "SELECT count(*) FROM ops.deliveries WHERE problem IS NULL"
    ).fetchall()
    return int(count)
