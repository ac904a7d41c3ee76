-- Which airports does a city have, and where are they?
--
-- A city has its country. `served_city` is the city that travellers mean: Toronto, CA for the airport in Mississauga, which
-- is its `city`.
--
-- city: london, gb
SELECT airport_code, name, served_city, city, time_zone
FROM enriched.airports
WHERE served_city ILIKE %(city)s
ORDER BY airport_code;
