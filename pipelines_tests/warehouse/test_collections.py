"""The views that gather what sources offer each other."""

from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psycopg

from pipelines.migrations.collections import collected_views
from pipelines.source import Collection, Source, sources
from pipelines.sources.weather.geocode_places import put_places
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import relations_read

VIEW = "weather.weather_requests"
COLUMNS = "place_key, country_code, postcode, city, latitude, longitude, hour_at, day"
TIDES = f"""
CREATE SCHEMA tides;
CREATE VIEW tides.weather_requests AS
SELECT 'FR brest'::varchar AS place_key, 'FR' AS country_code, NULL AS postcode, 'Brest' AS city,
    NULL::real AS latitude, NULL::real AS longitude, NULL::timestamptz AS hour_at, NULL::date AS day
UNION ALL
SELECT '1.0000,2.0000', NULL, NULL, NULL, 1, 2, '2026-11-20 10:00Z', '2026-11-20';
GRANT USAGE ON SCHEMA tides TO isobar_owner, isobar_loader;
GRANT SELECT ON tides.weather_requests TO isobar_owner, isobar_loader;
SELECT {COLUMNS} FROM tides.weather_requests
"""


def offering(name: str, *views: str, collects: Collection | None = None) -> Source:
    files = dict.fromkeys(views, "SELECT 1")
    return cast("Source", SimpleNamespace(name=name, object_files=files, collects=collects))


def collection() -> Collection:
    return Collection(
        view="wants",
        about="It's what is wanted.",
        columns={"what": "text", "day": "date"},
        comments={"what": "What."},
    )


def test_a_source_reads_what_others_offer_and_none_of_their_tables() -> None:
    """The page of the weather named the tables of four sources, and broke without one of them.

    Questions of the cookbook may be about several sources.
    """
    of = {
        name: one
        for one in sources().values()
        for name in {*one.metadata.tables, *one.object_files}
    }
    gathers = [one for one in sources().values() if one.collects]
    for source in sources().values():
        for file in Path(str(resources.files(source.package))).rglob("*.sql"):
            if file.parent.name != "cookbook":
                read = [of.get(name, source) for name in relations_read(file.read_text())]
                assert {one.name for one in read if one not in gathers} <= {source.name}, file


def test_a_view_gathers_what_all_others_offer_and_nothing_else() -> None:
    found = [
        offering("hub", "hub.wants_not", collects=collection()),
        offering("b", "b.wants", "b.other"),
        offering("a", "a.wants"),
        offering("c", "c.other"),
    ]
    (view,) = collected_views({one.name: one for one in found}).items()
    assert view[0] == "hub.wants"
    assert view[1].split("\n") == [
        "CREATE OR REPLACE VIEW hub.wants AS",
        "SELECT NULL::text AS source, NULL::text AS what, NULL::date AS day WHERE FALSE",
        "UNION ALL",
        "SELECT 'a', what, day FROM a.wants",
        "UNION ALL",
        "SELECT 'b', what, day FROM b.wants;",
        "COMMENT ON VIEW hub.wants IS 'It''s what is wanted.';",
        "COMMENT ON COLUMN hub.wants.source IS 'The source of the row, from its view wants.';",
        "COMMENT ON COLUMN hub.wants.what IS 'What.';",
    ]


def test_without_offers_the_view_is_empty_and_has_its_columns(owner: psycopg.Connection) -> None:
    hub = offering("hub", collects=collection())
    owner.execute("CREATE SCHEMA hub")
    owner.execute(collected_views({"hub": hub})["hub.wants"].encode())
    cursor = owner.execute("SELECT * FROM hub.wants")
    assert cursor.fetchall() == []
    assert [(one.name, one.type_display) for one in cursor.description or ()] == [
        ("source", "text"),
        ("what", "text"),
        ("day", "date"),
    ]


def test_every_column_of_our_views_is_declared_and_commented(owner: psycopg.Connection) -> None:
    query = """
        SELECT attname, format_type(atttypid, NULL), col_description(attrelid, attnum) IS NOT NULL
        FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum
    """
    for collecting in sources().values():
        if collecting.collects is None:
            continue
        declared = [(name, kind, True) for name, kind in collecting.collects.columns.items()]
        name = f"{collecting.name}.{collecting.collects.view}"
        assert owner.execute(query, [name]).fetchall() == [("source", "text", True), *declared]
        for source in sources().values():
            if (offer := f"{source.name}.{collecting.collects.view}") in source.object_files:
                assert owner.execute(query, [offer]).fetchall() == declared


def test_a_third_source_that_brings_a_view_is_served(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    owner.execute(TIDES.encode())
    tides = offering("tides", "tides.weather_requests")
    owner.execute(collected_views({**sources(), "tides": tides})[VIEW].encode())
    put_places(warehouse)
    places = owner.execute(
        "SELECT place_key, latitude, geocoding_status, is_observed FROM weather.places ORDER BY 1"
    )
    assert places.fetchall() == [
        ("1.0000,2.0000", 1.0, "given", False),
        ("FR brest", None, "pending", True),
    ]
    wanted = "SELECT place_key, hour_at::text FROM weather.wanted_hours JOIN weather.places"
    assert owner.execute(f"{wanted} USING (place_id)".encode()).fetchall() == [
        ("1.0000,2.0000", "2026-11-20 10:00:00+00")
    ]
