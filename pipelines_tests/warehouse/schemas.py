"""How the database at an address stands to the code."""

from pipelines.migrations import apply, history
from pipelines.warehouse.connection import Warehouse

#: Makes the tables of this version those of 4.0.
LACKED_BY_4_0 = """
SET ROLE isobar_owner;
DROP TABLE metrics.hotel_book, bookings.books CASCADE;
ALTER TABLE bookings.hotels DROP time_zone CASCADE, DROP day_begins CASCADE;
UPDATE ops.sql_objects SET sha256 = repeat('0', 64)
WHERE name IN ('bookings/comments', 'ops/comments', 'shipments/comments');
DROP TABLE flights.lowest_prices CASCADE;
ALTER TABLE flights.airports DROP served_city CASCADE;
ALTER TABLE flights.prices DROP route CASCADE;
ALTER TABLE flights.itineraries DROP departs_at CASCADE, DROP first_accepted_at CASCADE,
    DROP last_accepted_at CASCADE, DROP longest_leg_minutes CASCADE;
ALTER TABLE solar.plants DROP capacity_kwp CASCADE, DROP tariff_per_kwh CASCADE,
    DROP tariff_currency CASCADE;
DROP TABLE metrics.solar_day_losses, solar.weather_versions, weather.quotas CASCADE;
DROP TABLE shipments.status_days, shipments.rules CASCADE;
DROP INDEX ops.quarantine_subject_idx, shipments.status_history_unknown_idx;
CREATE INDEX shipments_receiver_country_idx
ON shipments.shipments (receiver_country_code, updated_at DESC, tracking_number);
ALTER TABLE ops.deliveries DROP modified_at CASCADE;
ALTER TABLE shipments.addresses DROP time_zone CASCADE;
ALTER TABLE shipments.status_history DROP sequence CASCADE, DROP previous_seen_at,
    DROP previous_sequence, DROP status_class CASCADE,
    ADD CONSTRAINT status_history_pkey PRIMARY KEY (tracking_number, carrier, seen_at);
CREATE INDEX status_history_unknown_idx ON shipments.status_history (status, status_raw)
WHERE status NOT IN ('in_transit', 'inbound_scan', 'scanned', 'delivery');
ALTER TABLE shipments.shipments DROP status_class CASCADE, DROP status_changed_at CASCADE,
    DROP status_count, DROP last_sequence, DROP promised_on CASCADE, DROP promised_at,
    DROP promised_sequence, DROP under_way_at CASCADE, DROP is_first_seen_delivered CASCADE,
    DROP exceptions CASCADE;
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
