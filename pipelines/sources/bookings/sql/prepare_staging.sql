-- Staging for the valid events of a delivery until they are compared with stored events; dropped at
-- the end of the transaction.
CREATE TEMP TABLE stage_events (
    record bigint,
    event_id bigint,
    hotel_id bigint,
    event_at timestamptz,
    status text,
    room_reservation_id uuid,
    night_of_stay date
) ON COMMIT DROP;
-- Keeps joins of a million events in memory.
SET LOCAL work_mem = '64MB'
