"""Operations of the platform: problem detection, alerts and housekeeping.

`look` finds what is wrong now, by `problems`, and notes it. `alerts` and
`notifiers` notify people. `housekeeping` deletes old data. Contains
nothing specific to a source.
"""
