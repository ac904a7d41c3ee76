-- Work: flat, 80 buffers
SELECT * FROM enriched.track(%(tracking_number)s, %(carrier)s);
