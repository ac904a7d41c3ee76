"""Parcels and their articles, from CSV files that are dropped into an inbox.

`transform` converts lines to rows (pure), `addresses` parses addresses, and `sql` has the
statements that store them.
"""

from pydantic import field_validator

from pipelines.config import Settings as Platform
from pipelines.config.env_validation import invalid
from pipelines.source import (
    Check,
    Feed,
    Field,
    FileInbox,
    Folder,
    Input,
    Ledger,
    ReasonCode,
    Schedule,
    Source,
    SourceSettings,
    TextEncoding,
    deferred,
    folder,
)

#: The classes of known statuses. Any other status is of a parcel under way.
CLASSES = {
    "in_transit": "under_way",
    "inbound_scan": "under_way",
    "scanned": "under_way",
    "exception": "exception",
    "delivery": "delivered",
    "returned": "returned",
    "lost": "lost",
    "cancelled": "cancelled",
}


class Settings(SourceSettings, env_prefix="SHIPMENTS_"):
    """Where files of shipments come, and how they are encoded."""

    inbox: Folder = folder(
        "Folder for CSV files of shipments. Unset: .isobar/inbox/shipments with simulated files if"
        " ISOBAR_SOURCES is sandbox, off if it is live.",
        example="/data/shipments",
    )
    encoding: TextEncoding = Field(
        default="utf-8",
        description="Encoding of these files: utf-8, or another one that extends ASCII, such as"
        " cp1252.",
    )
    currency: str | None = Field(
        default=None,
        pattern="^[A-Z]{3}$",
        description="Currency of the prices in these files, which state none: an ISO 4217 code."
        " Unset: unknown, and EUR for simulated files. Loaded shipments keep theirs.",
        examples=["EUR"],
    )
    statuses: str | None = Field(
        default=None,
        description="What further statuses in these files mean: pairs with =, separated by commas."
        " Upper and lower case, spaces, - and _ make no difference. The meaning is in_transit,"
        " inbound_scan, scanned or exception, or an end: delivery, returned, lost or cancelled."
        " Shipments with such an unknown status get its meaning with the next load; those that"
        " have a meaning keep it.",
        examples=["DLV=delivery, on the road=in_transit, RTS=returned"],
    )
    stale_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="Days without a change of status after which a parcel that has not ended is"
        " silent: it is shown apart, and no weather is requested for it.",
    )

    @field_validator("statuses")
    @classmethod
    def _are_pairs(cls, statuses: str | None) -> str | None:
        pairs = [pair for pair in (statuses or "").split(",") if pair.strip()]
        for pair in pairs:
            status, is_pair, meaning = (part.strip() for part in pair.partition("="))
            if not (status and is_pair):
                raise invalid(f"has {pair.strip()!r}, which is not a pair such as DLV=delivery")
            if meaning not in CLASSES:
                raise invalid(
                    f"has {pair.strip()!r}, but the meaning of a status is one of"
                    f" {', '.join(CLASSES)}"
                )
        if statuses is not None and not pairs:
            raise invalid("has no pair such as DLV=delivery")
        return statuses

    @classmethod
    def _value(cls, platform: Platform, source: str, field: str) -> object:
        """Return a field's value; the simulated files are in euros."""
        own = platform.environment.get(cls.variable("inbox"), "").strip()
        value = super()._value(platform, source, field)
        is_simulated = platform.sources == "sandbox" and not own
        return "EUR" if field == "currency" and value is None and is_simulated else value


FILES = Input(
    name="shipments_files",
    about="CSV files of parcels, which arrive in an inbox folder at any time.",
    kind="csv",
    setting="SHIPMENTS_INBOX",
)

TABLES = (
    "shipments.shipments",
    "shipments.articles",
    "shipments.status_history",
    "shipments.addresses",
)

TEXTS = (
    *("raw", "tracking_number", "carrier", "sender_address", "receiver_address"),
    *("status", "status_raw", "sku", "article_name"),
)
#: The columns of a staged line.
LINE = dict.fromkeys(TEXTS, "text") | {
    **dict.fromkeys(("record", "quantity"), "integer"),
    "unit_price": "numeric",
    "promised_on": "date",
}

feed = Feed(
    name="shipments",
    fetch=FileInbox(
        input=FILES,
        parse_options=lambda settings: settings.encoding,
        import_help="Load a CSV file of shipments as if from the inbox; loading it twice"
        " changes nothing.\n\nIt has one line for each article. The columns are"
        " tracking_number, carrier, sender_address, receiver_address, article_name,"
        " article_quantity, article_price, sku and status, in any order; promised_on, the day on"
        " which it should be delivered, may be missing.\n\nThe time of the file counts: what an"
        " older one says is history.",
    ),
    parse=deferred("pipelines.sources.shipments.transform:parse"),
    stages={"stage_lines": LINE, "stage_addresses": "shipments.addresses"},
    load=(
        deferred("pipelines.sources.shipments.news:date"),
        "load",
        deferred("pipelines.sources.shipments.reread:put_addresses"),
        deferred("pipelines.sources.shipments.news:put_late"),
        "put",
    ),
    keys={"stage_lines": ("tracking_number", "carrier", "sku")},
    analyze=TABLES,
)

source = Source(
    name="shipments",
    package=__name__,
    about="Parcels, their articles and the history of their status.",
    settings=Settings,
    job="Load new and changed files from the inbox, or one given file, and refresh the derived"
    " assets.",
    schedules=(
        Schedule(
            name="shipments_daily",
            about="Run once a day, so that checks are evaluated even if no file arrives.",
            cron="20 5 * * *",
        ),
    ),
    feeds=(feed,),
    loads=TABLES,
    prepare=deferred("pipelines.sources.shipments.reread:read_again"),
    seed_sandbox=deferred("pipelines.sources.shipments.demo:seed_sandbox"),
    ledgers=(
        Ledger(
            on="shipments.shipments",
            tables=("shipments.shipments", "shipments.articles", "shipments.status_history"),
        ),
    ),
    reason_codes=(
        ReasonCode(
            "lines_disagree",
            "Lines of one shipment differ in sender, receiver, status or promised day; all of them"
            " are rejected.",
            "Ask the sender to send the shipment again with the same values in each line.",
        ),
    ),
    checks=(
        Check(
            name="known_statuses",
            on="shipments.shipments",
            expects="Every status is one of those that have a class, such as in_transit or"
            " delivery.",
            remedy="a status is unknown. It is kept as sent, and the shipment counts as under way."
            " Ask the sender of the file what it means, and set `SHIPMENTS_STATUSES`, such as"
            " `DLV=delivery`",
        ),
        Check(
            name="readable_addresses",
            on="shipments.addresses",
            expects="Every address has a known country and a place, its postcode (if any) is valid"
            " in that country, and it can be parsed in one way only.",
            remedy="an address has no known country, no place or an invalid postcode, or can be"
            " parsed in several ways (partly_parsed: the most likely place is shown). It is kept"
            " as sent. Send a corrected one, preferably as `street, postcode city, country`",
        ),
    ),
)
