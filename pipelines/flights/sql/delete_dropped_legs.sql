-- An itinerary that has fewer legs than before loses the last ones.
WITH gone AS (
    DELETE FROM flights.itinerary_legs AS held
    USING stage_itineraries AS staged
    WHERE held.itinerary_id = staged.itinerary_id
        AND held.leg_number > staged.leg_count
    RETURNING staged.record
)
INSERT INTO changed (record)
SELECT record
FROM gone
