"""Probes of the parts of the platform: databases, Dagster, the web UI."""
