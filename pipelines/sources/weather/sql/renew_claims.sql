-- Keeps the places of a claim that has not ended, for another while.
UPDATE weather.refreshes
SET claimed_until = :claimed_until
WHERE claim = :claim AND place_id = ANY(:place_ids)
RETURNING place_id
