-- The offer whose price fell most with the last snapshot, by at least a twentieth.
SELECT
    offers.itinerary_id AS link_offer,
    coalesce(offers.origin_city, offers.origin_airport) AS origin,
    coalesce(offers.destination_city, offers.destination_airport) AS destination,
    offers.departure_on,
    fallen.before_amount,
    fallen.price_amount,
    fallen.price_currency,
    fallen.share
FROM (
    SELECT
        now.itinerary_id,
        before.price_amount AS before_amount,
        now.price_amount,
        now.price_currency,
        1 - now.price_amount / before.price_amount AS share
    FROM flights.prices AS now
    INNER JOIN flights.prices AS before
        ON
            now.itinerary_id = before.itinerary_id
            AND now.price_currency = before.price_currency
            AND before.seen_until_at < now.seen_from_at
    WHERE
        now.seen_until_at IS NULL
        AND now.seen_from_at = (SELECT max(snapshot_at) FROM flights.snapshots WHERE is_loaded)
        AND before.price_amount > 0
        -- The price just before, not one of weeks ago.
        AND before.seen_until_at >= now.seen_from_at - interval '3 days'
        AND now.price_amount <= 0.95 * before.price_amount
    ORDER BY share DESC, now.itinerary_id
    LIMIT 1
) AS fallen
INNER JOIN enriched.itineraries AS offers USING (itinerary_id)
WHERE offers.withdrawn_at IS NULL AND offers.departure_on IS NOT NULL;
