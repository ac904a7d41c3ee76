"""Dashboards: a web app for managers that reads the warehouse as the analyst, and nothing else.

A source brings pages of its own in `dashboard.py`. Needs the extra `isobar[dashboard]`.
"""
