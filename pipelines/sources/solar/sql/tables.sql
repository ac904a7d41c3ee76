-- Triggers of solar, after its tables and functions. Can be executed repeatedly.
CREATE OR REPLACE TRIGGER check_new_plant BEFORE INSERT ON solar.plants
FOR EACH ROW WHEN (new.time_zone <> 'UTC') EXECUTE FUNCTION solar.check_plant();

CREATE OR REPLACE TRIGGER check_changed_plant BEFORE UPDATE ON solar.plants
FOR EACH ROW WHEN (new.time_zone <> old.time_zone OR new.plant_id <> old.plant_id)
EXECUTE FUNCTION solar.check_plant();

CREATE OR REPLACE TRIGGER delete_plant BEFORE DELETE ON solar.plants
FOR EACH ROW EXECUTE FUNCTION solar.delete_plant();

-- Of a database of 4.0, whose days have no losses yet.
SELECT solar.keep_losses(days.plant_id, array_agg(days.day))
FROM solar.days
LEFT JOIN metrics.solar_day_losses AS kept USING (plant_id, day)
WHERE kept.day IS NULL
GROUP BY days.plant_id;
