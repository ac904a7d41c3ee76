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
        itinerary_id,
        snapshot_on,
        price_amount,
        price_currency,
        price_amount - lag(price_amount) OVER (
            PARTITION BY itinerary_id, price_currency ORDER BY snapshot_on
        ) AS change_amount
    FROM {{ ref('stg_flight_prices') }}
)

SELECT * FROM changes
{% if is_incremental() %}
WHERE snapshot_on >= (SELECT max(snapshot_on) - 7 FROM {{ this }})
{% endif %}
