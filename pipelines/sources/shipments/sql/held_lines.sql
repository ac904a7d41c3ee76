-- How many staged lines the tables hold, counted there.
SELECT count(*)
FROM stage_lines
INNER JOIN shipments.articles USING (tracking_number, carrier, sku)
INNER JOIN shipments.shipments USING (tracking_number, carrier)
