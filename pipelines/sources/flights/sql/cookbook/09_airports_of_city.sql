-- Which airports does a city have, and where are they?
--
-- city: london
-- country: GB
SELECT airport_code, name, city, country_code, time_zone
FROM flights.airports
WHERE city ILIKE %(city)s AND country_code = %(country)s
ORDER BY airport_code;
