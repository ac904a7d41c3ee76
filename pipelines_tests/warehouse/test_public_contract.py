"""The public contract: enriched, metrics and the tables of our pages."""

from pathlib import Path

import psycopg
import pytest

from docs import contract, dictionary
from pipelines_tests.documents.pages import PAGES, blocks, name_of


def test_the_public_contract_matches_the_database_exactly(owner: psycopg.Connection) -> None:
    """Each line says what to do; `make docs` adds what is new."""
    broken = contract.broken(contract.promised(), contract.of_database(owner))
    assert broken == [], "\n".join(broken)


def test_the_file_is_in_order(owner: psycopg.Connection) -> None:
    assert contract.FILE.read_text() == contract.document(owner)


CHANGES = [
    (
        "ALTER TABLE solar.plants DROP COLUMN time_zone CASCADE",
        "solar.plants.time_zone",
        "gone",
    ),
    (
        "ALTER TABLE metrics.solar_plant_health ALTER computed_at TYPE timestamp",
        "metrics.solar_plant_health.computed_at",
        "timestamp without time zone",
    ),
    ("DROP VIEW enriched.shipments CASCADE", "enriched.shipments.tracking_number", "gone"),
    (
        "ALTER FUNCTION enriched.track RENAME TO tracked",
        "enriched.track(1: tracking_number)",
        "gone",
    ),
]


def test_a_changed_column_or_argument_is_reported_with_instructions(
    owner: psycopg.Connection,
) -> None:
    for change, name, now in CHANGES:
        kind = contract.promised()[name]
        with owner.transaction(force_rollback=True):
            owner.execute(change.encode())
            broken = contract.broken(contract.promised(), contract.of_database(owner))
            (line,) = [one for one in broken if one.startswith(f"{name} was ")]
            assert line.startswith(f"{name} was {kind}, and is {now}: ")
            assert "CHANGELOG.md" in line
            promised = contract.document(owner)
        assert f"{name} | {kind}\n" in promised, "make docs promises it still"


def test_a_function_with_changed_arguments_or_results_is_reported(
    owner: psycopg.Connection,
) -> None:
    made = "CREATE FUNCTION metrics.f({}) RETURNS TABLE ({}) LANGUAGE sql AS 'SELECT 1, 2'"
    owner.execute(made.format("a integer, b text DEFAULT 'x'", "one integer, two integer"))
    promise = contract.of_database(owner)
    assert {name: kind for name, kind in promise.items() if "metrics.f(" in name} == {
        "metrics.f(1: a)": "integer",
        "metrics.f(2: b)": "text, optional",
        "metrics.f()": "rows",
        "metrics.f() -> one": "integer",
        "metrics.f() -> two": "integer",
    }
    owner.execute("DROP FUNCTION metrics.f")
    owner.execute(made.format("a integer, b text", "one integer, zwei integer"))
    broken = contract.broken(promise, contract.of_database(owner))
    assert [line.split(" was ")[0] for line in broken if " was " in line] == [
        "metrics.f(2: b)",
        "metrics.f() -> two",
    ]
    assert broken[-1] == "metrics.f() -> zwei is new: make docs adds it to public_contract.txt."


@pytest.mark.parametrize("page", [one for one in PAGES if one != dictionary.PAGE], ids=name_of)
def test_sql_in_our_pages_uses_only_the_public_contract(page: Path) -> None:
    named = {name for sql in blocks(page, "sql") for name in contract.named_in(sql)}
    assert named <= set(contract.OTHERS)
