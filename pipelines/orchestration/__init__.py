"""From declared sources to Dagster: assets, checks, schedules, sensors, alerts, retention."""
