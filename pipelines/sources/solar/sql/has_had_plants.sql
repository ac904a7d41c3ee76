-- Whether a plant was ever registered, even if it was deleted since. Without rights on the
-- sequence, last_value would also be null; the loader has them.
SELECT last_value IS NOT NULL OR EXISTS (SELECT FROM solar.plants)
FROM pg_sequences
WHERE schemaname = 'solar' AND sequencename = 'plants_plant_id_seq'
