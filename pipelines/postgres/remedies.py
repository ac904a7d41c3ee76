"""Remedies for common PostgreSQL server errors, by error message."""

import re

#: Remedies by a pattern of the server's message.
REMEDIES = {
    "No space left on device|disk is full": "Make room on the disk of the server's data and of"
    " ISOBAR_HOME, then run again.",
    "too many (clients|connections)|connection slots": "End sessions of others, or let the server"
    " have more of them (max_connections, CONNECTION LIMIT), then run again.",
    "authentication failed|no password supplied": "Correct the user and the password in the"
    " address, or in its _PASSWORD variable; those of the built-in server are in passwords.json of"
    " its folder. Then run again.",
    "unsupported startup parameter": "A pooler in between rejects `options`. Set the"
    " address to the server itself.",
    "files are incompatible": "Dump it with that version (pg_dumpall), move the folder away, start"
    " anew and restore; or move it away and run again: the sources are read anew.",
    "out of memory": "Give the server more memory, or run less at once, then run again.",
    "lock timeout|deadlock": "Wait until the sessions in the way have ended, or end them:"
    " pg_locks, joined with pg_stat_activity by pid, has them. Then run again.",
}


def remedy_for(message: str, otherwise: str) -> str:
    """Return the remedy for a server's error message, or `otherwise` if it is unknown."""
    found = (remedy for words, remedy in REMEDIES.items() if re.search(words, message))
    return next(found, otherwise)
