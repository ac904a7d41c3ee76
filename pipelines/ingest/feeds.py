"""Feeds: how deliveries of a source come, a pure function that parses them, how rows are stored.

The runner opens and closes the delivery, writes rejects, counts, caps and retries: no source does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.failures import Failure
    from pipelines.ingest.contract import Reject
    from pipelines.ingest.deliveries import Delivery
    from pipelines.ingest.load import Load

#: The name of a file in the source's `sql` folder, with one or more statements.
Sql = str
#: The package of the project's own sources.
IN_TREE = "pipelines.sources"


@dataclass(frozen=True, kw_only=True)
class Input:
    """An external input of a source, shown as a separate node in the asset graph."""

    name: str
    about: str
    #: Its kind, which selects an icon in the graph: csv, json, python.
    kind: str
    #: The variable with its location, if any.
    setting: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Fetcher:
    """A way in which deliveries come, and where from."""

    #: By default it is made of the source and the setting.
    input: Input = Input(name="", about="", kind="")


@dataclass(frozen=True, kw_only=True)
class FileInbox(_Fetcher):
    """Files dropped into a folder; each content is loaded once, in its own transaction."""

    #: The help of `isobar import <source>`.
    import_help: str = "Load a file."
    #: Ends of names of files; by default all that the parser reads.
    suffixes: tuple[str, ...] = ()
    #: The settings field with the folder.
    setting: str = "inbox"
    #: Describes how files are parsed. Rejected files are retried when it changes.
    parse_options: Callable[[Any], str] = lambda settings: ""  # noqa: ARG005


@dataclass(frozen=True, kw_only=True)
class PolledApi(_Fetcher):
    """An API that the source's own function reads, from a watermark on."""

    #: Called with the feed's runner, and whether all is read again. Returns the counts, and the
    #: error if it could not be read to its end; None if it is off.
    poll: Callable[..., tuple[list[Any], Failure | None] | None]


@dataclass(frozen=True, kw_only=True)
class _Http(_Fetcher):
    """Requests to a service: its address, and what is sent with each request."""

    #: The settings field with the URL.
    setting: str = "url"
    #: Sent with each request; `{token}` stands for the settings field `token`. Any other word
    #: in braces is sent as it is.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Parameters of each request, written like `headers`.
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HttpDocument(_Http):
    """A JSON document at one URL, loaded whenever it is fetched; unchanged content is a no-op."""


@dataclass(frozen=True, kw_only=True)
class Since:
    """Only records from a time on are requested: the newest of whole reads, less an overlap."""

    #: The parameter that has the time.
    parameter: str
    #: The column of the feed's first table with the time of a record.
    column: str
    #: Records that come later than this are found by `read_whole` alone.
    overlap: dt.timedelta = dt.timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class NextLink:
    """Each page has the address of the next one: at a place of the document, or in `Link`.

    Parameters that the address lacks, such as a key, are sent again.
    """

    #: Where in the document, such as `next` or `links.next`; empty: the header `Link`.
    at: str = "next"


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Each page has a value that is sent as a parameter to get the next one."""

    #: Where in the document, such as `next_cursor` or `meta.cursor`.
    at: str = "next_cursor"
    parameter: str = "cursor"


@dataclass(frozen=True, kw_only=True)
class PageNumber:
    """Pages are numbered; the first one without a record is the end."""

    parameter: str = "page"
    first: int = 1


@dataclass(frozen=True, kw_only=True)
class Offset:
    """Pages begin at a number of records; the first one without a record is the end.

    An API may give less than the requested `size`. The next page begins as many records later as
    the page has. Where pages have several lists, these are those of the list `at`; without it, or
    behind its end, `size`, or of a page that has less those of its shortest list, so that some
    come twice.
    """

    parameter: str = "offset"
    size: int = 100
    size_parameter: str = "limit"
    #: Where in the document the list is whose records are counted, such as `data.items`.
    at: str = ""


Pagination = NextLink | Cursor | PageNumber | Offset


@dataclass(frozen=True, kw_only=True)
class PagedApi(_Http):
    """An API that answers page by page; each page is a delivery, named after its request.

    If all pages are those of the last time, nothing is loaded; otherwise every page is.
    """

    pagination: Pagination = field(default_factory=NextLink)
    since: Since | None = None


@dataclass(frozen=True, kw_only=True)
class Batches(_Fetcher):
    """Batches of records that a function yields, such as those of another tool's connector.

    Each batch is a delivery. If all batches are those of the last time, nothing is loaded.
    """

    #: Called with the settings; yields names of deliveries and their documents. It runs outside of
    #: transactions, and may open connections.
    fetch: Callable[[Any], Iterable[tuple[str, Any]]]


Fetcher = FileInbox | PolledApi | HttpDocument | PagedApi | Batches


@dataclass(frozen=True, kw_only=True)
class Content:
    """What was received of a delivery: a file, a document, or what of it is in quarantine."""

    delivery: Delivery
    file: BinaryIO | None = None
    #: The parsed JSON, or what else the fetcher gives the parser.
    document: Any = None
    #: Where it came from, for messages: a path, a URL.
    place: str = ""
    #: What the fetcher says of it, such as a time window: parameters of statements.
    said: Mapping[str, Any] = field(default_factory=dict)
    #: Whether records come again with every request, so that only new rejects count.
    is_overlapping: bool = False
    #: The records of a retry, each with its `number` in the delivery and its `raw` text as stored;
    #: None if the delivery is loaded for the first time.
    quarantined: Sequence[Any] | None = None
    #: The header of the CSV file that they are from.
    header: str | None = None


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a parser may know beside the content."""

    source: str
    settings: Any
    #: The columns of the primary key of each of the source's tables.
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A batch of a delivery: rows for stages, and rejects.

    Frames have the column `record`, the number of each row's record in the delivery, and `raw`, its
    text, where rows are compared with each other.
    """

    #: Number of records.
    read: int = 0
    #: Rows by the name of the stage or table.
    rows: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    rejects: Sequence[Reject] = ()
    #: Number of good records that the delivery is not about, or that repeat others.
    skipped: int = 0
    #: Further parameters of statements; of the first batch.
    parameters: Mapping[str, Any] = field(default_factory=dict)
    #: Number of records by list, if each list has a cap of its own; records are numbered through.
    lists: Mapping[str, int] = field(default_factory=dict)
    drift: Sequence[str] = ()
    #: What lines of a CSV file need in order to be parsed again; of the first batch.
    header: str | None = None
    #: Formats the position of a record.
    position: Callable[[int], str] = "line {}".format
    #: Returns the text of a record, if rows do not have it.
    raw: Callable[[int], str] = str


Parse = Callable[[Content, Context], Iterable[Parsed]]


@dataclass(frozen=True, kw_only=True)
class Cap:
    """The share of bad records above which a delivery is rejected as a whole.

    Up to `few` bad ones are accepted whatever their share. `setting` names the settings field that
    has the share.
    """

    share: float = 0.5
    few: int = 20
    setting: str | None = None


@dataclass(frozen=True)
class Upsert:
    """A row replaces the stored one with the same primary key.

    Frames belong to tables of the source. Of several records with the same key in a delivery, the
    first one counts; others are rejected unless they are equal. A retry inserts only missing rows
    once a later delivery was loaded.
    """


@dataclass(frozen=True)
class Insert:
    """The first row with a primary key stays.

    Frames belong to tables of the source. A later record with the same key is unchanged if it is
    equal, or else rejected (`came_before`), also within a delivery; it stays in quarantine until
    somebody dismisses it.
    """


#: A file in the `sql` folder of the source with statements in order, or a function of the load.
Step = Sql | Callable[["Load"], None]


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A stream of deliveries: how they come, what their rows are, how these are stored."""

    #: Its name in the ledger, by default the source's.
    name: str = ""
    fetch: Fetcher | tuple[Fetcher, ...] = ()
    #: Pure: no clock, no database, no files but the content.
    parse: Parse
    #: How rows are stored: by primary key, by the source's own steps, in order, or by its own class
    #: with the methods of `StagedWriter`. Statements are executed as the loader and see
    #: `:delivery_id`, `:seen_at`, `:changed_at`, `:is_retry`, the settings, what fetcher and parser
    #: say, and `:read_<list>`. Beside the stages they have temporary tables to write to: `rejected`
    #: (record, raw, reason_code, reason, is_final, record_key), the records that they take out of
    #: the stages; `corrected` (quarantine_id), the records in quarantine that the delivery
    #: corrects; and `counted` (loaded, stored), how many records changed a row, and how many the
    #: tables now hold. `SELECT ops.reject_delivery(problem, remedy) FROM …` rejects the delivery as
    #: a whole.
    load: tuple[Step, ...] | Upsert | Insert | Callable[[Load], Any] = Upsert()
    #: With steps, the temporary tables into which rows are staged, each with the table whose column
    #: types it has, or with its columns and their types.
    stages: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    #: The columns of stages that are the `record_key` of their records: a record in quarantine with
    #: the key of a valid one is corrected. With `Upsert` and `Insert`, the table and primary key.
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Tables whose statistics are refreshed after steps have changed much of what was read.
    analyze: tuple[str, ...] = ()
    cap: Cap = Cap()

    @property
    def fetchers(self) -> tuple[Fetcher, ...]:
        """The ways in which deliveries come."""
        return self.fetch if isinstance(self.fetch, tuple) else (self.fetch,)

    @property
    def keeps_rejects_once(self) -> bool:
        """Whether a bad record that is sent again is kept once, and counts as unchanged.

        Else each delivery is a whole document, which keeps its own.
        """
        return any(isinstance(one, FileInbox | PagedApi | Batches) for one in self.fetchers)

    @property
    def retried_by(self) -> Literal["parse", "fetch"] | None:
        """How quarantined records are tried again: each is parsed, or all of it is fetched."""
        if any(isinstance(one, FileInbox) for one in self.fetchers):
            return "parse"
        return "fetch" if any(isinstance(one, _Http | Batches) for one in self.fetchers) else None

    @property
    def records(self) -> tuple[Any, ...]:
        """The `Records` that its parser declares; a function declares none."""
        return tuple(getattr(self.parse, "records", ()))


def is_own(package: str) -> bool:
    """Return whether a source's package is one of the project's own, not a plug-in's."""
    return package.startswith(f"{IN_TREE}.")
