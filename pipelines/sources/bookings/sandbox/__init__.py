"""The imitated hotel system: events over HTTP and as files."""
