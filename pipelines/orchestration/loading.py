"""The asset and sensors of sources with declared fetchers: inboxes, APIs and documents."""

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field
from sqlalchemy import func, select

from pipelines.config import Settings
from pipelines.failures import DatabaseError, Failure, NotReady, PermanentFailure, redact
from pipelines.ingest import deliveries, file_loader, watermarks
from pipelines.ingest.contract import as_json
from pipelines.ingest.deliveries import Delivery, Outcome
from pipelines.ingest.feeds import Batches, Content, Feed, PagedApi, PolledApi, Refetch, Reparse
from pipelines.ingest.file_loader import FileReadError, load_file, load_files
from pipelines.ingest.inbox import Inbox, InboxFile, inspect_file
from pipelines.ingest.quarantine import in_quarantine
from pipelines.ingest.runner import Runner
from pipelines.ingest.service import open_service, secrets_of
from pipelines.orchestration import orphaned_runs, run_state
from pipelines.orchestration.asset_metadata import (
    StepMetadata,
    as_dagster_failure,
    asset_key,
    counts,
    input_key,
    log_skip,
    table_spec,
)
from pipelines.orchestration.automation import note_checked
from pipelines.orchestration.resources import utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.source import FileInbox, HttpDocument, Source
from pipelines.warehouse.connection import Warehouse

#: How long an interactive run waits for files that are still being written.
WAIT_SECONDS = 10.0
AFTER_FAILURE_SECONDS = 60.0
INBOX_SECONDS, API_SECONDS = 1, 30
#: Files of other kinds that are named.
SHOWN_NAMES = 5
WHY_DEFERRED = "empty, still being written, or without a final line break and so perhaps cut"


class LoadConfig(dg.Config):
    """What to load."""

    file: str | None = Field(
        default=None,
        description="Path of a file to load instead of the inbox, on the machine that executes the"
        " run.",
    )
    retry_quarantine: bool = Field(
        default=False,
        description="First retry the records in quarantine and the rejected files, for example"
        " after a fix in the code.",
    )
    read_whole: bool = Field(
        default=False,
        description="Read the API from its beginning, to find events that were entered late.",
    )


def load_op(source: Source) -> str:
    """Return the name of the op that loads a source."""
    return f"load_{source.name}"


def load_asset(source: Source) -> dg.AssetsDefinition:
    """Return the asset of the tables that a source's fetchers fill, one fetcher after another."""
    deps = [input_key(fetcher.input) for fetcher in source.fetchers]
    tables = [source.table(name) for name in source.loads]

    @dg.multi_asset(
        name=load_op(source),
        description=source.job,
        specs=[
            table_spec(source, table, deps=deps).replace_attributes(skippable=True)
            for table in tables
        ],
        pool=source.name,
        required_resource_keys={source.name, "warehouse"},
    )
    def load(
        context: dg.AssetExecutionContext, config: LoadConfig
    ) -> Iterator[dg.MaterializeResult[None]]:
        settings = getattr(context.resources, source.name).settings()
        with as_dagster_failure(context) as step, context.resources.warehouse.open() as store:
            if source.prepare:
                source.prepare(store, settings)
            loading = _Loading(context, step, store, source, settings, config)
            loading.retry()
            loading.fetch_all()
            if not (loading.is_on or loading.is_retried):
                log_skip(context, asset_key(tables[0]), settings.missing())
                return
            if loading.is_on and loading.is_complete and config.file is None:
                note_checked(store, source, context.run.run_id)
            yield from loading.results()

    return load


@dataclass
class _Loading:
    """One load of a source: the outcomes of its feeds."""

    context: dg.AssetExecutionContext
    step: StepMetadata
    store: Warehouse
    source: Source
    settings: Any
    config: LoadConfig
    outcomes: list[Outcome] = field(default_factory=list)
    retried: list[Outcome] = field(default_factory=list)
    bytes_received: int = 0
    #: Files that are still being written, or whose last line may be cut.
    deferred: int = 0
    #: Names of files in the inbox that are never loaded.
    passed_over: list[str] = field(default_factory=list)
    is_on: bool = False
    is_retried: bool = False
    #: Whether each service and inbox was read to its end.
    is_complete: bool = True

    def retry(self) -> None:
        """Read quarantined records again, if that is wanted."""
        for feed in self.source.feeds:
            if self.config.retry_quarantine and isinstance(feed.again, Reparse):
                self.is_retried = True
                self.retried += self._runner(feed).retry()

    def fetch_all(self) -> None:
        """Load everything that each fetcher has, or one file."""
        fetchers = [(feed, fetcher) for feed in self.source.feeds for fetcher in feed.fetchers]
        if self.config.file and not any(isinstance(one, FileInbox) for _, one in fetchers):
            raise PermanentFailure(
                self.source.name,
                "this source has no inbox, so it takes no file",
                place="file, in the configuration of the run",
                remedy="Launch the job without it.",
            )
        for feed, fetcher in fetchers:
            before = len(self.outcomes)
            runner = self._runner(feed)
            if isinstance(fetcher, FileInbox):
                self._load_inbox(fetcher, runner)
            elif self.config.file is not None:
                continue
            elif isinstance(fetcher, PolledApi):
                self._poll_api(fetcher, runner)
            elif isinstance(fetcher, Batches):
                self._load_batches(fetcher, runner)
            else:
                self._fetch(fetcher, runner)
            fresh = self.outcomes[before:]
            self.bytes_received += self.step.record_deliveries(self.store, fetcher.input, fresh)

    def _runner(self, feed: Feed) -> Runner:
        return self.source.runner(feed, self.store, self.settings, self.context.run.run_id)

    def _load_inbox(self, fetcher: FileInbox, runner: Runner) -> None:
        """Load the complete files of the inbox, or one file from anywhere.

        The check `readable_files` shows rejected files.
        """
        name, run_id = self.source.name, self.context.run.run_id
        if self.config.file is not None:
            self.is_on = True
            file = inspect_file(name, Path(self.config.file))
            outcome = load_file(self.store, name, file, runner.load_file, run_id=run_id)
            self.outcomes += [outcome] if outcome else []
            return
        inbox = open_inbox(self.source, fetcher, self.settings)
        if inbox is None:
            return
        self.is_on = True
        is_attended = orphaned_runs.TAG in self.context.run.tags
        wait_seconds = WAIT_SECONDS if is_attended else 0.0
        files, growing = inbox.ready(self.store, wait_seconds=wait_seconds)
        outcomes, failures = load_files(self.store, inbox, files, runner.load_file, run_id)
        self.outcomes += outcomes
        self.deferred += len(growing)
        self.passed_over += inbox.passed_over()
        for failure in failures:
            self.context.log.error("%s", failure)
        if unreadable := [one for one in failures if isinstance(one, FileReadError)]:
            raise unreadable[0]

    def _poll_api(self, fetcher: PolledApi, runner: Runner) -> None:
        """Load what is new at an API; the check `readable_api` shows why it could not be read."""
        client = fetcher.open(self.settings, 5)
        if client is None:
            return
        self.is_on = True
        outcomes, failure = fetcher.poll(
            self.store,
            client,
            self.settings,
            runner.load,
            run_id=self.context.run.run_id,
            clock=utc_now,
            is_whole=self.config.read_whole,
        )
        self.outcomes += outcomes
        if failure is not None:
            self.is_complete = False
            self.context.log.error("%s", failure)

    def _fetch(self, fetcher: HttpDocument | PagedApi, runner: Runner) -> None:
        """Load a document, or page after page, unless its content equals the last one's."""
        service = open_service(self.source, fetcher, self.settings)
        if service is None:
            return
        self.is_on = True
        is_again = self._is_again(runner)
        since = None
        if isinstance(fetcher, PagedApi) and not (is_again or self.config.read_whole):
            since = self._since(fetcher, runner)

        def contents() -> Iterator[Content]:
            for number, response in enumerate(service.responses(runner.feed, since), 1):
                name = f"{service.name}, page {number}" if service.is_paged else service.name
                size, at = len(response.body), response.received_at
                yield Content(
                    delivery=Delivery(runner.feed.name, name, response.sha256, size, at),
                    document=response.document,
                    place=response.url,
                    is_overlapping=since is not None,
                )

        try:
            self._load_each(contents(), runner)
        except NotReady as reason:
            self.is_complete = False
            self.context.log.info("%s", reason)
        else:
            if isinstance(fetcher, PagedApi) and fetcher.since:
                self._note_read(fetcher, runner)

    def _load_batches(self, fetcher: Batches, runner: Runner) -> None:
        """Load what a function yields, batch by batch."""
        if self.settings.is_off:
            return
        self.is_on = True

        def fetched() -> Iterator[Content]:
            try:
                yield from contents()
            except Failure:
                raise
            except Exception as error:  # noqa: BLE001 - what another tool raises is not known
                problem = f"its records could not be fetched: {type(error).__name__}: {error}"
                raise PermanentFailure(
                    self.source.name,
                    redact(problem, secrets_of(self.settings)),
                    place=fetcher.input.name,
                    remedy="See whether the service is up and the settings are right. The good"
                    " batches before it are loaded; the log names the others.",
                ) from None  # whose traceback may have secrets

        def contents() -> Iterator[Content]:
            for name, document in fetcher.fetch(self.settings):
                body = as_json(document).encode()
                digest = hashlib.sha256(body).hexdigest()
                yield Content(
                    delivery=Delivery(runner.feed.name, name, digest, len(body), utc_now()),
                    document=document,
                    place=name,
                    is_overlapping=True,
                )

        self._load_each(fetched(), runner)

    def _is_again(self, runner: Runner) -> bool:
        """Return whether deliveries are loaded again to retry their rejected records."""
        return self.config.retry_quarantine and isinstance(runner.feed.again, Refetch)

    def _load_each(self, contents: Iterable[Content], runner: Runner) -> None:
        """Load deliveries; raise the failure of the first that is rejected after all others."""
        rejected: list[PermanentFailure] = []
        for content in contents:
            try:
                outcome = runner.load(content, is_forced=self._is_again(runner))
            except DatabaseError:
                raise
            except PermanentFailure as failure:  # of this delivery: others may be good
                self.context.log.warning("%s", failure)
                rejected.append(failure)
            else:
                self.outcomes += [outcome] if outcome else []
        if rejected:
            raise rejected[0]

    def _since(self, fetcher: PagedApi, runner: Runner) -> str | None:
        """Return the time from which on records are requested; None: all.

        It is the newest time among the rows of reads that ended: those of a read that broke off may
        be newer than what it did not get. One in the future would hide all until then.
        """
        if fetcher.since is None:
            return None
        table = self.source.table(runner.feed.records[0].table)
        at = table.c[fetcher.since.column]
        has_zone = getattr(at.type, "timezone", False)
        now = func.now() if has_zone else func.timezone("UTC", func.now())
        newest = select(func.max(at)).where(at <= now)
        with self.store.engine.connect() as connection:
            last = watermarks.position(connection, fetcher.input.name)
            found = connection.execute(newest.where(table.c.delivery_id <= last)).scalar_one()
        return None if found is None else str((found - fetcher.since.overlap).isoformat())

    def _note_read(self, fetcher: PagedApi, runner: Runner) -> None:
        """Note that all pages were read, and none was rejected."""
        with self.store.transaction(self.source.name) as connection:
            last = deliveries.last_number(connection, runner.feed.name)
            watermarks.move(connection, fetcher.input.name, last)

    def results(self) -> Iterator[dg.MaterializeResult[None]]:
        """Yield the metadata of each table, with the counts on the first one."""
        keys = [dg.AssetKey(name.split(".")) for name in self.source.loads]
        with self.store.engine.connect() as connection:
            shown = {key: self.step.table_stats(connection, key) for key in keys}
            shown[keys[0]] |= {
                **counts(self.retried + self.outcomes),
                "bytes_received": self.bytes_received,
                "rejected_records": sum(
                    in_quarantine(connection, one.feed or self.source.name)
                    for one in self.source.ledgers
                ),
            }
        if self.deferred:
            shown[keys[0]]["deferred_files"] = f"{_number_of(self.deferred)}: {WHY_DEFERRED}"
        if self.passed_over:
            names = ", ".join(self.passed_over[:SHOWN_NAMES])
            more = ", …" if len(self.passed_over) > SHOWN_NAMES else ""
            shown[keys[0]]["files_passed_over"] = (
                f"{_number_of(len(self.passed_over))}: {names}{more}"
            )
        for key, metadata in shown.items():
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)


def open_inbox(source: Source, fetcher: FileInbox, settings: Any) -> Inbox | None:
    """Return the inbox of a source, or None if it is off."""
    folder = getattr(settings, fetcher.setting)
    if folder is None:
        return None
    variable = source.settings.variable(fetcher.setting)
    options = fetcher.parse_options(settings)
    cut_seconds = Settings.current().inbox_cut_seconds
    return Inbox(source.name, folder, variable, options, fetcher.suffixes, cut_seconds)


def sensors_of(source: Source) -> list[dg.SensorDefinition]:
    """Return the sensors of a source's fetchers."""
    found = []
    for fetcher in source.fetchers:
        if isinstance(fetcher, FileInbox):
            found.append(inbox_sensor(source, fetcher))
        elif isinstance(fetcher, PolledApi):
            found.append(api_sensor(source, fetcher))
    return found


def inbox_sensor(source: Source, fetcher: FileInbox) -> dg.SensorDefinition:
    """Return the sensor that starts the source's job for new files in its inbox."""
    variable = source.settings.variable(fetcher.setting)

    @due_sensor(
        f"{source.name}_inbox",
        job_name=source.name,
        seconds=INBOX_SECONDS,
        required_resource_keys={source.name, "warehouse"},
        about=f"Start the job when {variable} (by default the folder inbox/{source.name} in"
        " ISOBAR_HOME) has a new or changed file that is complete, or when a rejected file was"
        " removed.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        settings = getattr(context.resources, source.name).settings()
        inbox = open_inbox(source, fetcher, settings)
        if inbox is None:
            return dg.SkipReason(f"{variable} is not set.")
        with context.resources.warehouse.open() as store, store.engine.connect() as connection:
            pending = inbox.pending(connection)
            rejected = {
                str(row["name"]) for row in file_loader.rejected_files(connection, source.name)
            }
        if not pending:
            return _for_rejected_files(context, source, inbox, rejected)
        settled = [file for file in pending if inbox.settles_in(file) == 0]
        if not settled:
            return dg.SkipReason(f"Waiting for {_number_of(len(pending))}: {WHY_DEFERRED}.")
        return _for_files(context, source, pending, settled)

    return sensor


def _for_rejected_files(
    context: dg.SensorEvaluationContext, source: Source, inbox: Inbox, rejected: set[str]
) -> dg.RunRequest | dg.SkipReason:
    """Request a run if a rejected file was removed, so that its check turns green."""
    if not rejected or rejected <= {file.name for file in inbox.files()}:
        return dg.SkipReason("Nothing new in the inbox.")
    seconds = AFTER_FAILURE_SECONDS
    if reason := run_state.reason_to_wait(context.instance, source.name, seconds=seconds):
        return dg.SkipReason(f"A rejected file is gone. {reason}")
    return dg.RunRequest()


def _for_files(
    context: dg.SensorEvaluationContext,
    source: Source,
    pending: Sequence[InboxFile],
    settled: Sequence[InboxFile],
) -> dg.RunRequest | dg.SkipReason:
    """Request a run for files, unless a pending run covers them or one has just failed on them."""
    if run_state.covered_by_pending_run(context.instance, source.name, newest_change(settled)):
        return dg.SkipReason("A run is under way.")
    failed_at = run_state.last_failure_at(context.instance, source.name) or 0.0
    is_lately = time.time() - failed_at < AFTER_FAILURE_SECONDS
    if is_lately and newest_change(pending) < failed_at:
        return dg.SkipReason("The last run failed with these files; trying again in a minute.")
    return dg.RunRequest()


def _number_of(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"


def newest_change(files: Sequence[InboxFile]) -> float:
    """Return when the most recently changed file was changed, in seconds since 1970."""
    return max(file.changed_ns for file in files) / 1e9


def api_sensor(source: Source, fetcher: PolledApi) -> dg.SensorDefinition:
    """Return the sensor that starts the source's job when its API has something new."""
    variable = fetcher.input.setting

    @due_sensor(
        fetcher.input.name,
        job_name=source.name,
        seconds=API_SECONDS,
        required_resource_keys={source.name, "warehouse"},
        about=f"Ask the API at {variable} for new records, with an overlap, and start the job if"
        " there are any. Once a day, start it to read the whole API, to find records that were"
        " entered late.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        client = fetcher.open(getattr(context.resources, source.name).settings(), 2)
        if client is None:
            return dg.SkipReason(f"{variable} is not set.")
        wait = fetcher.retry_after.total_seconds()
        with context.resources.warehouse.open() as store:
            with store.engine.connect() as connection:
                last = fetcher.last_poll(connection, client)
            if last and last.problem and abs(utc_now() - last.polled_at) < fetcher.retry_after:
                return dg.SkipReason(
                    f"The last request failed; trying again {wait / 60:.0f} minutes after it:"
                    f" {last.problem}"
                )
            if reason := run_state.reason_to_wait(context.instance, source.name, seconds=wait):
                return dg.SkipReason(reason)
            try:
                if not fetcher.has_news(store, client, utc_now):
                    return dg.SkipReason("Nothing new at the API.")
            except Failure as failure:  # the run retries longer, and reports the failure
                context.log.warning("%s", failure)
        return dg.RunRequest()

    return sensor
