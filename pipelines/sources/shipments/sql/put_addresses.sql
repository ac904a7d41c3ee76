-- Inserts new addresses and updates addresses that another version of the parser parsed, which keep
-- their original delivery; shipments are updated if the parsed country changed.
WITH moved AS (
    UPDATE shipments.shipments
    SET receiver_country_code = staged.country_code
    FROM stage_addresses AS staged
    INNER JOIN shipments.addresses AS stored USING (address)
    WHERE
        shipments.receiver_address = staged.address
        AND stored.country_code IS DISTINCT FROM staged.country_code
)

INSERT INTO shipments.addresses AS stored (
    address, street, postcode, city, country, country_code, time_zone, address_status,
    parser_version, delivery_id
)
SELECT
    address, street, postcode, city, country, country_code, time_zone, address_status,
    parser_version, coalesce(:delivery_id, 0)
FROM stage_addresses
ON CONFLICT (address) DO UPDATE SET
    (street, postcode, city, country, country_code, time_zone, address_status, parser_version) = (
        excluded.street, excluded.postcode, excluded.city, excluded.country, excluded.country_code,
        excluded.time_zone, excluded.address_status, excluded.parser_version
    )
