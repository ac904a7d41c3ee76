-- Which legs go through a city or an airport, or are of an airline?
--
-- airline: %lufthansa%
-- airport: STN
-- city: buda%
-- rows: 10
SELECT DISTINCT leg_id, airline_name, departure_airport, departure_city, arrival_airport, arrival_city
FROM enriched.itinerary_legs
WHERE airline_name ILIKE %(airline)s OR %(airport)s IN (departure_airport, arrival_airport)
    OR arrival_city ILIKE %(city)s
ORDER BY leg_id
LIMIT %(rows)s;
