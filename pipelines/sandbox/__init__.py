"""All sources simulated over HTTP on loopback: the same data for the same seed and day.

`app` serves them, `faults` corrupts responses on demand, and each source has a module that
generates its data. That module shares no code with the loaders, which only use another URL.
"""
