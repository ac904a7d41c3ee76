-- Work: flat, 20 buffers: SELECT ops.announce('a', 'a', 1, 1)
CREATE OR REPLACE FUNCTION ops.announce(
    source text,
    feed text,
    delivery_id bigint,
    records bigint
)
RETURNS void
LANGUAGE sql
VOLATILE
AS $$
    SELECT
        pg_notify(
            'isobar_fresh',
            CASE
                WHEN octet_length(message::text) < 8000 THEN message
                ELSE message - 'views'
            END::text
        )
    FROM (
        SELECT
            jsonb_build_object(
                'source', announce.source,
                'feed', announce.feed,
                'delivery_id', announce.delivery_id,
                'records', announce.records,
                'views', coalesce(jsonb_agg(catalog.name ORDER BY catalog.name), '[]')
            ) AS message
        FROM ops.catalog
        WHERE catalog.kind = 'view' AND announce.source = ANY(catalog.reads)
    ) AS built
$$;

COMMENT ON FUNCTION ops.announce(text, text, bigint, bigint) IS
'Sends what has changed to the channel isobar_fresh, once the transaction is committed: a JSON
object with source, feed, delivery_id (null if none), records (the number of source records that
changed something), and views, the views and tables that show them. A list that is too long for a
message is left out. Loads call it.';
