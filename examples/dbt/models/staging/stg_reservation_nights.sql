SELECT
    hotel_id,
    room_reservation_id,
    night_of_stay,
    state,
    booked_at,
    cancelled_at
FROM {{ source('enriched', 'reservation_nights') }}
