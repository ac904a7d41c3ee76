"""The sensor that looks for problems each minute, notes them and sends alerts."""

import dagster as dg

from pipelines.config import alert_urls, ui_url
from pipelines.failures import Failure
from pipelines.orchestration.operations.alert_messages import account_of, notify, read_memory
from pipelines.orchestration.operations.look import (
    OF_TABLES,
    SENSOR,
    look,
    tables_of,
)
from pipelines.orchestration.operations.notifiers import Message, Receiver, receivers_of
from pipelines.orchestration.resources import WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.warehouse import last_look
from pipelines.warehouse.last_look import Look, Problem


@due_sensor(
    SENSOR,
    seconds=60,
    polls_once=True,
    about="Look for what is wrong: failed runs and checks, late sources, rejected records and"
    " files, sensors and schedules that fail or were stopped, the daemon. The dashboards,"
    " metrics.health and isobar status show it. Send one message when a problem begins, and one"
    " when it is over, to the addresses in ALERT_URLS (isobar alerts test tries them) and to the"
    " log of this sensor.",
)
def alerts(context: dg.SensorEvaluationContext, warehouse: WarehouseResource) -> dg.SkipReason:
    """Look for problems, send what is new, and record in the cursor who was notified of what.

    Killed between the two, it sends again: each change is delivered at least once. Messages are
    sent while the warehouse is down, too.
    """
    found, unseen = _look(context, warehouse)
    problems = found.problems
    urls = alert_urls()
    others, failure = receivers_of(urls)
    receivers = [_log(context), *others]
    memory = read_memory(context.cursor)
    memory = notify(memory, problems, receivers, ui_url(), utc_now(), unseen)
    context.update_cursor(memory.model_dump_json())
    account = account_of(memory, problems, receivers, unseen)
    if failure:
        account = f"{account} {failure}"
    return dg.SkipReason(account if urls else f"{account} Only logged: ALERT_URLS is not set.")


def _look(
    context: dg.SensorEvaluationContext, warehouse: WarehouseResource
) -> tuple[Look, tuple[str, ...]]:
    """Look, and note what was found; return it, and the kinds of problems that were not seen."""
    repository, now, tables, down = context.repository_def, utc_now(), None, None
    assert repository is not None
    try:
        with warehouse.open() as store:
            tables = tables_of(store)
    except Failure as failure:
        down = failure
    found = look(context.instance, repository, tables, now, is_by_daemon=True)
    if tables is not None:
        try:
            with warehouse.open() as store:
                last_look.write(store, found)
        except Failure as failure:
            down = failure
    if down is not None:
        key, what = "status:database", f"The database: {down.problem}"
        found.problems.insert(0, Problem(key, "error", what, down.place, now, "", down.remedy))
    return found, () if tables else OF_TABLES


def _log(context: dg.SensorEvaluationContext) -> Receiver:
    """Return the receiver that always gets alerts: the log of the sensor's ticks."""

    def send(message: Message) -> None:
        level = "info" if message.kind == "success" else "warning"
        getattr(context.log, level)("%s\n%s", message.title, message.text)

    return Receiver("log", "the log", send)
