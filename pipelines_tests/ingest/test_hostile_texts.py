"""Delivered texts are values, whatever they say."""

from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

import psycopg
import pytest

from pipelines.testing.drivers import Driver, LoadFailed
from pipelines.testing.pytest_plugin import Start
from pipelines.testing.records import Record
from pipelines.testing.suite import ledger_is_true
from pipelines_tests.source_contract.conftest import flights_template  # noqa: F401
from pipelines_tests.source_contract.feeds import DRIVERS

#: Ends a comment of one line, a text, a name and a block, and names parameters.
HOSTILE = (
    "x\n'); DELETE FROM shipments.articles; --\n/* \" $$ \\' \\\\ \\n :again :feed :delivery_id"
    " %s %(again)s {staged} NULL; COMMIT; --"
)
#: Tables of sources and platform, but those that every load writes.
TABLES = """
SELECT pg_class.oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND relowner = 'isobar_owner'::regrole
    AND relnamespace <> %s::regnamespace
    AND oid::regclass::text !~ '^ops.(deliveries|quarantine|inbox_files|sources)$'
"""


def texts_in(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """The places of texts within a record."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts_in(one, *path, key)


def with_text(record: Record, path: tuple[Any, ...], text: str) -> Record:
    """The record with another text at a place."""
    changed = deepcopy(record)
    *outer, last = path
    part: Any = changed
    for key in outer:
        part = part[key]
    part[last] = text
    return changed


def contents(owner: psycopg.Connection, schema: str) -> dict[str, Any]:
    """The rows of all tables that are not in a schema, as a digest."""
    digest = "SELECT md5(string_agg(one::text, ',' ORDER BY one::text)) FROM {} AS one"
    tables = [name for (name,) in owner.execute(TABLES, [schema])]
    return {one: owner.execute(digest.format(one).encode()).fetchone() for one in tables}


@pytest.mark.parametrize("kind", DRIVERS, ids=lambda kind: kind.title)
def test_a_delivered_text_is_never_sql(kind: type[Driver], isobar_start: Start) -> None:
    """In every text field, in good records and bad ones, sent twice, corrected and retried.

    Incident: sent twice, a bad record with a line break in it emptied shipments.articles.
    """
    driver = isobar_start(kind)
    good = driver.records(24)
    driver.deliver(good)
    before = contents(driver.site.owner, driver.source)
    places = [*texts_in(driver.record(24))]
    records = map(driver.record, range(24, 48))  # two days of hours is all that a plant sends
    hostile = [with_text(next(records), one, HOSTILE) for one in places]
    hostile += [with_text(driver.spoiled(next(records)), one, HOSTILE) for one in places]
    for _ in range(2):
        with suppress(LoadFailed):  # a delivery may be rejected as a whole
            driver.deliver([*good, *hostile])
    if driver.feed.retried_by == "parse":
        driver.retry()
    driver.deliver(good)
    assert contents(driver.site.owner, driver.source) == before
    assert {*driver.expected(good)} <= {*driver.rows()}
    ledger_is_true(driver)
