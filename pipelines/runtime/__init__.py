"""Processes: bootstrap, the web UI and its supervisor, workers, backup and restore commands."""
