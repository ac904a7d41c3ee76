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


@pytest.mark.parametrize("page", [one for one in PAGES if one != dictionary.PAGE], ids=name_of)
def test_sql_in_our_pages_uses_only_the_public_contract(page: Path) -> None:
    named = {name for sql in blocks(page, "sql") for name in contract.named_in(sql)}
    assert named <= set(contract.OTHERS)
