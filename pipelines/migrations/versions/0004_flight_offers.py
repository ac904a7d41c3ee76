"""Flights: what an offer was when it was last accepted, and the city that an airport serves."""

from alembic import op
from sqlalchemy import text

from pipelines.ingest.statements import execute
from pipelines.source import declared_sources
from pipelines.warehouse.sql_files import execute_script, read_sql

revision = "0004_flight_offers"
down_revision = "0003_days_of_hotels"
branch_labels = None
depends_on = None
#: The next load of airports says which cities have a code. Until then each serves the city where it is.
COLUMNS = """
ALTER TABLE flights.airports ADD served_city text;
UPDATE flights.airports SET served_city = city || coalesce(', ' || country_code, '');
ALTER TABLE flights.prices ADD route text;
ALTER TABLE flights.itineraries
ADD departs_at timestamptz, ADD first_accepted_at timestamptz, ADD last_accepted_at timestamptz,
ADD longest_leg_minutes integer;
UPDATE flights.prices
SET route = flown.route
FROM (
    SELECT
        offers.itinerary_id,
        offers.seen_from_at,
        string_agg(
            legs.departure_airport || '-' || legs.arrival_airport, ', ' ORDER BY part.leg_number
        ) AS route
    FROM flights.prices AS offers
    CROSS JOIN LATERAL unnest(offers.leg_ids) WITH ORDINALITY AS part (leg_id, leg_number)
    INNER JOIN flights.legs
        ON part.leg_id = legs.leg_id
        AND legs.seen_from_at <= offers.seen_from_at
        AND coalesce(legs.seen_until_at, 'infinity') >= offers.seen_from_at
    GROUP BY offers.itinerary_id, offers.seen_from_at
) AS flown
WHERE prices.itinerary_id = flown.itinerary_id AND prices.seen_from_at = flown.seen_from_at;
"""
TOUCHED = (
    "CREATE TABLE touched AS SELECT DISTINCT itinerary_id FROM flights.prices; ANALYZE touched"
)
NEWEST = "SELECT max(snapshot_at) FROM flights.snapshots WHERE is_loaded"
#: Of the snapshots of the last 60 days; a load keeps those of its own.
LOWEST_PRICES = f"""
INSERT INTO flights.lowest_prices (
    from_city, to_city, trip, price_currency, weeks_before_departure, snapshot_at, departure_on,
    departure_airport, arrival_airport, lowest_price, offers
)
SELECT
    from_city, to_city,
    CASE WHEN is_one_way THEN 'one-way' WHEN from_city = end_city THEN 'round trip' ELSE 'other' END,
    price_currency, floor(extract(EPOCH FROM departs_at - snapshot_at) / 604800), snapshot_at,
    departure_on, departure_airport, arrival_airport, min(price_amount), count(*)
FROM (
    SELECT
        snapshots.snapshot_at, prices.price_amount, prices.price_currency,
        legs.departure_airport, legs.arrival_airport,
        coalesce(origin.served_city, legs.departure_airport) AS from_city,
        coalesce(destination.served_city, legs.arrival_airport) AS to_city,
        coalesce(home.served_city, right(prices.route, 3)) AS end_city,
        cardinality(prices.leg_ids) = 1 AS is_one_way,
        legs.departure_local::date AS departure_on,
        coalesce(
            legs.departure_at, (legs.departure_local::date + 1)::timestamp AT TIME ZONE 'UTC'
        ) AS departs_at
    FROM flights.snapshots
    INNER JOIN flights.prices
        ON snapshots.snapshot_at >= prices.seen_from_at
        AND snapshots.snapshot_at <= coalesce(prices.seen_until_at, 'infinity')
    INNER JOIN flights.legs
        ON prices.leg_ids[1] = legs.leg_id
        AND legs.seen_from_at <= snapshots.snapshot_at
        AND coalesce(legs.seen_until_at, 'infinity') >= snapshots.snapshot_at
    LEFT JOIN flights.airports AS origin ON legs.departure_airport = origin.airport_code
    LEFT JOIN flights.airports AS destination ON legs.arrival_airport = destination.airport_code
    LEFT JOIN flights.airports AS home ON right(prices.route, 3) = home.airport_code
    WHERE snapshots.is_loaded
        AND snapshots.snapshot_at >= ({NEWEST}) - interval '61 days'
        AND NOT EXISTS (
            SELECT FROM flights.rejected_offers AS rejected
            WHERE rejected.itinerary_id = prices.itinerary_id
                AND rejected.snapshot_at = snapshots.snapshot_at
        )
) AS offered
WHERE departs_at > snapshot_at
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
"""
#: The owner may not create temporary tables, which the statements of a load make.
HELPERS = ("touched", "last_offers", "flown")


def upgrade() -> None:
    """Add the columns, and rebuild what a document without a leg left incomplete."""
    database = op.get_bind()
    execute_script(database, COLUMNS)
    flights = declared_sources()["flights"]
    flights.metadata.tables["flights.lowest_prices"].create(database)
    execute_script(database, LOWEST_PRICES)
    snapshot_at = database.execute(text(NEWEST)).scalar_one()
    if snapshot_at is None:
        return
    refresh = read_sql(flights.package, "refresh_itineraries").replace(" ON COMMIT DROP", "")
    path = database.execute(text("SHOW search_path")).scalar_one()
    execute_script(database, f"SET LOCAL search_path = flights; {TOUCHED}")
    for statement in refresh.replace("CREATE TEMP TABLE", "CREATE TABLE").split(";\n"):
        if statement.strip():
            execute(database, flights, statement, {"snapshot_at": snapshot_at}, revision)
    execute_script(database, f"DROP TABLE {', '.join(HELPERS)}; SET LOCAL search_path = {path}")
