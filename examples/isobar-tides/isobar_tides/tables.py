"""The tables: stations, and the water level at each hour."""

from sqlalchemy import Column, Computed, DateTime, Double, Table, Text

from pipelines import source as isobar

metadata = isobar.source_metadata()
stations = Table(
    "stations",
    metadata,
    Column("station_id", Text, primary_key=True, comment="The station's code."),
    Column("name", Text, nullable=False, comment="Its name."),
    Column("latitude", Double, nullable=False, comment="Degrees north."),
    Column("longitude", Double, nullable=False, comment="Degrees east."),
    Column(
        "place_key",
        Text,
        Computed(
            "round(latitude::numeric, 4) || ',' || round(longitude::numeric, 4)", persisted=True
        ),
        comment="What weather.places calls it: its coordinates.",
    ),
    isobar.delivery_id_column(),
    schema="tides",
    comment="Tide gauges, one row each.",
)
readings = Table(
    "readings",
    metadata,
    Column("station_id", Text, primary_key=True, comment="The station (tides.stations)."),
    Column("read_at", DateTime(timezone=True), primary_key=True, comment="When it was read."),
    Column("level_cm", Double, nullable=False, comment="Water level above chart datum, cm."),
    isobar.delivery_id_column(),
    schema="tides",
    comment="Water levels; a later document corrects an earlier one.",
)
