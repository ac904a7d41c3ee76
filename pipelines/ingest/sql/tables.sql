-- Triggers of the ledger, after its tables and functions. Can be executed repeatedly.
DROP TRIGGER IF EXISTS reject_open_delivery ON ops.deliveries;

CREATE CONSTRAINT TRIGGER reject_open_delivery AFTER INSERT OR UPDATE ON ops.deliveries
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (new.is_open) EXECUTE FUNCTION ops.reject_open_delivery();
