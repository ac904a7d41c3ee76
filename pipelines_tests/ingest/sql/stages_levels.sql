CREATE TEMP TABLE stage_levels (
    record integer, station text, read_at timestamptz, level float8
) ON COMMIT DROP
