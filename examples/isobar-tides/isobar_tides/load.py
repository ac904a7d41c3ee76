"""One document into the tables, with its rejects and its ledger entry, in one transaction."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection

from isobar_tides import tables
from pipelines import source as isobar


def load_document(
    connection: Connection,
    response: isobar.JsonResponse,
    delivery: isobar.Delivery,
    _: Any,
    run_id: str | None,
) -> isobar.Outcome:
    """Bring both tables up to date. Raises `PermanentFailure` for another kind of document."""
    lists = response.document if isinstance(response.document, dict) else {}
    if not all(isinstance(lists.get(name), list) for name in ("stations", "readings")):
        problem, remedy = "no stations and readings", "See whether TIDES_URL points at the gauges."
        raise isobar.PermanentFailure("tides", problem, place=response.url, remedy=remedy)
    stations, readings = read_document(response.document)
    for records in (stations, readings):
        read, rejects = len(records.records), records.rejects()
        reasons = isobar.count_reasons(rejects)
        isobar.enforce_reject_cap(delivery, read, len(rejects), reasons, cap=0.5, rejects=rejects)
    delivery_id = isobar.open_delivery(connection, delivery, run_id)
    isobar.prepare_change_log(connection)
    bad = stored = 0
    for table, records in (tables.stations, stations), (tables.readings, readings):
        isobar.stage(connection, records.good(), table)
        isobar.upsert(connection, table, delivery_id)
        stored += isobar.count_records(connection, table)
        isobar.write_rejects(connection, delivery_id, records.rejects())
        bad += len(records.rejects())
    read, loaded = len(stations.records) + len(readings.records), isobar.changed_records(connection)
    drift = stations.drift("tides") + readings.drift("tides")
    return isobar.close_delivery(
        connection, delivery_id, read=read, loaded=loaded, stored=stored, rejected=bad, drift=drift
    )


class _Station(BaseModel):
    station_id: isobar.Name
    name: isobar.Name
    latitude: float = Field(ge=-90, le=90, description="is not in degrees")
    longitude: float = Field(ge=-180, le=180, description="is not in degrees")


class _Reading(BaseModel):
    station_id: isobar.Name
    read_at: AwareDatetime = Field(description="is not a time")
    level_cm: float = Field(ge=-1000, le=2000, description="is not a water level")


CAME_BEFORE = "came_before", "the key came before"


def read_document(document: dict[str, Any]) -> list[isobar.RecordValidator]:
    """Sort stations, then readings, into good ones and rejects. Pure."""
    stations = isobar.RecordValidator(document["stations"], name="stations", model=_Station)
    readings = isobar.RecordValidator(
        document["readings"], name="readings", model=_Reading, first_record=len(stations.records)
    )
    sent = stations.good()
    stations.reject(sent.index[sent.duplicated("station_id")], *CAME_BEFORE)
    read = readings.good()
    readings.reject(read.index[read.duplicated(["station_id", "read_at"])], *CAME_BEFORE)
    return [stations, readings]
