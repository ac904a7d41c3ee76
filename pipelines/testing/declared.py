"""What a declaration gives: a driver of each of its feeds, and the class of its contract tests."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from pipelines.ingest.feeds import Feed, FileInbox, HttpDocument, Insert, PagedApi, Upsert
from pipelines.source import Source
from pipelines.testing.drivers import Driver, Files
from pipelines.testing.pytest_plugin import Start
from pipelines.testing.records import CannotGenerate, ModelRecords
from pipelines.testing.suite import Contract, ledger_is_true


def contract(
    source: Source,
    *,
    drivers: Sequence[type[Driver]] = (),
    not_driven: Mapping[str, str] | None = None,
) -> type[Contract]:
    """Make the class of the contract tests of a source.

    Records are made from the models of its parser. `drivers` are subclasses of `Driver`, or of one
    of `drivers_of`, that say what cannot be made; `not_driven` names feeds that other tests cover,
    each with the reason.
    """
    own = {one.feed_name or one.source for one in drivers}
    others = [one for one in source.feeds if one.name not in own]
    kinds = [*drivers]
    problems = {one.name: "nothing drives it" for one in others if not one.fetchers}
    for feed in others:
        try:
            kinds += [driver_of(source, feed, one) for one in feed.fetchers]
        except CannotGenerate as problem:
            problems[feed.name] = str(problem)

    @pytest.fixture(params=kinds, ids=lambda one: one.title)
    def driver(
        self: Contract,  # noqa: ARG001 - of the class
        request: pytest.FixtureRequest,
        isobar_start: Start,
    ) -> Iterator[Driver]:
        """Each feed in turn, with nothing delivered yet; its ledger is true at the end."""
        started = isobar_start(request.param)
        yield started
        ledger_is_true(started)

    values = {"source": source, "drivers": kinds, "problems": problems, "driver": driver}
    values |= {"not_driven": not_driven or {}, "__doc__": f"The contract of {source.name}."}
    return type(f"{source.name.title()}Contract", (Contract,), values)


def drivers_of(source: Source) -> list[type[Driver]]:
    """Return the drivers of a source's feeds, for tests of one's own. Raises `CannotGenerate`."""
    return [driver_of(source, feed, fetcher) for feed in source.feeds for fetcher in feed.fetchers]


def driver_of(source: Source, feed: Feed, fetcher: Any) -> type[Driver]:
    """Return the driver of one way into a feed. Raises `CannotGenerate`."""
    made = {one.at: ModelRecords(one.model, source.table(one.table)) for one in feed.records}
    by_key = isinstance(feed.load, Insert | Upsert)
    # Only JSON lines have room for every wrong value.
    is_known = isinstance(fetcher, HttpDocument | PagedApi) or (
        isinstance(fetcher, FileInbox) and ".jsonl" in fetcher.suffixes
    )
    if not (made and is_known and by_key):
        words = "its own Python or SQL reads or stores it, or its inbox takes no .jsonl"
        raise CannotGenerate(f"of {feed.name}, {words}: nobody knows what its records are")
    is_paged, is_inbox = isinstance(fetcher, PagedApi), isinstance(fetcher, FileInbox)
    values: dict[str, Any] = {
        "title": feed.name + (", files" if is_inbox else ", API" if is_paged else ""),
        "source": source.name,
        "feed_name": feed.name,
        "made": made,
        "counted": len(made),
        "latest_wins": isinstance(feed.load, Upsert),
        "setting": fetcher.setting,
        "options": {"read_whole": True} if is_paged else {},
        "__doc__": f"Drives the feed {feed.name}.",
    }
    return type(f"{feed.name.title()}Driver", (Files if is_inbox else Driver,), values)
