-- Least squares of the ratio over days, and the best explanation by a step instead.
CREATE OR REPLACE VIEW metrics.solar_soiling AS
SELECT
    days.plant_id,
    plants.name AS plant_name,
    days.day,
    evidence.first_day AS since_day,
    evidence.usable_days::integer AS usable_days,
    solar.rounded(evidence.decline_pct) AS decline_per_day_pct,
    solar.rounded(evidence.t) AS t_statistic_ratio
FROM metrics.solar_day_losses AS days
INNER JOIN solar.plants ON days.plant_id = plants.plant_id
CROSS JOIN LATERAL (
    SELECT
        min(usable.day) AS first_day,
        max(usable.day) - min(usable.day) AS span_days,
        count(*) AS usable_days,
        avg(usable.soiling_ratio) AS mean,
        regr_sxx(usable.soiling_ratio, usable.day - days.day) AS sxx,
        regr_sxy(usable.soiling_ratio, usable.day - days.day) AS sxy,
        regr_syy(usable.soiling_ratio, usable.day - days.day) AS syy,
        array_agg(usable.soiling_ratio ORDER BY usable.day) AS ratios
    FROM metrics.solar_day_losses AS usable
    WHERE
        usable.plant_id = days.plant_id
        AND usable.day > days.day - 28
        AND usable.day <= days.day
        AND usable.soiling_ratio IS NOT NULL
    HAVING count(*) >= 20 AND avg(usable.soiling_ratio) > 0
) AS line
CROSS JOIN LATERAL (
    SELECT
        line.first_day,
        line.usable_days,
        -100 * line.sxy / line.sxx / line.mean AS decline_pct,
        line.sxy * line.sxy / line.sxx AS by_line,
        greatest(line.syy - line.sxy * line.sxy / line.sxx, 0) / (line.usable_days - 2) AS residual
) AS slope
CROSS JOIN LATERAL (
    SELECT
        slope.first_day,
        slope.usable_days,
        slope.decline_pct,
        CASE
            WHEN slope.residual > 0
                THEN line.sxy / line.sxx / sqrt(slope.residual / line.sxx)
            ELSE '-Infinity'
        END AS t
) AS evidence
CROSS JOIN LATERAL (
    SELECT
        max(parts.of_step) AS by_step,
        sum(parts.deviation) FILTER (WHERE parts.number > line.usable_days - 3) AS last_three
    FROM (
        SELECT
            each.number,
            each.ratio - line.mean AS deviation,
            CASE
                WHEN each.number < line.usable_days
                    THEN power(sum(each.ratio - line.mean) OVER (ORDER BY each.number), 2)
                        * line.usable_days
                        / (each.number * (line.usable_days - each.number))
            END AS of_step
        FROM unnest(line.ratios) WITH ORDINALITY AS each (ratio, number)
    ) AS parts
) AS step
WHERE
    evidence.t <= -2.6
    AND evidence.decline_pct <= 1.0
    AND evidence.decline_pct * line.span_days >= 2.5
    AND step.by_step
    <= 0.9 * slope.by_line + 10 * (line.syy - step.by_step) / (line.usable_days - 3)
    AND step.last_three < 0;

COMMENT ON VIEW metrics.solar_soiling IS
'Days on which a plant is probably dirty, with the evidence. It is a slow decline of
weather_adjusted_ratio over the 28 days that end with the day, along a line rather than in a step; rain or
washing ends it.
Days with outages, low plants, failed sensors (together over 1 % of the expected energy) or impossible
energy are not used. A rule of thumb: on clean plants with daily noise of 1 to 3 %, it finds less than
one day in a hundred; a sudden loss of some 5 %, as of a string, may look like dirt. Fast if filtered by
plant_id and day.';
COMMENT ON COLUMN metrics.solar_soiling.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN metrics.solar_soiling.plant_name IS 'Name of the plant.';
COMMENT ON COLUMN metrics.solar_soiling.day IS 'The day, in the plant''s time zone.';
COMMENT ON COLUMN metrics.solar_soiling.since_day IS 'First usable day of the 28.';
COMMENT ON COLUMN metrics.solar_soiling.usable_days IS 'Number of days used: 20 or more.';
COMMENT ON COLUMN metrics.solar_soiling.decline_per_day_pct IS
'Decline of the ratio a day, in percent of its mean.';
COMMENT ON COLUMN metrics.solar_soiling.t_statistic_ratio IS
'Slope of the line by its standard error: -2.6 or less.';
