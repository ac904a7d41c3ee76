"""The warehouse's schema: tables with their revisions, then views and functions.

`apply` migrates a database. `history` manages the tables, `objects` whatever `.sql` files create.
The roles and schemas in `sql/` are created before them.
"""
