-- Operators maintain the registry of plants and can have days requested again.
GRANT INSERT, UPDATE, DELETE ON solar.plants TO isobar_operator;
GRANT USAGE ON SEQUENCE solar.plants_plant_id_seq TO isobar_operator;
GRANT UPDATE (retry_at) ON solar.days TO isobar_operator;
