-- Triggers of the ledger, after its tables and functions. Can be executed repeatedly.
DROP TRIGGER IF EXISTS reject_open_delivery ON ops.deliveries;

CREATE CONSTRAINT TRIGGER reject_open_delivery AFTER INSERT OR UPDATE ON ops.deliveries
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (new.is_open) EXECUTE FUNCTION ops.reject_open_delivery();

-- Retries too: they open the delivery again.
DROP TRIGGER IF EXISTS announce_delivery ON ops.deliveries;

CREATE TRIGGER announce_delivery AFTER UPDATE ON ops.deliveries
FOR EACH ROW
WHEN (old.is_open AND NOT new.is_open AND new.loaded_count > old.loaded_count)
EXECUTE FUNCTION ops.announce_delivery();
