-- Whether a later delivery of the same feed was loaded.
SELECT EXISTS (
    SELECT
    FROM ops.deliveries AS mine
    INNER JOIN ops.deliveries AS later USING (feed)
    WHERE mine.delivery_id = :delivery_id AND later.loaded_at > mine.loaded_at AND later.problem IS NULL
)
