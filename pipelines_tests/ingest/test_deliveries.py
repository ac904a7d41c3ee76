"""The ledger does not let anything be lost."""

import datetime as dt
from contextlib import suppress
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import text

from pipelines.failures import PermanentFailure
from pipelines.ingest.contract import Reject
from pipelines.ingest.deliveries import (
    Delivery,
    close_delivery,
    in_quarantine,
    last_sha256,
    open_delivery,
    take_out,
    write_rejects,
)
from pipelines.ingest.reasons import Reason
from pipelines.warehouse.connection import Warehouse

DELIVERY = Delivery("test", "monday", "ab" * 32, 10, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
NOTHING_SENT = Reason("price_missing", "no price"), Reason("name_missing", "no name")
REJECTS = [
    Reject(1, "rows[1]", '{"price": "fr\\u0000ee"}', NOTHING_SENT),
    Reject(5, "rows[5]", "\\N", (Reason("odd", 'a "quoted", reason', is_final=True),)),
]


def test_counts_that_do_not_balance_roll_back_the_load(warehouse: Warehouse) -> None:
    with (
        pytest.raises(PermanentFailure, match="counts_balance"),
        warehouse.transaction("test") as connection,
    ):
        number, _ = open_delivery(connection, DELIVERY, None)
        write_rejects(connection, number, REJECTS[:1])
        close_delivery(connection, number, read=3, loaded=0, stored=1, rejected=1)
    with warehouse.engine.connect() as connection:
        assert last_sha256(connection, "test", DELIVERY.name) is None


def test_the_last_delivery_wins_despite_a_clock_moved_backwards(warehouse: Warehouse) -> None:
    """A file that said again what it had said first was treated as known, and the change lost."""
    for sha256 in ("1" * 64, "2" * 64, "1" * 64, "2" * 64):
        with warehouse.transaction("test") as connection:
            number, _ = open_delivery(connection, replace(DELIVERY, sha256=sha256), None)
            close_delivery(connection, number, read=0, loaded=0, stored=0, rejected=0)
            assert last_sha256(connection, "test", DELIVERY.name) == sha256
            connection.execute(
                text("UPDATE ops.deliveries SET loaded_at = loaded_at + interval '1 hour'")
            )


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("is_retry", [False, True])
def test_a_load_that_ends_the_transaction_itself_stores_nothing(
    warehouse: Warehouse, end: str, is_retry: bool
) -> None:
    """Incident: half a delivery stayed behind a COMMIT, and its records were lost to a retry."""
    with warehouse.transaction("test") as connection:
        number, _ = open_delivery(connection, replace(DELIVERY, name="before"), None)
        write_rejects(connection, number, REJECTS)
        close_delivery(connection, number, read=2, loaded=0, stored=0, rejected=2)
    with (
        pytest.raises(PermanentFailure, match=r"before delivery \w+ \(test\)|not open") as failure,
        warehouse.transaction("test") as connection,
    ):
        if is_retry:
            take_out(connection, number)
        else:
            number, _ = open_delivery(connection, DELIVERY, None)
        with suppress(psycopg.Error):
            getattr(connection.connection, end)()
        close_delivery(
            connection, number, read=2, loaded=2, stored=2, rejected=0, is_retry=is_retry
        )
    assert "must n" in failure.value.remedy
    with warehouse.engine.connect() as connection:
        names = connection.execute(text("SELECT name FROM ops.deliveries")).scalars().all()
        assert (names, in_quarantine(connection, "test")) == (["before"], 2)
