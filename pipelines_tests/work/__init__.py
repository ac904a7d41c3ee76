"""Counted work: what statements read on two databases, of which one has ten times the rows."""
