"""The tables: stations, and the water level at each hour."""

from sqlalchemy import Column, Computed, DateTime, Double, Table, Text

from pipelines import source as isobar

metadata = isobar.source_metadata()
stations = Table(
    "stations",
    metadata,
    Column("station_id", Text, primary_key=True, comment="Code of the station."),
    Column("name", Text, nullable=False, comment="Name of the station."),
    Column("latitude", Double, nullable=False, comment="Latitude, degrees north."),
    Column("longitude", Double, nullable=False, comment="Longitude, degrees east."),
    Column(
        "place_key",
        Text,
        Computed(
            "round(latitude::numeric, 4) || ',' || round(longitude::numeric, 4)", persisted=True
        ),
        comment="Key of the place in weather.places: the coordinates.",
    ),
    isobar.delivery_id_column(),
    schema="tides",
    comment="Tide gauges, one row each.",
)
readings = Table(
    "readings",
    metadata,
    Column("station_id", Text, primary_key=True, comment="Station (tides.stations)."),
    Column("read_at", DateTime(timezone=True), primary_key=True, comment="Time of the reading."),
    Column("level_cm", Double, nullable=False, comment="Water level above chart datum, cm."),
    isobar.delivery_id_column(),
    schema="tides",
    comment="Water levels, one row per station and time. A later document corrects an earlier one.",
)
