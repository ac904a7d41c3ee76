"""One folder for each source; `pipelines.source` finds them."""
