"""Everything between a source's transport and its tables: ledger, quarantine, inbox, CSV."""
