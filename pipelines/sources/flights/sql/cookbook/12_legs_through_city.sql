-- Which legs go through a city or an airport, or are of an airline?
--
-- A leg goes through the city where it departs, and the one where it arrives.
--
-- airline: %lufthansa%
-- airport: STN
-- city: buda%
-- rows: 10
SELECT DISTINCT leg_id, airline_name, departure_airport, from_city, arrival_airport, to_city
FROM enriched.itinerary_legs
WHERE airline_name ILIKE %(airline)s OR %(airport)s IN (departure_airport, arrival_airport)
    OR from_city ILIKE %(city)s OR to_city ILIKE %(city)s
ORDER BY leg_id
LIMIT %(rows)s;
