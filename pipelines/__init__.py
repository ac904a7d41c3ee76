"""Isobar: operational feeds in one PostgreSQL, joined and kept fresh.

Each source is a folder in `sources` with one declaration; `source` says what that is, and
everything else iterates over the declarations. Nothing happens at import.
"""
