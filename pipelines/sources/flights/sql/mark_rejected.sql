-- Notes a document as rejected, so that it does not block later ones.
UPDATE flights.snapshots
SET rejection_reason = :problem, is_loaded = FALSE
WHERE snapshot_at = :snapshot_at
