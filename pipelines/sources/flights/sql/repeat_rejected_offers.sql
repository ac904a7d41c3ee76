-- The rejected itineraries of a snapshot that repeats an earlier one.
DELETE FROM flights.rejected_offers
WHERE snapshot_at = :snapshot_at;

INSERT INTO flights.rejected_offers (itinerary_id, snapshot_at, reason)
SELECT itinerary_id, :snapshot_at, reason
FROM flights.rejected_offers
WHERE snapshot_at = :earlier_at
