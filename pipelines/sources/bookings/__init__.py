"""Hotel bookings: events from CSV files and from the hotel system's API, each of them once.

`transform` makes rows of what was sent (pure), `client` asks the API, `load` brings the table up to
date with one delivery, `polling` says how far the API was read; `assets` and `checks` show it to
Dagster. What is counted from the events lives in `metrics`, what is told of single reservations in
`enriched`.
"""
