-- An itinerary that this snapshot no longer has, not even as a refused record, was last seen in the snapshot before, if any.
UPDATE flights.itineraries AS held
SET
    last_seen_on = coalesce(
        (
            SELECT max(earlier.snapshot_on)
            FROM flights.snapshots AS earlier
            WHERE earlier.snapshot_on < :snapshot_on
        ),
        :snapshot_on
    ),
    delivery_id = :delivery_id
WHERE held.last_seen_on IS NULL
    AND NOT EXISTS (
        SELECT FROM stage_offered AS staged
        WHERE staged.itinerary_id = held.itinerary_id
    )
