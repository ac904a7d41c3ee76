"""The cookbook: its answers on data that stay the same."""
