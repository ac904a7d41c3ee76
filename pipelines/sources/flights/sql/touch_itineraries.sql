-- Itineraries to rebuild: those whose offer changed, or one of their legs or its airline, or whose record
-- is rejected or was.
CREATE TEMP TABLE touched ON COMMIT DROP AS
SELECT itinerary_id FROM touched_prices
UNION
SELECT itinerary_legs.itinerary_id
FROM flights.itinerary_legs
WHERE itinerary_legs.leg_id IN (SELECT leg_id FROM touched_legs)
UNION
SELECT itinerary_legs.itinerary_id
FROM flights.itinerary_legs
INNER JOIN flights.legs
    ON itinerary_legs.leg_id = legs.leg_id AND itinerary_legs.leg_seen_from_at = legs.seen_from_at
WHERE legs.airline_id IN (SELECT airline_id FROM touched_airlines)
UNION
SELECT itinerary_id FROM stage_rejected_offers
UNION
SELECT itinerary_id FROM flights.itineraries WHERE last_accepted_at IS NOT NULL AND withdrawn_at IS NULL;

ANALYZE touched;
