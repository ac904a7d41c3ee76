-- Number of staged lines whose article is stored, counted in the tables; an article has a shipment.
SELECT count(*)
FROM stage_lines
INNER JOIN shipments.articles USING (tracking_number, carrier, sku)
