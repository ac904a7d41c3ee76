-- Numbers files of the same time anew that belong behind the one that is loaded. Keys are moved by
-- two statements, as each row is checked at once.
UPDATE shipments.status_history
SET sequence = -2 - sequence
WHERE seen_at = :news_at AND sequence >= :sequence;

UPDATE shipments.status_history
SET sequence = -1 - sequence
WHERE seen_at = :news_at AND sequence < 0;

UPDATE shipments.status_history
SET previous_sequence = previous_sequence + 1
WHERE previous_seen_at = :news_at AND previous_sequence >= :sequence;

UPDATE shipments.shipments
SET last_sequence = last_sequence + 1
WHERE last_seen_at = :news_at AND last_sequence >= :sequence;

UPDATE shipments.shipments
SET promised_sequence = promised_sequence + 1
WHERE promised_at = :news_at AND promised_sequence >= :sequence
