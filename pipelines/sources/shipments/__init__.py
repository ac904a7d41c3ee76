"""Parcel shipments with their articles, from CSV files that others drop into an inbox.

`transform` makes rows of lines (pure), `addresses` reads postal addresses (pure), `load` brings the
tables up to date with one file, `assets` and `checks` show it to Dagster. Files are found and
opened by `core.inbox`, read by `core.csv_records`. Views for analysts live in `enriched`.
"""
