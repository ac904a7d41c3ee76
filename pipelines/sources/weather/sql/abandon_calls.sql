-- Calls of runs that died: no answer was kept, and their claims have ended.
UPDATE weather.calls
SET outcome = 'abandoned', problem = 'whoever asked was gone before the answer was kept'
WHERE outcome = 'started' AND called_at <= :before
