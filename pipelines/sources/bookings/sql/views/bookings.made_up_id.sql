CREATE OR REPLACE FUNCTION bookings.made_up_id(
    hotel_id bigint,
    event_at timestamptz,
    status text,
    room_reservation_id uuid,
    night_of_stay date
)
RETURNS bigint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN (
    'x' || left(
        md5(
            hotel_id || ' ' || (extract(EPOCH FROM event_at) * 1000000)::bigint || ' ' || status
            || ' ' || room_reservation_id || ' ' || (night_of_stay - date '2000-01-01')
        ),
        16
    )
)::bit(64)::bigint | (-9223372036854775808);

COMMENT ON FUNCTION bookings.made_up_id(bigint, timestamptz, text, uuid, date) IS
'Returns the id for an event that was sent without one: negative, and always the same for the same
event.';
