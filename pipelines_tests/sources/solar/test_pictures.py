"""The picture of what is held."""

import datetime as dt

import psycopg
from sqlalchemy import text

from pipelines.sources.solar.pictures import coverage_of, coverage_strip
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.drawn import hues, png
from pipelines_tests.sources.solar.made_up import register


def test_the_picture_of_coverage_has_the_least_complete_plants_and_a_day_that_failed(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    today = dt.datetime.now(dt.UTC).date()
    yesterday = today - dt.timedelta(days=1)
    with warehouse.engine.connect() as connection:
        assert coverage_of(connection) is None
    for plant_id in range(1, 16):
        register(owner, f"plant {plant_id}")
        owner.execute(
            "INSERT INTO solar.days"
            " (plant_id, day, status, hours_expected, hours_present, asked_at)"
            " SELECT %s, day, CASE WHEN day < %s THEN 'empty' ELSE 'held' END, 24,"
            " CASE WHEN day < %s THEN 0 ELSE 24 END, now()"
            " FROM generate_series(%s::date, %s::date, interval '1 day') AS day",
            (
                plant_id,
                today - dt.timedelta(days=99),
                today - dt.timedelta(days=99),
                today - dt.timedelta(days=100 + plant_id),
                yesterday,
            ),
        )
    owner.execute(
        "UPDATE solar.days SET status = 'failed', hours_present = 0"
        " WHERE plant_id = 9 AND day = %s",
        (yesterday,),
    )
    owner.execute(
        "DELETE FROM solar.days WHERE plant_id = 4 AND day > %s",
        (yesterday - dt.timedelta(days=9),),
    )
    with warehouse.engine.connect() as connection:
        query = text(read_sql("pipelines.sources.solar", "coverage_by_month"))
        rows = connection.execute(query, {"plants": 12}).all()
    shown = list(dict.fromkeys(row.plant_id for row in rows))
    assert shown == [4, 9, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12]
    assert {row.plants for row in rows} == {15}
    sums = [
        sum(getattr(row, name) for row in rows if row.plant_id == 4)
        for name in ("days", "held", "empty", "failed", "partial")
    ]
    assert sums == [104, 90, 5, 0, 0]
    drawn = png(coverage_strip(rows))
    assert len(drawn) < 10_000
    assert hues(drawn) == {"warm", "blue"}
    assert hues(png(coverage_strip([row for row in rows if row.plant_id != 9]))) == {"blue"}
