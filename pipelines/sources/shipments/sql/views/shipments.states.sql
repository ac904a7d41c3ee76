CREATE OR REPLACE VIEW shipments.states AS
SELECT
    state.delivered_at,
    -- By a subquery, which a query that does not select it does not execute.
    (
        SELECT min(history.seen_at)
        FROM shipments.status_history AS history
        WHERE history.tracking_number = shipments.tracking_number
            AND history.carrier = shipments.carrier
            AND history.status IN ('inbound_scan', 'scanned')
    ) AS first_scanned_at,
    CASE
        WHEN NOT shipments.is_first_seen_delivered
            THEN (
                extract(EPOCH FROM state.delivered_at - shipments.under_way_at) / 3600
            )::double precision
    END AS transit_hours,
    state.is_open,
    state.is_open AND state.is_fresh AS is_on_its_way,
    state.is_open AND NOT state.is_fresh AS is_silent,
    coalesce(shipments.sent_from_address, shipments.sender_address) AS first_sender_address,
    shipments.*
FROM shipments.shipments
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN shipments.status_class = 'delivered' THEN shipments.status_changed_at
        END AS delivered_at,
        shipments.status_class IN ('under_way', 'exception') AS is_open,
        shipments.status_changed_at > now() - (
            SELECT coalesce(max(rules.stale_after), interval '720 hours') FROM shipments.rules
        ) AS is_fresh
) AS state;

COMMENT ON VIEW shipments.states IS
'shipments.shipments with what follows from the status now. Other views have their rules from here.';
COMMENT ON COLUMN shipments.states.delivered_at IS 'As in enriched.shipments.';
COMMENT ON COLUMN shipments.states.first_scanned_at IS 'As in enriched.shipments.';
COMMENT ON COLUMN shipments.states.transit_hours IS 'As in enriched.shipments.';
COMMENT ON COLUMN shipments.states.is_open IS 'Whether it has not ended.';
COMMENT ON COLUMN shipments.states.is_on_its_way IS 'As in enriched.shipments.';
COMMENT ON COLUMN shipments.states.is_silent IS 'As in enriched.shipments.';
COMMENT ON COLUMN shipments.states.first_sender_address IS
'Address from which it was first sent: the sender, or sent_from_address of a returned one.';
