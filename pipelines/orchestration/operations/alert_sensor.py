"""The sensor that collects problems and sends alerts."""

import dagster as dg

from pipelines.config import alert_urls, ui_url
from pipelines.orchestration.operations.alert_messages import account_of, notify, read_memory
from pipelines.orchestration.operations.notifiers import Message, Receiver, receivers_of
from pipelines.orchestration.operations.problems import find_problems
from pipelines.orchestration.resources import utc_now
from pipelines.orchestration.schedule_config import due_sensor

NAME = "alerts"


@due_sensor(
    NAME,
    seconds=60,
    polls_once=True,
    about="Send one message when a run or check fails, an asset is late, or a sensor or schedule"
    " fails or was stopped, and one when that is over. Messages go to the addresses in ALERT_URLS"
    " (isobar alerts test tries them) and to the log of this sensor.",
)
def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Collect problems, send what is new, and record in the cursor who was notified of what.

    Killed between the two, it sends again: each change is delivered at least once.
    """
    assert context.repository_def is not None
    found = find_problems(context.instance, context.repository_def)
    problems = [one for one in found if one.key != f"sensor:{NAME}"]  # it is running again
    urls = alert_urls()
    others, failure = receivers_of(urls)
    receivers = [_log(context), *others]
    memory = notify(read_memory(context.cursor), problems, receivers, ui_url(), utc_now())
    context.update_cursor(memory.model_dump_json())
    account = account_of(memory, problems, receivers)
    if failure:
        account = f"{account} {failure}"
    return dg.SkipReason(account if urls else f"{account} Only logged: ALERT_URLS is not set.")


def _log(context: dg.SensorEvaluationContext) -> Receiver:
    """Return the receiver that always gets alerts: the log of the sensor's ticks."""

    def send(message: Message) -> None:
        level = "info" if message.kind == "success" else "warning"
        getattr(context.log, level)("%s\n%s", message.title, message.text)

    return Receiver("log", "the log", send)
