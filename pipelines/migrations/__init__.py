"""The warehouse's schema: tables of each source with their history, then views and functions.

`apply` migrates a database; `history` has the tables, `objects` what `.sql` files make; the
roles and schemas of `sql/` come before them.
"""
