CREATE OR REPLACE VIEW enriched.airlines AS
SELECT airline_id, name
FROM flights.airlines
WHERE seen_until_at IS NULL;

COMMENT ON VIEW enriched.airlines IS 'Airlines of the newest document, one row each.';
COMMENT ON COLUMN enriched.airlines.airline_id IS 'Airline code of the source; not the IATA code.';
