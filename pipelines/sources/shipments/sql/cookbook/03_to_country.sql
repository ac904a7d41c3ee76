-- Which parcels are on their way to a country?
--
-- The shipment that changed last comes first.
--
-- country: FR
-- rows: 10
SELECT tracking_number, carrier, status, units, total_value, receiver_city, updated_at
FROM enriched.shipments
WHERE receiver_country_code = %(country)s AND is_on_its_way
ORDER BY updated_at DESC, tracking_number
LIMIT %(rows)s;
