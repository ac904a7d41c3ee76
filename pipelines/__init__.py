"""Isobar: operational feeds in one PostgreSQL, joined and kept fresh.

Everything iterates over the declarations of `sources`; `source` says what one is.
"""

import gc

# A start makes hundreds of thousands of objects that stay: to look through them again and again for
# garbage took a tenth of it.
gc.set_threshold(10_000, 20, 100)
