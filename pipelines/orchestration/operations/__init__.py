"""What keeps the platform running by itself, and reports when it does not.

`problems` with `unresolved_failures` (what is wrong now), `alert_sensor` with `alert_messages` and
`notifiers` (who is notified), `housekeeping` with `pruning` and `retention`. Nothing of a source.
"""
