CREATE TEMP TABLE stage_lines (
    record integer,
    raw text,
    tracking_number text,
    carrier text,
    sender_address text,
    receiver_address text,
    status text,
    status_raw text,
    sku text,
    article_name text,
    quantity integer,
    unit_price numeric(10, 2)
) ON COMMIT DROP;

CREATE TEMP TABLE refilled_shipments (tracking_number text, carrier text) ON COMMIT DROP;
