"""The losses of days follow the weather and the places of plants; loads compute those of readings.

A plant is looked at again when a request brought weather of its place, or the place was changed.
"""

from pipelines.ingest.statements import execute_file
from pipelines.sources.solar import source
from pipelines.sources.solar.load import source_of
from pipelines.warehouse.connection import Warehouse, analyze_table, estimated_rows

HOURS = "weather.hourly"


def refresh(store: Warehouse) -> int:
    """Compute the days whose weather changed and those that follow from them; return how many."""
    with store.engine.connect() as connection:
        plants = execute_file(connection, source, "plants_with_new_weather", {}).all()
        if plants and estimated_rows(connection, HOURS) < 0:
            analyze_table(connection, HOURS)  # else a first history takes a hundred times as long
            connection.commit()
    days = 0
    for plant in plants:
        with store.transaction(source_of(plant.plant_id)) as connection:
            days += execute_file(
                connection, source, "put_weather_losses", plant._asdict()
            ).scalar_one()
    return days
