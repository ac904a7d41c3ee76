"""Requests to sources: one client with time-outs, retries, limits and readable failures."""
