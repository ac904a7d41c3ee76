-- What was cancelled at a hotel in a span of time?
--
-- The beginning is included, the end is not. The other status is `booking`. A time without a time zone is in that of your
-- session, so write `+00`.
--
-- hotel: 2607
-- since: 2026-10-01 00:00+00 | today - 32
-- until: 2026-11-02 00:00+00 | now
SELECT event_id, event_at, night_of_stay, room_reservation_id
FROM enriched.hotel_events
WHERE hotel_id = %(hotel)s AND status = 'cancellation'
    AND event_at >= CAST(%(since)s AS timestamptz) AND event_at < CAST(%(until)s AS timestamptz)
ORDER BY event_at, event_id;
