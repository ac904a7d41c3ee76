"""Parcels and their articles, from CSV files that are dropped into an inbox.

`transform` makes rows of lines (pure), `addresses` takes addresses apart, `load` brings the tables
up to date with one file.
"""

from pipelines.source import (
    Check,
    Field,
    FileInbox,
    Folder,
    Input,
    Ledger,
    Schedule,
    Source,
    SourceSettings,
    TextEncoding,
    deferred,
    folder,
)


class Settings(SourceSettings, env_prefix="SHIPMENTS_"):
    """Where files of shipments come, and how they are encoded."""

    inbox: Folder = folder(
        "The folder into which files of shipments are dropped. Unset: .isobar/inbox/shipments with"
        " simulated files when ISOBAR_SOURCES is sandbox; off when it is live.",
        example="/data/shipments",
    )
    encoding: TextEncoding = Field(
        default="utf-8",
        description="How these files are encoded: utf-8, or an encoding that extends ASCII, such as"
        " cp1252.",
    )
    currency: str | None = Field(
        default=None,
        pattern="^[A-Z]{3}$",
        description="The currency of the prices in these files, which name none: an ISO 4217 code."
        " Unset: not known. Files that are loaded already keep theirs.",
        examples=["EUR"],
    )


FILES = Input(
    name="shipments_files",
    about="CSV files of parcels, which are dropped into an inbox at any time.",
    kind="csv",
    setting="SHIPMENTS_INBOX",
)

source = Source(
    name="shipments",
    package=__name__,
    about="Parcels, their articles, and what became of them.",
    settings=Settings,
    job="Load the new and changed files of the inbox, or one file, and refresh what is derived from"
    " them.",
    schedules=(
        Schedule(
            name="shipments_daily",
            about="Look at shipments once a day, so that checks are evaluated where no file comes.",
            cron="20 5 * * *",
        ),
    ),
    inputs=(FILES,),
    fetch=(
        FileInbox(
            input=FILES,
            load=deferred("pipelines.sources.shipments.load:load_file"),
            parse_options=lambda settings: settings.encoding,
            import_help="Load a CSV file of shipments, as from the inbox; the same again changes"
            " nothing.\n\nIt has a line for each article, with tracking_number, carrier,"
            " sender_address, receiver_address, article_name, article_quantity, article_price, sku"
            " and status, in any order.",
        ),
    ),
    loads=(
        "shipments.shipments",
        "shipments.articles",
        "shipments.status_history",
        "shipments.addresses",
    ),
    prepare=deferred("pipelines.sources.shipments.load:read_addresses_again"),
    reprocess=deferred("pipelines.sources.shipments.load:retry_quarantine"),
    seed_sandbox=deferred("pipelines.sources.shipments.demo:seed_sandbox"),
    ledgers=(Ledger(on="shipments.shipments"),),
    checks=(
        Check(
            name="known_statuses",
            on="shipments.shipments",
            expects="Every status is in_transit, inbound_scan, scanned or delivery.",
            remedy="a status is none of the known words; it is kept as sent. Ask who sends the"
            " file what it means, and have it sent with a known word",
        ),
        Check(
            name="readable_addresses",
            on="shipments.addresses",
            expects="Every address names a place in a known country, with a postcode of it if any,"
            " and can be read in one way only.",
            remedy="an address has no known country, no place, a number that is no postcode of the"
            " country, or may be read in another way as well (partly_parsed: the place shown is the"
            " likeliest); it is kept as sent. Send it again corrected, best as `street, postcode"
            " city, country`",
        ),
    ),
)
