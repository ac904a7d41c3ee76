"""Long-running processes and their commands: start-up, web UI, workers, backup and restore."""
