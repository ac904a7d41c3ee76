-- Sandbox only: backdates a delivery and the rows that it wrote.
WITH delivered AS (
    UPDATE ops.deliveries SET loaded_at = :at WHERE delivery_id = :delivery_id
)

UPDATE shipments.shipments
SET updated_at = :at
WHERE delivery_id = :delivery_id
