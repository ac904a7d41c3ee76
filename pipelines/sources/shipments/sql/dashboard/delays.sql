SELECT weather, parcels, mean_transit_hours, median_transit_hours, longest_transit_hours
FROM metrics.transit_by_weather(current_date - 90, current_date + 1)
ORDER BY array_position('{storm,freezing_rain,snow,heat,none}', weather);
