-- Deletes what the ledger, the quarantine and the inboxes have of some feeds. Last the deliveries,
-- whose number is returned.
DELETE FROM ops.quarantine
USING ops.deliveries
WHERE quarantine.delivery_id = deliveries.delivery_id AND deliveries.feed = ANY(:feeds);
DELETE FROM ops.inbox_files
WHERE source = ANY(:feeds);
DELETE FROM ops.deliveries
WHERE feed = ANY(:feeds)
