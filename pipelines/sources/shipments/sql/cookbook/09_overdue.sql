-- Which parcels are overdue or silent?
--
-- An overdue one has not ended although its promised day is over where the receiver is. Of a silent one, the status has
-- not changed for `SHIPMENTS_STALE_DAYS`.
--
-- rows: 10
SELECT tracking_number, carrier, status, status_changed_at, promised_on, is_overdue, is_silent, receiver_city
FROM enriched.shipments
WHERE is_overdue OR is_silent
ORDER BY promised_on, status_changed_at, tracking_number
LIMIT %(rows)s;
