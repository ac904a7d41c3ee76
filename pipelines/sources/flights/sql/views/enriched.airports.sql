CREATE OR REPLACE VIEW enriched.airports AS
SELECT
    airport_code, name, coalesce(served_city, airport_code) AS served_city, city, country_code, city_code,
    time_zone, latitude, longitude
FROM flights.airports;

COMMENT ON VIEW enriched.airports IS 'Airports with an IATA code, and the cities that they serve.';
COMMENT ON COLUMN enriched.airports.served_city IS
'City and country that the airport serves, such as Toronto, CA; its code if that is unknown.';
