-- The offer whose price fell most with the last snapshot, by at least a twentieth.
SELECT
    itinerary_id AS link_offer,
    offers.from_city AS origin,
    offers.to_city AS destination,
    offers.departure_on,
    changes.previous_amount,
    changes.price_amount,
    changes.price_currency,
    -changes.change_pct AS fall_pct
FROM metrics.flight_price_changes AS changes
INNER JOIN enriched.itineraries AS offers USING (itinerary_id)
WHERE offers.on_offer AND changes.change_pct <= -5
ORDER BY changes.change_pct, itinerary_id
LIMIT 1;
