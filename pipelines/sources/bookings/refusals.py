"""Refused events of one delivery: into quarantine, counted, and when they are too many."""

from collections import Counter
from dataclasses import replace
from hashlib import sha256

from sqlalchemy import Connection, select

from pipelines.ingest.contract import Reject
from pipelines.ingest.deliveries import Delivery, count_reasons, refuse_if_mostly_bad, write_rejects
from pipelines.warehouse.tables import quarantine

FEW, EXAMPLES = 20, 3
MANY = 50_000
AT_ONCE = 10_000
"""So many keys are asked for in one query, which takes 65,535 parameters at most."""


class RejectCollector:
    """The refused events of a delivery, as they are found.

    Those of an answer are known by their text: read again with every overlap, they go to quarantine
    once.
    """

    def __init__(self, connection: Connection, delivery_id: int, *, is_answer: bool) -> None:
        self._connection, self._delivery_id, self._is_answer = connection, delivery_id, is_answer
        self.count = self.known = self.conflicts = 0
        self.examples: list[Reject] = []
        self.reasons = Counter[str]()

    def add(self, rejects: list[Reject], *, are_conflicts: bool = False) -> None:
        """Put events into quarantine that are not there yet."""
        fresh = self._fresh(rejects) if self._is_answer else rejects
        self.known += len(rejects) - len(fresh)
        self.count += len(fresh)
        self.conflicts += len(fresh) if are_conflicts else 0
        self.examples += fresh[: EXAMPLES - len(self.examples)]
        self.reasons.update(count_reasons(fresh))
        write_rejects(self._connection, self._delivery_id, fresh)

    def refuse_if_hopeless(self, delivery: Delivery, read: int, cap: float) -> None:
        """Raise `PermanentFailure` for what goes on and on with hardly a good event."""
        if self.count > MANY:
            self.refuse_if_mostly_bad(delivery, read, max(cap, 0.5))

    def refuse_if_mostly_bad(self, delivery: Delivery, read: int, cap: float) -> None:
        """Raise `PermanentFailure` when more than the share `cap` of the events is bad.

        A few of an answer are let pass whatever their share, as answers may be short; so are a few
        conflicts, which are well by themselves.
        """
        let_pass = self.conflicts if self.conflicts <= FEW else 0
        if self._is_answer and self.count <= FEW:
            return
        refuse_if_mostly_bad(
            delivery,
            read,
            self.count - let_pass,
            self.reasons,
            cap=cap,
            variable="BOOKINGS_MOST_BAD",
            examples=self.examples,
        )

    def _fresh(self, rejects: list[Reject]) -> list[Reject]:
        keyed = {_answer_key(one.raw): one for one in rejects}
        known: set[tuple[str, ...]] = set()
        keys = [list(key) for key in keyed]
        for start in range(0, len(keys), AT_ONCE):
            some = quarantine.c.record_key.in_(keys[start : start + AT_ONCE])
            found = self._connection.execute(select(quarantine.c.record_key).where(some))
            known |= {tuple(key) for key in found.scalars()}
        return [replace(one, key=key) for key, one in keyed.items() if key not in known]


def _answer_key(raw: str) -> tuple[str, str]:
    return "answer", sha256(raw.encode()).hexdigest()
