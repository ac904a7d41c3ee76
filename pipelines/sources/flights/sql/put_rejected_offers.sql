-- Replaces the rejected itineraries of a snapshot by the staged ones.
DELETE FROM flights.rejected_offers
WHERE snapshot_at = :snapshot_at;

INSERT INTO flights.rejected_offers (itinerary_id, snapshot_at, reason)
SELECT itinerary_id, :snapshot_at, reason
FROM stage_rejected_offers
