"""The sensor that looks for problems each minute, notes them and sends alerts."""

import dagster as dg

from pipelines.config import alert_urls, ui_url
from pipelines.failures import Failure
from pipelines.orchestration.operations.alert_messages import account_of, notify, read_memory
from pipelines.orchestration.operations.look import look, look_and_note
from pipelines.orchestration.operations.notifiers import Message, Receiver, receivers_of
from pipelines.orchestration.resources import WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.warehouse.last_look import Look, Problem

NAME = "alerts"


@due_sensor(
    NAME,
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
    found = _look(context, warehouse)
    problems = [one for one in found.problems if one.key != f"sensor:{NAME}"]  # it is running again
    urls = alert_urls()
    others, failure = receivers_of(urls)
    receivers = [_log(context), *others]
    memory = notify(read_memory(context.cursor), problems, receivers, ui_url(), utc_now())
    context.update_cursor(memory.model_dump_json())
    account = account_of(memory, problems, receivers)
    if failure:
        account = f"{account} {failure}"
    return dg.SkipReason(account if urls else f"{account} Only logged: ALERT_URLS is not set.")


def _look(context: dg.SensorEvaluationContext, warehouse: WarehouseResource) -> Look:
    instance, repository, now = context.instance, context.repository_def, utc_now()
    assert repository is not None
    try:
        with warehouse.open() as store, store.translate_db_errors("problems"):
            return look_and_note(instance, repository, store, now, is_by_daemon=True)
    except Failure as down:
        found = look(instance, repository, None, now, is_by_daemon=True)
        key, what = "status:database", f"The database: {down.problem}"
        found.problems.insert(0, Problem(key, "error", what, down.place, now, "", down.remedy))
        return found


def _log(context: dg.SensorEvaluationContext) -> Receiver:
    """Return the receiver that always gets alerts: the log of the sensor's ticks."""

    def send(message: Message) -> None:
        level = "info" if message.kind == "success" else "warning"
        getattr(context.log, level)("%s\n%s", message.title, message.text)

    return Receiver("log", "the log", send)
