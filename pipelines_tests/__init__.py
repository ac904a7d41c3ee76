"""Tests, in folders as the code has them; `drills` kill what runs and see what is left.

They use a PostgreSQL of their own, made for the session, and servers on loopback; never the
network, and never the files of this clone's `.isobar`.
"""
