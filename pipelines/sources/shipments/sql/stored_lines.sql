-- How many staged lines the tables hold, counted there; an article has a shipment.
SELECT count(*)
FROM stage_lines
INNER JOIN shipments.articles USING (tracking_number, carrier, sku)
