-- Which airlines are there, and what are they called?
--
-- Filter by a part of the name, or by the source's code; `%` is every name.
--
-- name: %
SELECT airline_id, name
FROM enriched.airlines
WHERE name ILIKE %(name)s
ORDER BY name;
