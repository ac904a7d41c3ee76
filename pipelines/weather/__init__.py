"""One store of the weather for all domains: where places are, how it is there, and each call.

`geocoding` finds places, `providers` ask how the weather is (one file each), `readings` says what
they have in common (pure), `load` claims places that are due and writes what came, `assets` and
`checks` show it to Dagster. Which places are in use is read from the domains' tables, in SQL.
"""
