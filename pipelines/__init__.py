"""Isobar: operational feeds in one PostgreSQL, joined with the weather.

`core` holds what every source needs, each domain has a folder of its own, and
`definitions` puts them together for Dagster. Nothing happens at import.
"""
