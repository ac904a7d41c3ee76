SELECT
    tracking_number,
    carrier,
    status,
    receiver_country_code,
    first_seen_at,
    delivered_at,
    in_transit_hours
FROM {{ source('enriched', 'shipments') }}
