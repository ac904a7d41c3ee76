CREATE OR REPLACE VIEW metrics.freshness AS
WITH states AS (
    SELECT
        catalog.source,
        sources.checked_at,
        sources.expected_within,
        sources.checked_at + sources.expected_within AS due_at,
        loads.last_new_data_at,
        CASE
            WHEN sources.checked_at IS NULL THEN 'never checked'
            WHEN sources.checked_at + sources.expected_within < now() THEN 'late'
            WHEN loads.is_quiet THEN 'quiet'
            WHEN sources.expected_within IS NULL THEN 'not scheduled'
            ELSE 'on time'
        END AS state
    FROM ops.catalog
    LEFT JOIN ops.sources USING (source)
    LEFT JOIN (
        SELECT
            source,
            max(last_new_data_at) AS last_new_data_at,
            bool_or(is_quiet) AS is_quiet
        FROM ops.feeds
        GROUP BY source
    ) AS loads USING (source)
    WHERE catalog.kind = 'source'
)

SELECT
    catalog.kind,
    catalog.name,
    catalog.source,
    own.checked_at AS last_checked_at,
    coalesce(newest.new_data_at, of_source.new_data_at, own.last_new_data_at) AS last_new_data_at,
    coalesce(newest.newest_at, of_source.newest_at) AS newest_at,
    (extract(EPOCH FROM own.expected_within) / 3600)::double precision AS expected_within_hours,
    coalesce(worst.state, own.state) AS state,
    worst.due_at,
    coalesce(worst.state = 'late', FALSE) AS is_late
FROM ops.catalog
INNER JOIN states AS own ON catalog.source = own.source
CROSS JOIN LATERAL (
    SELECT
        min(states.due_at) AS due_at,
        CASE
            WHEN bool_or(states.state = 'late') THEN 'late'
            WHEN bool_or(states.state = 'quiet') THEN 'quiet'
        END AS state
    FROM states
    WHERE states.source = ANY(catalog.reads)
) AS worst
LEFT JOIN ops.newest ON catalog.source = newest.source AND catalog.name = newest.name
LEFT JOIN ops.newest AS of_source
    ON catalog.source = of_source.source AND of_source.name IS NULL
WHERE catalog.kind <> 'feed';

COMMENT ON VIEW metrics.freshness IS
'How fresh the data are: one row for each source, and for each view and table in enriched and
metrics. A source that is checked in time but sends nothing new is on time; after an unusual silence
it is quiet; one that is not checked in time is late. A view that shows several sources
is as late as the latest of them.';
COMMENT ON COLUMN metrics.freshness.kind IS 'source or view (a table in metrics is called so, too).';
COMMENT ON COLUMN metrics.freshness.name IS
'Name of the source, or of the view as schema.name.';
COMMENT ON COLUMN metrics.freshness.source IS 'The source, also of a view.';
COMMENT ON COLUMN metrics.freshness.last_checked_at IS
'When a run last requested new data, and received everything that there was; null if never.';
COMMENT ON COLUMN metrics.freshness.last_new_data_at IS
'When data that changed something were last loaded; null if never.';
COMMENT ON COLUMN metrics.freshness.newest_at IS
'Newest time in the data, such as that of the last event or reading; null if there are no data, or
if the source does not say it.';
COMMENT ON COLUMN metrics.freshness.expected_within_hours IS
'Hours within which the source is checked again: the longest interval of its schedule, and two
hours. Null if it was never checked or has no schedule.';
COMMENT ON COLUMN metrics.freshness.state IS
'on time: it was checked in time; quiet: it was, but has been silent for longer than usual; late: it
was not checked in time, because its runs fail or nothing starts them; not scheduled: it was checked,
and no time is set for the next check; never checked: no run has ever checked it, because it is new
or off.';
COMMENT ON COLUMN metrics.freshness.due_at IS
'When the next check is due at the latest; null if no time is expected.';
COMMENT ON COLUMN metrics.freshness.is_late IS
'True if a source that it shows was not checked in time. False if no time is expected.';
