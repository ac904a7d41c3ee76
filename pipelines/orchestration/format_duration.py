"""Format durations for people."""


def span_in_words(seconds: float) -> str:
    """Return a duration in short form: 12 s, 5 min, 3 h, 4 days."""
    for unit, size, most in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
