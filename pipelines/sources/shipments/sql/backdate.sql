-- Sandbox only: backdates a delivery and the rows that it wrote.
WITH delivered AS (
    UPDATE ops.deliveries SET loaded_at = :at WHERE delivery_id = :delivery_id
), noted AS (
    UPDATE shipments.status_history SET seen_at = :at WHERE delivery_id = :delivery_id
)

UPDATE shipments.shipments
SET
    first_seen_at = least(first_seen_at, :at),
    last_seen_at = :at,
    updated_at = :at
WHERE delivery_id = :delivery_id
