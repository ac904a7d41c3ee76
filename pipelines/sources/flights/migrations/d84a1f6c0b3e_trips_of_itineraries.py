"""Write where each itinerary goes, on which days and for how long: found without its legs."""

from alembic import op
from sqlalchemy import text

from pipelines.failures import PermanentFailure

revision = "d84a1f6c0b3e"
down_revision = "e52b86d0f913"
branch_labels = None
depends_on = None

COLUMNS = {
    "origin_airport": ("text", "IATA code: where the first leg begins."),
    "destination_airport": (
        "text",
        "IATA code: where the first leg ends. A leg is one direction, stops included.",
    ),
    "departure_on": ("date", "Day on which its first leg departs, local."),
    "return_on": (
        "date",
        "Day on which its last leg departs, local; null where there is one leg alone.",
    ),
    "total_duration_minutes": (
        "bigint",
        (
            "Sum over its legs of the time from departure to arrival, layovers included, minutes;"
            " without the stay at the destination. The stated duration counts for a leg whose time"
            " zones are not known or whose times are impossible."
        ),
    ),
}


def upgrade() -> None:
    for column, (kind, comment) in COLUMNS.items():
        op.execute(f"ALTER TABLE flights.itineraries ADD COLUMN {column} {kind}")
        op.execute(f"COMMENT ON COLUMN flights.itineraries.{column} IS '{comment}'")
    op.execute(
        """
        UPDATE flights.itineraries
        SET
            origin_airport = trip.origin_airport,
            destination_airport = trip.destination_airport,
            departure_on = trip.departure_on,
            return_on = trip.return_on,
            total_duration_minutes = trip.total_duration_minutes
        FROM (
            SELECT
                itinerary_id,
                (array_agg(departure_airport ORDER BY leg_number))[1] AS origin_airport,
                (array_agg(arrival_airport ORDER BY leg_number))[1] AS destination_airport,
                (array_agg(departure_local::date ORDER BY leg_number))[1] AS departure_on,
                (
                    array_agg(departure_local::date ORDER BY leg_number DESC)
                    FILTER (WHERE leg_number > 1)
                )[1] AS return_on,
                sum(
                    CASE
                        WHEN time_verdict <> 'impossible' THEN elapsed_minutes
                        ELSE duration_minutes
                    END
                ) AS total_duration_minutes
            FROM flights.itinerary_legs
            INNER JOIN flights.legs
                ON itinerary_legs.leg_id = legs.leg_id
                AND itinerary_legs.leg_seen_from_at = legs.seen_from_at
            GROUP BY itinerary_id
        ) AS trip
        WHERE itineraries.itinerary_id = trip.itinerary_id
        """
    )
    _reject_itineraries_without_legs()
    for column in COLUMNS:
        if column != "return_on":
            op.alter_column("itineraries", column, nullable=False, schema="flights")
    op.create_index(
        "itineraries_departure_on_price_amount_idx",
        "itineraries",
        ["departure_on", "price_amount"],
        schema="flights",
    )


def _reject_itineraries_without_legs() -> None:
    """Raise `PermanentFailure` that names itineraries of which flights.legs has no leg."""
    query = text(
        "SELECT itinerary_id FROM flights.itineraries WHERE departure_on IS NULL ORDER BY 1"
    )
    found = op.get_bind().execute(query).scalars().all()
    if found:
        raise PermanentFailure(
            "database",
            f"flights.legs has no leg of {len(found):,} itineraries, such as {found[0]}",
            place="flights.itineraries",
            remedy="Delete these rows from flights.itineraries, migrate again, then launch"
            " flights_rebuild, which makes them anew from the archived documents.",
        )
