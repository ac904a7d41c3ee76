-- One row for each UTC date on which something happened in one of three domains.
WITH happened (day, nights_booked, parcels_seen, parcels_delivered, itineraries_offered) AS (
    SELECT (booked_at AT TIME ZONE 'UTC')::date, count(*), 0, 0, 0
    FROM {{ ref('stg_reservation_nights') }}
    GROUP BY 1
    UNION ALL
    SELECT (first_seen_at AT TIME ZONE 'UTC')::date, 0, count(*), 0, 0
    FROM {{ ref('stg_shipments') }}
    GROUP BY 1
    UNION ALL
    SELECT (delivered_at AT TIME ZONE 'UTC')::date, 0, 0, count(*), 0
    FROM {{ ref('stg_shipments') }}
    GROUP BY 1
    UNION ALL
    SELECT snapshot_on, 0, 0, 0, count(*)
    FROM {{ ref('stg_flight_prices') }}
    GROUP BY 1
)

SELECT
    day,
    sum(nights_booked)::bigint AS nights_booked,
    sum(parcels_seen)::bigint AS parcels_seen,
    sum(parcels_delivered)::bigint AS parcels_delivered,
    sum(itineraries_offered)::bigint AS itineraries_offered
FROM happened
WHERE day IS NOT NULL
GROUP BY day
