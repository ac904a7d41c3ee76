"""What every source shares between its transport and its tables: ledger, quarantine, inbox, CSV."""
