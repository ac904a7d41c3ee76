"""The imitated weather providers and geocoder."""
