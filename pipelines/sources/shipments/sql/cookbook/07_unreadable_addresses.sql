-- Which addresses could not be read?
--
-- rows: 10
SELECT tracking_number, carrier, receiver_address, receiver_city, receiver_country_code
FROM enriched.shipments
WHERE receiver_city IS NULL OR receiver_country_code IS NULL
ORDER BY tracking_number
LIMIT %(rows)s;
