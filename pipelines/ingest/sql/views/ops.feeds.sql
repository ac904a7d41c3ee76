CREATE OR REPLACE VIEW ops.feeds AS
SELECT
    loads.feed,
    coalesce(catalog.source, loads.feed) AS source,
    loads.last_delivery_at,
    loads.last_new_data_at,
    loads.deliveries_today,
    loads.records_today,
    loads.rejected_today,
    coalesce(waiting.records, 0) AS in_quarantine,
    waiting.oldest_at AS oldest_reject_at,
    (extract(EPOCH FROM now() - loads.last_delivery_at) / 3600)::double precision AS silent_hours,
    (extract(EPOCH FROM gaps.longest) / 3600)::double precision AS longest_silence_hours,
    -- Silent half as long again as ever, and for a day at least.
    coalesce(
        gaps.days >= 5
        AND now() - loads.last_delivery_at > greatest(1.5 * gaps.longest, interval '26 hours'),
        FALSE
    ) AS is_quiet
FROM (
    SELECT
        feed,
        max(loaded_at) AS last_delivery_at,
        max(loaded_at) FILTER (WHERE loaded_count > 0) AS last_new_data_at,
        count(*) FILTER (WHERE received_at >= date_trunc('day', now(), 'UTC')) AS deliveries_today,
        coalesce(
            sum(read_count) FILTER (WHERE received_at >= date_trunc('day', now(), 'UTC')), 0
        )::bigint AS records_today,
        coalesce(
            sum(rejected_count) FILTER (WHERE received_at >= date_trunc('day', now(), 'UTC')), 0
        )::bigint AS rejected_today
    FROM ops.deliveries
    WHERE problem IS NULL
    GROUP BY feed
) AS loads
LEFT JOIN ops.catalog ON loads.feed = catalog.name AND catalog.kind = 'feed'
LEFT JOIN (
    SELECT
        deliveries.feed,
        count(*) AS records,
        min(deliveries.loaded_at) AS oldest_at
    FROM ops.quarantine
    INNER JOIN ops.deliveries USING (delivery_id)
    WHERE quarantine.dismissed_at IS NULL
    GROUP BY deliveries.feed
) AS waiting ON loads.feed = waiting.feed
LEFT JOIN (
    SELECT
        feed,
        max(gap) AS longest,
        count(DISTINCT day) AS days
    FROM (
        SELECT
            feed,
            (received_at AT TIME ZONE 'UTC')::date AS day,
            received_at - lag(received_at) OVER (PARTITION BY feed ORDER BY received_at) AS gap
        FROM ops.deliveries
        INNER JOIN (
            SELECT
                feed,
                max(received_at) AS last_at
            FROM ops.deliveries
            WHERE problem IS NULL
            GROUP BY feed
        ) AS ends USING (feed)
        WHERE deliveries.problem IS NULL AND deliveries.received_at >= ends.last_at - interval '60 days'
    ) AS spaced
    GROUP BY feed
) AS gaps ON loads.feed = gaps.feed;

COMMENT ON VIEW ops.feeds IS
'Each feed that ever delivered, one row each: what came last and today, what is in quarantine, and
whether the feed is silent for longer than usual.';
COMMENT ON COLUMN ops.feeds.feed IS 'Feed, as in ops.deliveries.feed.';
COMMENT ON COLUMN ops.feeds.source IS 'Source of the feed.';
COMMENT ON COLUMN ops.feeds.last_delivery_at IS 'When a delivery was last loaded.';
COMMENT ON COLUMN ops.feeds.last_new_data_at IS
'When a delivery that changed something was last loaded; null if none ever did.';
COMMENT ON COLUMN ops.feeds.deliveries_today IS 'Number of deliveries received today (UTC).';
COMMENT ON COLUMN ops.feeds.records_today IS 'Number of source records in them.';
COMMENT ON COLUMN ops.feeds.rejected_today IS 'Number of these records that were rejected.';
COMMENT ON COLUMN ops.feeds.in_quarantine IS
'Number of records in quarantine, without dismissed ones.';
COMMENT ON COLUMN ops.feeds.oldest_reject_at IS
'When the first delivery with such a record was loaded; null if there is none.';
COMMENT ON COLUMN ops.feeds.silent_hours IS 'Hours since last_delivery_at.';
COMMENT ON COLUMN ops.feeds.longest_silence_hours IS
'Longest time between two deliveries of the 60 days until the last one, hours; null if there were not
two.';
COMMENT ON COLUMN ops.feeds.is_quiet IS
'True if the feed delivered on at least five of the 60 days until its last delivery, and is now silent for more than
26 hours and for more than one and a half times longest_silence_hours.';
