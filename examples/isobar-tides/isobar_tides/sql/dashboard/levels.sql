SELECT read_at, station_name, level_cm
FROM enriched.tide_levels
WHERE read_at >= now() - make_interval(days => %(days)s)
ORDER BY read_at, station_name;
