"""What keeps the platform running by itself, and tells people when it does not.

`problems` (what is wrong now), `alerts`, `receivers` and `watch` (telling it), `housekeeping` with
`pruning` and `retention` (what has to go). Nothing of a domain.
"""
