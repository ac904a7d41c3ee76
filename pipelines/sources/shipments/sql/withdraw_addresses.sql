-- Removes addresses that only a cut last line had.
DELETE FROM shipments.addresses
WHERE
    address IN (:sender_address, :receiver_address)
    AND delivery_id = ANY(:delivery_ids)
    AND NOT EXISTS (
        SELECT FROM shipments.shipments WHERE shipments.sender_address = addresses.address
    )
    AND NOT EXISTS (
        SELECT FROM shipments.shipments WHERE shipments.receiver_address = addresses.address
    )
