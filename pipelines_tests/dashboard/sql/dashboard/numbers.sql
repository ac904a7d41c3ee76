SELECT 57.25 AS price, 3 AS stops, 'x' AS name;
