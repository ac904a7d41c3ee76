"""Scaffold of a source: what a sample says of its records, and a package that loads them."""
