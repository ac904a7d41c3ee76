SELECT
    itinerary_id,
    route,
    snapshot_on,
    agent,
    price_amount,
    price_currency
FROM {{ source('metrics', 'flight_prices_by_day') }}
WHERE rejection_reason IS NULL
