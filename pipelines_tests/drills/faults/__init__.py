"""Every source with every fault: what lands, what is kept aside, what the run says.

`faults` spoil true answers; `sources`, `weather_sources` and `file_sources` describe how a source
is queried and what it serves; `cells` runs one source with one fault. docs/reliability.md has a row
for each cell.
"""
