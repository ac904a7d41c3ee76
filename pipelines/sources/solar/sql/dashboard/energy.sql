-- By plant and period; rows without a plant are of all, rows without a period of the whole range.
SELECT *
FROM metrics.solar_periods(%(plants)s::integer[], %(from_date)s, %(to_date)s, %(period)s);
