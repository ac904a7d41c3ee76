-- Readings of unknown stations.
SELECT
    readings.station_id,
    count(*) AS readings
FROM tides.readings
LEFT JOIN tides.stations USING (station_id)
WHERE stations.station_id IS NULL
GROUP BY readings.station_id
