"""The warehouse's schema: Alembic on what `tables.py` files declare, then views and functions.

`apply` does it; `versions` holds the migrations, `roles.sql` what has to be there before them.
"""
