-- Only days that are not there yet, or that may have got more prices, are written again.
{{
    config(
        materialized='incremental',
        unique_key=['itinerary_id', 'snapshot_on'],
        on_schema_change='append_new_columns'
    )
}}

WITH changes AS (
    SELECT
        prices.itinerary_id,
        prices.snapshot_on,
        prices.price_amount,
        prices.price_currency,
        prices.price_amount - before.price_amount AS change_amount
    FROM {{ ref('stg_flight_prices') }} AS prices
    -- The day before by the calendar, not the last row: between them may be days without a document.
    LEFT JOIN {{ ref('stg_flight_prices') }} AS before
        ON prices.itinerary_id = before.itinerary_id
        AND prices.route = before.route
        AND prices.price_currency = before.price_currency
        AND prices.snapshot_on = before.snapshot_on + 1
)

SELECT * FROM changes
{% if is_incremental() %}
WHERE snapshot_on >= (SELECT max(snapshot_on) - 7 FROM {{ this }})
{% endif %}
