CREATE OR REPLACE VIEW flights.directions AS
SELECT
    itinerary_legs.itinerary_id,
    itinerary_legs.leg_number::integer AS leg_number,
    CASE
        WHEN legs.time_verdict <> 'impossible' THEN legs.elapsed_minutes
        ELSE legs.duration_minutes
    END AS minutes
FROM flights.itinerary_legs
INNER JOIN flights.legs
    ON itinerary_legs.leg_id = legs.leg_id AND itinerary_legs.leg_seen_from_at = legs.seen_from_at;

COMMENT ON VIEW flights.directions IS
'How long each direction of an itinerary takes, layovers included, one row each. A leg is a
direction.';
COMMENT ON COLUMN flights.directions.itinerary_id IS 'The itinerary (flights.itineraries).';
COMMENT ON COLUMN flights.directions.leg_number IS 'Place of the leg in the itinerary, from 1.';
COMMENT ON COLUMN flights.directions.minutes IS
'Minutes from departure to arrival. Where that time is not known or impossible, the stated duration.';
