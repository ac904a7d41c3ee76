"""Schedules drawn by seeds: what feeds send, what befalls runs, and a model of the truth."""
