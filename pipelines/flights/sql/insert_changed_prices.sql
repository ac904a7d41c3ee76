-- A row for each price that differs from the last one known before this day. When the day is
-- loaded again with another price, its row takes that price.
WITH written AS (
    INSERT INTO flights.prices AS held (
        itinerary_id, seen_from_on, price_amount, price_currency, delivery_id
    )
    SELECT DISTINCT ON (staged.itinerary_id)
        staged.itinerary_id,
        :snapshot_on,
        staged.price_amount,
        staged.price_currency,
        :delivery_id
    FROM stage_prices AS staged
    LEFT JOIN LATERAL (
        SELECT
            known.price_amount,
            known.price_currency
        FROM flights.prices AS known
        WHERE known.itinerary_id = staged.itinerary_id
            AND known.seen_from_on <= :snapshot_on
        ORDER BY known.seen_from_on DESC
        LIMIT 1
    ) AS last ON TRUE
    WHERE (last.price_amount, last.price_currency)
        IS DISTINCT FROM (staged.price_amount, staged.price_currency)
    ORDER BY staged.itinerary_id, staged.record
    ON CONFLICT (itinerary_id, seen_from_on) DO UPDATE SET
        price_amount = excluded.price_amount,
        price_currency = excluded.price_currency,
        delivery_id = excluded.delivery_id
    RETURNING itinerary_id
)
INSERT INTO changed (record)
SELECT record
FROM stage_prices
INNER JOIN written USING (itinerary_id)
