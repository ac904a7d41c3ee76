"""Dashboards: a web app for managers that reads the warehouse as the analyst, read-only.

A source adds its own pages in `dashboard.py`. Requires the extra `isobar[dashboard]`.
"""
