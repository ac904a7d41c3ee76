-- Addresses of which a part could not be parsed.
SELECT
    address,
    address_status,
    postcode,
    city,
    country_code
FROM shipments.addresses
WHERE address_status NOT IN ('parsed', 'no_postcode')
ORDER BY address
