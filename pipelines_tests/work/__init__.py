"""Counted work: what statements read and loads write, the same on every machine.

A statement says in a comment how much it may read: `-- Work: flat, 400 buffers: ORDER BY …`. Here
it is executed on two databases of which one has ten times the rows.
"""
