"""The checks of the flights domain."""

from pipelines.asset_pages import asset_key, ledger_checks
from pipelines.flights import tables
from pipelines.flights.client import SOURCE

CHECKS = ledger_checks(asset_key(tables.itineraries), SOURCE)
