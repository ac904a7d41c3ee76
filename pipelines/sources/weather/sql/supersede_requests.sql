-- Requests that a wrong clock dated into the future: their data is replaced now, although by their
-- date two hours have not passed.
UPDATE weather.api_requests
SET outcome = 'superseded'
WHERE
    place_id = ANY(:place_ids)
    AND kind = 'observation'
    AND outcome = 'success'
    AND requested_at > :now + interval '5 minutes'
