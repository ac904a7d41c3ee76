CREATE OR REPLACE VIEW enriched.shipment_articles AS
SELECT
    tracking_number, carrier, sku, article_name, quantity, unit_price
FROM shipments.articles;

COMMENT ON VIEW enriched.shipment_articles IS
'Contents of each shipment, one row per article: articles of enriched.shipments as rows, for tools
that do not read JSON.';
COMMENT ON COLUMN enriched.shipment_articles.carrier IS 'Name of the carrier, as sent.';
COMMENT ON COLUMN enriched.shipment_articles.quantity IS 'Number of pieces.';
COMMENT ON COLUMN enriched.shipment_articles.unit_price IS
'Price of one piece, in total_value_currency of enriched.shipments.';
