-- Last day with new data of a feed that loaded data on at least 14 of 28 days and none for three.
WITH days AS (
    SELECT DISTINCT date_trunc('day', loaded_at, 'UTC') AS day
    FROM ops.deliveries
    WHERE feed = :feed AND loaded_count > 0 AND loaded_at > now() - interval '118 days'
),

newest AS (SELECT max(day) AS day FROM days)

SELECT
    (newest.day AT TIME ZONE 'UTC')::date AS last_day,
    count(*) AS days_of_28
FROM newest
INNER JOIN days ON days.day > newest.day - interval '28 days'
WHERE newest.day BETWEEN now() - interval '90 days' AND now() - interval '4 days'
GROUP BY newest.day
HAVING count(*) >= 14
