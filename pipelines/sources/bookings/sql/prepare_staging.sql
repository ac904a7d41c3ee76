-- Staging for the good events of a delivery until they are compared with those stored; gone with the transaction.
CREATE TEMP TABLE stage_events (
    record bigint,
    event_id bigint,
    hotel_id bigint,
    event_at timestamptz,
    status text,
    room_reservation_id uuid,
    night_of_stay date
) ON COMMIT DROP;
-- Joins of a million events are made in memory.
SET LOCAL work_mem = '64MB';
