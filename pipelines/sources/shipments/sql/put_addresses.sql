-- Puts in addresses that are new, and those that another version of the parser read, which keep the
-- delivery they came with.
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
    coalesce(:delivery_id, 0)
FROM stage_addresses
ON CONFLICT (address) DO UPDATE SET
    street = excluded.street,
    postcode = excluded.postcode,
    city = excluded.city,
    country = excluded.country,
    country_code = excluded.country_code,
    address_status = excluded.address_status,
    parser_version = excluded.parser_version
