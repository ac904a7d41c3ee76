"""Schedules drawn by seeds: what feeds tell, what befalls runs, and a model of the truth."""
