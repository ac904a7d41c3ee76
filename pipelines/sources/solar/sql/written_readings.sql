-- Number of readings that the delivery has written.
SELECT count(*)
FROM solar.readings
WHERE
    plant_id = :plant_id
    AND delivery_id = :delivery_id
    AND read_at >= solar.day_begins(CAST(:first AS date), :zone)
    AND read_at < solar.day_begins(CAST(:end AS date), :zone)
