"""Pages and cookbook show numbers that are defined once, in views, and compute none themselves."""

import re

import pytest

from pipelines.source import declared_sources
from pipelines.warehouse.sql_files import relations_read, sql_files

#: Sources whose statements do so.
DONE = ("bookings", "flights", "shipments", "solar")
FOLDERS = ("dashboard", "cookbook")
#: What statements may read: definitions, the platform's bookkeeping, places, reference tables.
SCHEMAS = ("enriched", "metrics", "ops", "weather")
REFERENCE = {"bookings.hotels", "solar.plants"}
#: Filters, sorting, and counts and sums of what is additive are left. Days limit a filter.
COMPUTED = (
    r"\b(avg|percentile_(cont|disc)|stddev\w*|lag|lead|corr|regr_\w+)\s*\("
    r"|\b(min|max)\s*\((?!(departure_on|business_day|day|month)\))"
    r"|count\s*\(\s*DISTINCT|[\w)]\s+(/|-)\s+\w+\.?\w*(price|amount|count|offers|kwh|hours|ratio)"
)


def statements() -> dict[str, str]:
    return {
        f"{name}/{folder}/{file}": sql
        for name in DONE
        for folder in FOLDERS
        for file, sql in sql_files(declared_sources()[name].package, folder).items()
    }


STATEMENTS = statements()


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_of_a_page_reads_definitions(name: str) -> None:
    """It joined and compared raw rows: a second definition of the number, and another one."""
    read = relations_read(STATEMENTS[name])
    assert {table for table in read if table.split(".")[0] not in SCHEMAS} <= REFERENCE


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_of_a_page_computes_no_number(name: str) -> None:
    code = re.sub(r"--.*", "", STATEMENTS[name])
    assert not re.search(COMPUTED, code, re.IGNORECASE)


def test_a_second_definition_is_noticed() -> None:
    raw = "SELECT now.price_amount / before.price_amount FROM flights.prices AS now JOIN x.y"
    assert relations_read(raw) == {"flights.prices", "x.y"}
    assert re.search(COMPUTED, raw)
    for computed in ("avg(x)", "lag(price_amount)", "count(DISTINCT agent)", "max(a) - min(b)"):
        assert re.search(COMPUTED, computed), computed
