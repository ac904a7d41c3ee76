"""Isobar: operational feeds in one PostgreSQL, joined and kept fresh.

Each source is a folder in `sources` with one declaration; `source` says what that is, and
everything else iterates over the declarations. Nothing else happens at import.
"""

import gc

# A start makes hundreds of thousands of objects that stay: to look through them again and again for
# garbage took a tenth of it.
gc.set_threshold(10_000, 20, 100)
