"""The sources, imitated over HTTP on loopback: the same data for the same seed and day.

`app` serves them, `faults` spoils answers on demand, and each source has a module that makes up
its data. Nothing in the pipelines knows that this exists: it is just another address.
"""
