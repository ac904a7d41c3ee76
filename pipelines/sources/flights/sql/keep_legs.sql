-- The legs of an offer whose record was rejected are not gone: its last accepted record stays.
INSERT INTO stage_rejected_legs (leg_id)
SELECT unnest(prices.leg_ids)
FROM flights.prices
INNER JOIN stage_rejected_prices USING (itinerary_id)
WHERE prices.seen_until_at IS NULL
