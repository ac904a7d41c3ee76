"""The imitated monitoring service of solar plants."""
