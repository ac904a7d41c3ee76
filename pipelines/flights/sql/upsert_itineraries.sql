-- An itinerary keeps the day on which it was first seen; one that was withdrawn and is offered
-- again is open again. Notes the source records that changed a row.
WITH written AS (
    INSERT INTO flights.itineraries AS held (
        itinerary_id, agent, agent_rating, leg_count, first_seen_on, delivery_id
    )
    SELECT DISTINCT ON (itinerary_id)
        itinerary_id,
        agent,
        agent_rating,
        leg_count,
        first_seen_on,
        :delivery_id
    FROM stage_itineraries
    ORDER BY itinerary_id, record
    ON CONFLICT (itinerary_id) DO UPDATE SET
        agent = excluded.agent,
        agent_rating = excluded.agent_rating,
        leg_count = excluded.leg_count,
        last_seen_on = NULL,
        delivery_id = excluded.delivery_id
    WHERE held.last_seen_on IS NOT NULL
        OR (held.agent, held.agent_rating, held.leg_count)
        IS DISTINCT FROM (excluded.agent, excluded.agent_rating, excluded.leg_count)
    RETURNING itinerary_id
)
INSERT INTO changed (record)
SELECT record
FROM stage_itineraries
INNER JOIN written USING (itinerary_id)
