"""Dagster definitions from declared sources: assets, checks, jobs, schedules, sensors, alerts."""
