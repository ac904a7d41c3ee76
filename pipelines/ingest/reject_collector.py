"""Collects the rejects of one delivery: writes them to quarantine, and counts them for the cap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from pipelines.ingest.deliveries import (
    MAX_KEPT,
    Delivery,
    count_reasons,
    enforce_reject_cap,
    not_yet_in_quarantine,
    write_rejects,
)

if TYPE_CHECKING:
    from pipelines.ingest.contract import Reject


class RejectCollector:
    """The rejects of a delivery, written batch by batch.

    With `is_once`, a record that another delivery brought to quarantine is not written again and
    counts as unchanged; records are identified by their text. With `is_overlapping`, such as pages
    of an API that are read again and again, only new ones count for the cap.
    """

    def __init__(
        self, connection: Connection, delivery_id: int, *, is_once: bool, is_overlapping: bool
    ) -> None:
        self._connection, self._delivery_id = connection, delivery_id
        self._is_once, self._is_overlapping = is_once, is_overlapping
        #: Rejects in quarantine, rejects that were there already, rejects that count for the cap.
        self.written = self.known = self.bad = 0
        #: Of those that count, records that are valid by themselves and contradict stored ones.
        self.conflicts = 0
        #: Texts that were in quarantine already.
        self.again: set[str] = set()
        self._first: list[Reject] = []
        self._reasons = Counter[str]()

    def add(self, rejects: Sequence[Reject], *, are_conflicts: bool = False) -> None:
        """Put rejects into quarantine that are not there yet."""
        if not rejects:
            return
        sent = [*{one.raw: one for one in rejects}.values()] if self._is_overlapping else rejects
        fresh = (
            not_yet_in_quarantine(self._connection, self._delivery_id, sent)
            if self._is_once
            else sent
        )
        counting = fresh if self._is_overlapping else rejects
        self.known += len(rejects) - len(fresh)
        self.written += len(fresh)
        self.bad += len(counting)
        self.conflicts += len(counting) if are_conflicts else 0
        self._first += sent[: MAX_KEPT - len(self._first)]
        self._reasons.update(count_reasons(counting))
        if len(fresh) < len(sent):
            self.again |= {one.raw for one in sent} - {one.raw for one in fresh}
        write_rejects(self._connection, self._delivery_id, fresh)

    def enforce_cap(
        self,
        delivery: Delivery,
        read: int,
        *,
        share: float,
        few: int,
        variable: str | None,
        is_early: bool = False,
        key: str = "",
    ) -> None:
        """Raise `RejectedDelivery` if more than `share` of the records are bad.

        Up to `few` are accepted whatever their share, because a delivery may be short. So are a few
        conflicts, which are valid by themselves.
        """
        if self.bad <= few:
            return
        enforce_reject_cap(
            delivery,
            read,
            self.bad - (self.conflicts if self.conflicts <= few else 0),
            self._reasons,
            cap=share,
            variable=variable,
            rejects=self._first,
            is_early=is_early,
            key=key,
        )
