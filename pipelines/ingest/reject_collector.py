"""Collects the rejects of one delivery: writes them to quarantine, and applies the feed's cap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from pipelines.failures import RejectedDelivery
from pipelines.ingest.deliveries import MAX_KEPT, not_yet_in_quarantine, write_rejects

if TYPE_CHECKING:
    from pipelines.ingest.contract import Reject
    from pipelines.ingest.feeds import Content
    from pipelines.ingest.load import Load

#: Bad records from which on a delivery is not read to its end if most of it is bad.
MANY_BAD = 50_000
#: Bad records that the failure of a rejected delivery shows.
EXAMPLES = 3


@dataclass
class _Tally:
    """The bad records that count for the cap: of a delivery, or of one of its lists."""

    #: Numbers of the list's records; None: all that are of no list.
    records: range | None = None
    bad: int = 0
    first: list[Reject] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(
        self, sent: Sequence[Reject], counting: Sequence[Reject], others: Sequence[range] = ()
    ) -> None:
        """Count rejects, and keep the first of what was sent; `others` are counted elsewhere."""
        if self.records is not None or others:
            sent, counting = (
                [reject for reject in some if self._has(reject.record, others)]
                for some in (sent, counting)
            )
        self.bad += len(counting)
        self.first += sent[: MAX_KEPT - len(self.first)]
        self.reasons.update(code for one in counting for code in one.codes)

    def _has(self, record: int, others: Sequence[range]) -> bool:
        if self.records is not None:
            return record in self.records
        return not any(record in other for other in others)


class RejectCollector:
    """The rejects of a delivery, written batch by batch.

    If the feed keeps them once, a text that is in quarantine is not written again and counts as
    unchanged. Of overlapping deliveries, as of an API, only new rejects count for the cap.
    """

    def __init__(self, load: Load, content: Content, settings: Any) -> None:
        self._connection, self._delivery_id = load.connection, load.delivery_id
        self._feed, self._content = load.feed, content
        tables = [load.owner.metadata.tables[one.table] for one in load.feed.records]
        self._key = " and ".join(column.name for table in tables for column in table.primary_key)
        cap, setting = load.feed.cap, load.feed.cap.setting
        self._share = float(getattr(settings, setting)) if setting else cap.share
        self._variable = settings.variable(setting) if setting else None
        # A retry of documents, whose records come again and again, has no header of a file.
        is_retried_document = load.is_retry and content.header is None
        self._is_overlapping = content.is_overlapping or is_retried_document
        #: Rejects in quarantine, and rejects that were there already.
        self.written = self.known = 0
        #: Texts that were in quarantine already.
        self.again: set[str] = set()
        self._others = _Tally()
        self._lists: list[_Tally] = []

    def count_by_list(self, lists: Iterable[int], first: int) -> None:
        """Apply the cap to each list by itself; their records are numbered from `first` on."""
        ends = [*accumulate(lists, initial=first)]
        self._lists += [_Tally(range(*two)) for two in pairwise(ends)]

    def add(self, rejects: Sequence[Reject]) -> None:
        """Put rejects into quarantine that are not there yet."""
        if not rejects:
            return
        sent = [*{one.raw: one for one in rejects}.values()] if self._is_overlapping else rejects
        where = self._connection, self._delivery_id
        fresh = not_yet_in_quarantine(*where, sent) if self._feed.keeps_rejects_once else sent
        counting = fresh if self._is_overlapping else rejects
        self.known += len(rejects) - len(fresh)
        self.written += len(fresh)
        for tally in self._lists:
            tally.add(sent, counting)
        self._others.add(sent, counting, [one.records for one in self._lists if one.records])
        if len(fresh) < len(sent):
            self.again |= {one.raw for one in sent} - {one.raw for one in fresh}
        write_rejects(*where, fresh)

    def enforce_cap(self, read: int, *, is_early: bool = False) -> None:
        """Raise `RejectedDelivery` if too many records are bad; early, most of many must be."""
        few = self._feed.cap.few
        for tally in (self._others, *self._lists):
            if tally.bad > (max(few, MANY_BAD) if is_early else few):
                count = read if tally.records is None else len(tally.records)
                self._enforce(count, tally.bad, tally.reasons, tally.first, is_early=is_early)

    def _enforce(
        self,
        read: int,
        rejected: int,
        reasons: Counter[str],
        rejects: Sequence[Reject],
        *,
        is_early: bool = False,
    ) -> None:
        share = max(self._share, 0.5) if is_early else self._share
        if rejected <= share * read:
            return
        top = "; ".join(f"{count} times {code}" for code, count in reasons.most_common(3))
        top += "".join(f"\n  {one.position}: {'; '.join(one.words)}" for one in rejects[:EXAMPLES])
        counted, most = f"{read:,} records are bad", f"the allowed {share:.0%}"
        if is_early:
            counted, most = f"the first {counted}", f"{share:.0%}; no more was read"
        problem = f"{rejected:,} of {counted}, more than {most}"
        remedy = "The sender has to correct these records and send them again."
        if self._key and reasons["came_before"] > rejected / 2:
            shared = f"{reasons['came_before']:,} of {read:,} rows share {self._key} with another"
            problem = f"{shared} one: is the key right? {problem}"
            remedy = f"Declare the fields that identify a record as the key. If they do: {remedy}"
        remedy += f" All that are kept: isobar quarantine show {self._feed.name}."
        if self._variable:
            remedy += f" {self._variable} sets the accepted share of bad records."
        failure = RejectedDelivery(
            self._feed.name,
            f"{problem}, and nothing was written: {top}",
            place=self._content.delivery.name,
            remedy=remedy,
        )
        failure.rejects = rejects[:MAX_KEPT]
        raise failure
