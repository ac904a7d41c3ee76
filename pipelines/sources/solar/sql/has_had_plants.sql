-- Whether a number was ever drawn for a plant, though it may be deleted again. Without a right to
-- the sequence its last value would be null, too; the loader has it.
SELECT last_value IS NOT NULL
FROM pg_sequences
WHERE schemaname = 'solar' AND sequencename = 'plants_plant_id_seq'
