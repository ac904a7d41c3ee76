"""Flight itineraries with prices, from one JSON document that is published anew every day.

`client` fetches the document, `transform` makes rows of it (pure), `load` brings the tables up
to date with one archived snapshot, `assets` and `checks` show it to Dagster. Airports come from
the `airportsdata` package. What joins flights with other domains lives in `enriched`.
"""
