-- Puts in addresses that are new, or were read by another version of the parser.
INSERT INTO shipments.addresses AS held (
    address,
    street,
    postcode,
    city,
    country,
    country_code,
    address_status,
    parser_version,
    delivery_id
)
SELECT
    address,
    street,
    postcode,
    city,
    country,
    country_code,
    address_status,
    parser_version,
    :delivery_id
FROM stage_addresses
ON CONFLICT (address) DO UPDATE SET
    street = excluded.street,
    postcode = excluded.postcode,
    city = excluded.city,
    country = excluded.country,
    country_code = excluded.country_code,
    address_status = excluded.address_status,
    parser_version = excluded.parser_version
