"""Counted work: what statements read and loads write, the same on every machine.

It is counted on two databases of which one has ten times the rows.
"""
