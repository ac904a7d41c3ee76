-- Triggers of solar, after its tables and functions. Can be executed repeatedly.
CREATE OR REPLACE TRIGGER check_new_plant BEFORE INSERT ON solar.plants
FOR EACH ROW WHEN (new.time_zone <> 'UTC') EXECUTE FUNCTION solar.check_plant();

CREATE OR REPLACE TRIGGER check_changed_plant BEFORE UPDATE ON solar.plants
FOR EACH ROW WHEN (new.time_zone <> old.time_zone OR new.plant_id <> old.plant_id)
EXECUTE FUNCTION solar.check_plant();

CREATE OR REPLACE TRIGGER delete_plant BEFORE DELETE ON solar.plants
FOR EACH ROW EXECUTE FUNCTION solar.delete_plant();
