"""The warehouse's schema: tables with their revisions, then views and functions."""
