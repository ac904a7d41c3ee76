SELECT * FROM enriched.track(%(tracking_number)s, %(carrier)s);
