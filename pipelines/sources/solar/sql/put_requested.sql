-- Records that the service answered the same for a window as before.
UPDATE solar.days
SET requested_at = :now
WHERE plant_id = :plant_id AND day >= :first AND day < :end
