-- Which legs have times that cannot be true?
--
-- The time from departure to arrival is shorter than the stated duration, or longer although there is no stop.
SELECT DISTINCT leg_id, departure_local, arrival_local, elapsed_minutes, duration_minutes
FROM enriched.itinerary_legs
WHERE time_verdict = 'impossible'
ORDER BY leg_id;
