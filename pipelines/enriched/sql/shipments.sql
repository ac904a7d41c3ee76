CREATE OR REPLACE VIEW enriched.shipments AS
SELECT
    shipments.tracking_number,
    shipments.carrier,
    shipments.status,
    shipments.article_count,
    shipments.units,
    shipments.total_value,
    (
        SELECT
            jsonb_agg(
                jsonb_build_object(
                    'sku', articles.sku,
                    'name', articles.article_name,
                    'quantity', articles.quantity,
                    'unit_price', articles.unit_price
                )
                ORDER BY articles.sku
            )
        FROM shipments.articles
        WHERE
            articles.tracking_number = shipments.tracking_number
            AND articles.carrier = shipments.carrier
    ) AS articles,
    shipments.sender_address,
    sender.street AS sender_street,
    sender.postcode AS sender_postcode,
    sender.city AS sender_city,
    sender.country_code AS sender_country_code,
    shipments.receiver_address,
    receiver.street AS receiver_street,
    receiver.postcode AS receiver_postcode,
    receiver.city AS receiver_city,
    receiver.country_code AS receiver_country_code,
    shipments.first_seen_at,
    shipments.updated_at
FROM shipments.shipments
INNER JOIN shipments.addresses AS sender ON shipments.sender_address = sender.address
INNER JOIN shipments.addresses AS receiver ON shipments.receiver_address = receiver.address;

COMMENT ON VIEW enriched.shipments IS
'Every shipment, one row each, as the last file says: what is in it, from where, to where, and how
far it is. For one shipment ask enriched.track.';
COMMENT ON COLUMN enriched.shipments.tracking_number IS
'The carrier''s number; with carrier it names the shipment.';
COMMENT ON COLUMN enriched.shipments.carrier IS 'Who carries it, as sent.';
COMMENT ON COLUMN enriched.shipments.status IS
'in_transit, inbound_scan, scanned or delivery; other words as sent, with _ for -.';
COMMENT ON COLUMN enriched.shipments.article_count IS 'How many different articles are in it.';
COMMENT ON COLUMN enriched.shipments.units IS 'How many pieces are in it.';
COMMENT ON COLUMN enriched.shipments.total_value IS
'Pieces times their prices. The files name no currency.';
COMMENT ON COLUMN enriched.shipments.articles IS
'What is in it: a list of objects with sku, name, quantity and unit_price.';
COMMENT ON COLUMN enriched.shipments.sender_address IS 'From where, as sent.';
COMMENT ON COLUMN enriched.shipments.sender_street IS 'Street and house of the sender.';
COMMENT ON COLUMN enriched.shipments.sender_postcode IS
'Postcode of the sender; null where the address has none.';
COMMENT ON COLUMN enriched.shipments.sender_city IS
'City of the sender; null where none was found in the address.';
COMMENT ON COLUMN enriched.shipments.sender_country_code IS
'ISO 3166-1 alpha-2 code of the sender''s country; null where it is not known.';
COMMENT ON COLUMN enriched.shipments.receiver_address IS 'To where, as sent.';
COMMENT ON COLUMN enriched.shipments.receiver_street IS 'Street and house of the receiver.';
COMMENT ON COLUMN enriched.shipments.receiver_postcode IS
'Postcode of the receiver; null where the address has none.';
COMMENT ON COLUMN enriched.shipments.receiver_city IS
'City of the receiver; null where none was found in the address.';
COMMENT ON COLUMN enriched.shipments.receiver_country_code IS
'ISO 3166-1 alpha-2 code of the receiver''s country; null where it is not known.';
COMMENT ON COLUMN enriched.shipments.first_seen_at IS 'When a file first had it.';
COMMENT ON COLUMN enriched.shipments.updated_at IS
'When anything of it last changed, its articles included.';
