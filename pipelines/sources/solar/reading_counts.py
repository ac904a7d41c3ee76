"""Counts of stored hours per plant for asset pages: counted once, then only for synced plants."""

from typing import Any

from sqlalchemy import Connection, TextClause, text

from pipelines.ingest.deliveries import bytes_of
from pipelines.sources.solar.load import SOURCE
from pipelines.sources.solar.sync import Synced
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql


class ReadingCounts:
    """Hours stored and items rejected per plant, as last counted."""

    def __init__(self, store: Warehouse) -> None:
        self._store = store
        with store.translate_db_errors(SOURCE), store.engine.connect() as connection:
            self._counts = _counts(connection, None)

    def page(self, synced: Synced) -> dict[str, Any]:
        """Return metadata of a synced plant: the request, its result, and what is stored now."""
        plant_id = synced.plant.plant_id
        with self._store.translate_db_errors(SOURCE), self._store.engine.connect() as connection:
            days = connection.execute(_statement("plant_page"), {"plant_id": plant_id}).all()
            self._counts |= _counts(connection, plant_id)
            received = bytes_of(connection, synced.responses)
        return {
            "plant": synced.plant.name,
            "response_count": len(synced.responses),
            "bytes_received": received,
            **{
                name: sum(getattr(response, name) for response in synced.responses)
                for name in ("read", "loaded", "unchanged", "rejected")
            },
            "seconds": round(synced.seconds, 3),
            **{f"days_{row.status.replace(' ', '_')}": int(row.days) for row in days},
            "dagster/partition_row_count": self._counts.get(plant_id, (0, 0))[0],
            "dagster/row_count": sum(hours for hours, _ in self._counts.values()),
            "rejected_records": sum(rejected for _, rejected in self._counts.values()),
        }


def _counts(connection: Connection, plant_id: int | None) -> dict[int, tuple[int, int]]:
    rows = connection.execute(_statement("reading_counts"), {"plant_id": plant_id})
    return {row.plant_id: (int(row.hours), int(row.rejected)) for row in rows}


def _statement(name: str) -> TextClause:
    return text(read_sql("pipelines.sources.solar", name))
