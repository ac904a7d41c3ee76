-- The archived document with a digest.
SELECT body_gzip
FROM flights.payloads
WHERE sha256 = :sha256
