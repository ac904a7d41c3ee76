SELECT day FROM {{ ref('daily_activity') }} WHERE day > (now() AT TIME ZONE 'UTC')::date + 1
