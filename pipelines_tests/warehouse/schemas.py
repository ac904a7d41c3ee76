"""How the database at an address stands to the code."""

from pipelines.migrations import apply, history
from pipelines.warehouse.connection import Warehouse

#: Makes the tables of this version those of 4.0.
LACKED_BY_4_0 = """
SET ROLE isobar_owner;
DROP TABLE metrics.hotel_book, bookings.books CASCADE;
ALTER TABLE bookings.hotels DROP time_zone CASCADE, DROP day_begins CASCADE;
UPDATE ops.sql_objects SET sha256 = repeat('0', 64) WHERE name = 'bookings/comments';
DROP TABLE flights.lowest_prices CASCADE;
ALTER TABLE flights.airports DROP served_city CASCADE;
ALTER TABLE flights.prices DROP route CASCADE;
ALTER TABLE flights.itineraries DROP departs_at CASCADE, DROP first_accepted_at CASCADE,
    DROP last_accepted_at CASCADE, DROP longest_leg_minutes CASCADE;
ALTER TABLE solar.plants DROP capacity_kwp CASCADE, DROP tariff_per_kwh CASCADE,
    DROP tariff_currency CASCADE;
DROP TABLE metrics.solar_day_losses, solar.weather_versions, weather.quotas CASCADE;
RESET ROLE;
"""


def condition(url: str) -> apply.Condition:
    with Warehouse(url, role=None) as store, store.engine.connect() as connection:
        return apply.condition(connection)


def differences(url: str) -> list[str]:
    with Warehouse(url, role=None) as store, store.engine.connect() as connection:
        return [
            one for part in apply.parts() for one in history.differences(connection, part.metadata)
        ]
