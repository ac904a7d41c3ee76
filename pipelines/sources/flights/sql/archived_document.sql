-- The archived document with the digest :sha256.
SELECT body_gzip
FROM flights.payloads
WHERE sha256 = :sha256
