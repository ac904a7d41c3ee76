"""Operations of the platform: problem detection, alerts and housekeeping.

`problems` and `unresolved_failures` find what is wrong now. `alert_sensor`, `alert_messages` and
`notifiers` notify people. `housekeeping`, `pruning` and `retention` delete old data. Contains
nothing specific to a source.
"""
