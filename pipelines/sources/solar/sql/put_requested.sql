-- Records that the service returned the same response for a window as before.
UPDATE solar.days
SET requested_at = :now
WHERE plant_id = :plant_id AND day >= :first AND day < :end
