"""Solar plants: the registry, the readings of the monitoring service, and which days are held.

`registry` keeps the plants. `sync` brings them up to date: `windows` says which days are missing,
`client` asks for them, `transform` reads an answer, `load` writes it with its bookkeeping. Energy
is taken as kWh and irradiation as Wh/m² in the hour: the service names no units.
"""
