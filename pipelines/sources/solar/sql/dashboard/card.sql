-- Energy of the last whole day of all plants, and of the days before it.
SELECT
    day,
    observed_energy_kwh AS value,
    change_kwh AS change,
    CASE
        WHEN whole_plants = 0 THEN
            to_char(day, 'FMDD Mon') || ': no plant has the whole day yet'
        ELSE
            to_char(day, 'FMDD Mon') || ', whole day of '
            || whole_plants || ' of ' || plants || ' plants'
            || coalesce('; ' || round((100 * performance_ratio)::numeric) || ' %% of what was expected', '')
            || CASE
                WHEN compared_plants < whole_plants
                    THEN '; the change is of ' || compared_plants || ' with both days'
                ELSE ''
            END
    END AS detail
FROM metrics.solar_fleet_days
ORDER BY day;
