"""One document into the tables, with its rejects and its ledger entry, in one transaction."""

from typing import Any

import pandas as pd
from sqlalchemy import Connection

from isobar_tides import tables
from pipelines import source as isobar


def load_document(
    connection: Connection,
    answer: isobar.JsonAnswer,
    delivery: isobar.Delivery,
    _: Any,
    run_id: str | None,
) -> isobar.Outcome:
    """Bring both tables up to date. Raises `PermanentFailure` for another kind of document."""
    lists = answer.document if isinstance(answer.document, dict) else {}
    if not all(isinstance(lists.get(name), list) for name in ("stations", "readings")):
        problem, remedy = "no stations and readings", "See whether TIDES_URL points at the gauges."
        raise isobar.PermanentFailure("tides", problem, place=answer.url, remedy=remedy)
    stations, readings = read_document(answer.document)
    delivery_id = isobar.open_delivery(connection, delivery, run_id)
    isobar.prepare_change_log(connection)
    rejects = held = 0
    for table, records in (tables.stations, stations), (tables.readings, readings):
        isobar.stage(connection, records.good(), table)
        isobar.upsert(connection, table, delivery_id)
        held += isobar.held_records(connection, table)
        isobar.write_rejects(connection, delivery_id, records.rejects())
        rejects += len(records.rejects())
    read, loaded = len(stations.records) + len(readings.records), isobar.changed_records(connection)
    drift = stations.drift("tides") + readings.drift("tides")
    return isobar.close_delivery(
        connection, delivery_id, read=read, loaded=loaded, held=held, rejected=rejects, drift=drift
    )


def read_document(document: dict[str, Any]) -> list[isobar.RecordValidator]:
    """Sort stations, then readings, into good ones and rejects. Pure."""
    keys = ("station_id", "name", "latitude", "longitude")
    stations = isobar.RecordValidator(document["stations"], name="stations", keys=keys)
    for name in ("station_id", "name"):
        stations.reject(~stations.frame[name].map(isobar.is_name), f"{name} is none: {{{name}}}")
    for degrees, limit in (("latitude", 90), ("longitude", 180)):
        numbers = pd.to_numeric(stations.frame[degrees], errors="coerce")
        stations.reject(~numbers.abs().le(limit), f"{degrees} is not in degrees: {{{degrees}}}")
    stations.reject(stations.good().duplicated("station_id"), "the station came before")
    keys, first = ("station_id", "read_at", "level_cm"), len(stations.records)
    readings = isobar.RecordValidator(
        document["readings"], name="readings", keys=keys, first_record=first
    )
    frame = readings.frame
    read_at = pd.to_datetime(frame["read_at"], errors="coerce", utc=True, format="ISO8601")
    level = pd.to_numeric(frame["level_cm"], errors="coerce")
    readings.reject(~frame["station_id"].map(isobar.is_name), "station_id is none: {station_id}")
    readings.reject(read_at.isna(), "read_at is no time: {read_at}")
    readings.reject(~level.between(-1000, 2000), "level_cm is no level: {level_cm}")
    readings.frame = frame.assign(read_at=read_at, level_cm=level)
    readings.reject(readings.good().duplicated(["station_id", "read_at"]), "the hour came before")
    return [stations, readings]
