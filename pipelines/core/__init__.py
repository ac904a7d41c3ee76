"""What every source needs: HTTP, the warehouse, the ledger, contracts, the built-in server.

Nothing here knows Dagster, any domain, or the environment.
"""
