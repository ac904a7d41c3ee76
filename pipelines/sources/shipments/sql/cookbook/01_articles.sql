-- What is in which parcel?
--
-- The column `articles` of `enriched.shipments` is a list. This statement returns a row for each article.
--
-- rows: 8
SELECT tracking_number, carrier, status, article.name, article.quantity, article.unit_price
FROM enriched.shipments
CROSS JOIN jsonb_to_recordset(articles) AS article (name text, quantity integer, unit_price numeric)
ORDER BY tracking_number, carrier, article.name
LIMIT %(rows)s;
