"""One store of the weather for all domains: where places are, how it is there, and each call.

`locate` keeps places and looks them up by `geocoding`; `providers` ask how the weather is (one file
each), `readings` says what they have in common (pure); `refresh` and `hours` claim places that are
due, ask and write; `calls` keeps the book. `assets` and `checks` show it to Dagster. Which places
are in use is read from the domains' tables, in SQL.
"""
