CREATE OR REPLACE FUNCTION metrics.carrier_lanes(
    from_day date,
    to_day date,
    OUT carrier text,
    OUT sender_country_code text,
    OUT receiver_country_code text,
    OUT parcels bigint,
    OUT delivered bigint,
    OUT median_transit_hours double precision,
    OUT p90_transit_hours double precision,
    OUT promised bigint,
    OUT delivered_with_promise bigint,
    OUT on_time bigint,
    OUT on_time_ratio double precision,
    OUT overdue bigint,
    OUT exceptions bigint,
    OUT returned bigint,
    OUT lost bigint,
    OUT cancelled bigint,
    OUT silent bigint,
    OUT at_risk bigint
)
RETURNS SETOF record
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 100
AS $$
#variable_conflict use_column
BEGIN
    IF from_day IS NULL OR to_day IS NULL OR from_day > to_day THEN
        RAISE EXCEPTION 'from_day is missing, or to_day is missing or before it'
        USING ERRCODE = 'invalid_parameter_value',
            HINT = 'metrics.carrier_lanes(current_date - 30, current_date)';
    END IF;
    RETURN QUERY
    SELECT
        shipments.carrier,
        coalesce(sent_from.country_code, shipments.sender_country_code),
        CASE
            WHEN stored.sent_from_address <> stored.sender_address THEN shipments.sender_country_code
            ELSE shipments.receiver_country_code
        END,
        count(*),
        count(shipments.delivered_at),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY shipments.transit_hours),
        percentile_cont(0.9) WITHIN GROUP (ORDER BY shipments.transit_hours),
        count(shipments.promised_on),
        count(shipments.is_on_time),
        count(*) FILTER (WHERE shipments.is_on_time),
        avg(shipments.is_on_time::integer)::double precision,
        count(*) FILTER (WHERE shipments.is_overdue),
        count(*) FILTER (WHERE shipments.exceptions > 0),
        count(*) FILTER (WHERE shipments.status_class = 'returned'),
        count(*) FILTER (WHERE shipments.status_class = 'lost'),
        count(*) FILTER (WHERE shipments.status_class = 'cancelled'),
        count(*) FILTER (WHERE shipments.is_silent),
        count(*) FILTER (WHERE shipments.is_at_risk)
    FROM enriched.shipments
    INNER JOIN shipments.shipments AS stored USING (tracking_number, carrier)
    LEFT JOIN shipments.addresses AS sent_from ON stored.sent_from_address = sent_from.address
    WHERE
        shipments.first_seen_at >= from_day::timestamp AT TIME ZONE 'UTC'
        AND shipments.first_seen_at < to_day::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1, 2, 3;
END
$$;

COMMENT ON FUNCTION metrics.carrier_lanes(date, date) IS
'Returns how carriers do on each lane, from the country of the sender to that of the receiver, one row
each; a returned parcel belongs to the lane of its way there. It is about the parcels that were first seen from from_day (UTC) up to, but not including, to_day.
A country is null if it is unknown. median_transit_hours and p90_transit_hours are of whole journeys
(transit_hours of enriched.shipments): nine of ten parcels took no longer than the latter. on_time_ratio
is on_time by delivered_with_promise, parcels that were delivered and have a promised day; null if there
are none. overdue parcels have not ended although the promised day is over. exceptions counts parcels
that ever had one. silent and at_risk are as in enriched.shipments, as of now. Raises an error (22023)
if a day is missing or to_day is before from_day.
Example: SELECT * FROM metrics.carrier_lanes(current_date - 30, current_date);';
