-- Updates the sums of shipments whose articles changed, which counts as a change of the shipment.
-- New shipments were summed up when they were inserted.
UPDATE shipments.shipments
SET
    article_count = contents.article_count,
    units = contents.units,
    total_value = contents.total_value,
    updated_at = :changed_at,
    delivery_id = :delivery_id
FROM (
    SELECT
        tracking_number,
        carrier,
        count(*) AS article_count,
        sum(articles.quantity) AS units,
        sum(articles.quantity * articles.unit_price) AS total_value
    FROM shipments.articles
    INNER JOIN refilled_shipments USING (tracking_number, carrier)
    GROUP BY tracking_number, carrier
) AS contents
WHERE
    shipments.tracking_number = contents.tracking_number
    AND shipments.carrier = contents.carrier
    AND (
        shipments.article_count,
        shipments.units,
        shipments.total_value,
        shipments.updated_at,
        shipments.delivery_id
    ) IS DISTINCT FROM (
        contents.article_count, contents.units, contents.total_value, :changed_at, :delivery_id
    )
