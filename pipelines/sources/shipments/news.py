"""The order of news: which file is later, and what an older one changes.

The time of a file is when it was last modified. Of files of the same time, names decide.
"""

import json

from sqlalchemy import text

from pipelines.ingest.inbox import natural_order
from pipelines.ingest.load import Load
from pipelines.sources.shipments import CLASSES

OF_DELIVERY = text(
    "SELECT name, coalesce(modified_at, loaded_at) AS news_at, modified_at"
    " FROM ops.deliveries WHERE delivery_id = :delivery_id"
)
OF_THE_SAME_TIME = text(
    "SELECT name, delivery_id FROM ops.deliveries WHERE feed = :feed AND modified_at = :modified_at"
    " AND delivery_id <> :delivery_id AND problem IS NULL"
)


def class_pairs() -> str:
    """Return the classes of known statuses as a JSON document."""
    return json.dumps(CLASSES)


def date(load: Load) -> None:
    """Set the parameters `news_at`, the time of the file, and its `sequence` among those of it.

    `is_dated` is false for what version 4 loaded, whose time is that of loading. Files of the same
    time that belong behind it are numbered anew. `classes` are those of statuses.
    """
    known = {"feed": load.feed.name, "delivery_id": load.delivery_id}
    mine = load.connection.execute(OF_DELIVERY, known).one()
    others = load.connection.execute(OF_THE_SAME_TIME, {**known, "modified_at": mine.modified_at})
    place = natural_order(mine.name), load.delivery_id
    is_before = [(natural_order(other.name), other.delivery_id) < place for other in others]
    load.parameters.update(
        news_at=mine.news_at,
        sequence=sum(is_before),
        is_dated=mine.modified_at is not None,
        classes=class_pairs(),
    )
    if not all(is_before) and not load.is_retry:
        load.execute("move_behind")


def put_late(load: Load) -> None:
    """Put what an older file says of known shipments into their history."""
    if load.execute("stage_late").scalar_one():
        load.execute("count_statuses", sign=-1)
        load.execute("put_late")
        load.execute("follow_history")
        load.execute("count_statuses", sign=1)
