SELECT
    prices.snapshot_on, prices.price_amount, prices.price_currency, prices.agent,
    prices.rejection_reason, offers.withdrawn_on, offers.departure_on, offers.on_offer,
    offers.last_accepted_at::date AS last_accepted_on
FROM metrics.flight_prices_by_day AS prices
INNER JOIN enriched.itineraries AS offers
    ON prices.itinerary_id = offers.itinerary_id AND prices.route = offers.route
WHERE prices.itinerary_id = %(itinerary_id)s AND offers.itinerary_id = %(itinerary_id)s
ORDER BY prices.snapshot_on;
