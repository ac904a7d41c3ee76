-- Deletes the row that a cut last line stored, if the complete file does not have it.
DELETE FROM {table} AS stored
WHERE
    {is_key}
    AND stored.delivery_id = ANY(:delivery_ids)
    AND NOT EXISTS (SELECT FROM {stage} AS staged WHERE {is_same})
RETURNING stored.delivery_id
