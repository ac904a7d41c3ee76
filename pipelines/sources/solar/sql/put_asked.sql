-- Notes that the service said the same of a window as before.
UPDATE solar.days
SET asked_at = :now
WHERE plant_id = :plant_id AND day >= :first AND day < :end
