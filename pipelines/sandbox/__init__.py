"""The sources, simulated over HTTP on loopback: the same data for the same seed and day.

`app` serves them, `faults` spoils answers on demand, and each source has a module that makes up
its data. It shares no code with the pipelines; to them it is just another address.
"""
