"""The asset and sensors of sources with declared fetchers: inboxes, APIs and documents."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field
from sqlalchemy import func, select

from pipelines.config import Settings
from pipelines.failures import (
    DatabaseError,
    Failure,
    NotReady,
    OtherTables,
    PermanentFailure,
    TransientFailure,
    redact,
)
from pipelines.ingest import deliveries, watermarks
from pipelines.ingest.contract import as_json
from pipelines.ingest.deliveries import Delivery, Outcome
from pipelines.ingest.feeds import Batches, Content, HttpDocument, PagedApi, PolledApi, Since
from pipelines.ingest.file_loader import FileReadError, load_file, load_files, rejected_files
from pipelines.ingest.inbox import Inbox, inspect_file
from pipelines.ingest.reads import Read
from pipelines.ingest.runner import Runner
from pipelines.ingest.service import Page, Service, open_service, secrets_of
from pipelines.orchestration import orphaned_runs, run_state
from pipelines.orchestration.asset_metadata import (
    as_dagster_failure,
    asset_key,
    counts,
    input_key,
    is_tried_again,
    log_cause,
    log_skip,
    record_source_event,
    table_spec,
    table_stats,
)
from pipelines.orchestration.automation import note_checked
from pipelines.orchestration.checks import rejects_of
from pipelines.orchestration.resources import utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.source import FileInbox, Source
from pipelines.warehouse.connection import Warehouse

#: How long an interactive run waits for files that are still being written.
WAIT_SECONDS = 10.0
AFTER_FAILURE_SECONDS = 60.0
INBOX_SECONDS = 1
#: Files of other kinds that are named.
SHOWN_NAMES = 5
#: Failures of a run that its message has; the log has all.
SHOWN_FAILURES = 5
Contents = HttpDocument | PagedApi | Batches
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
        description="Read everything again: an API from its beginning, to find what was entered"
        " late, or all archived documents. Readers see the old rows until the new ones are there.",
    )


def load_asset(source: Source) -> dg.AssetsDefinition:
    """Return the asset of the tables that a source's fetchers fill, whichever are selected."""
    deps = [input_key(fetcher.input) for fetcher in source.fetchers]
    tables = [source.table(name) for name in source.loads]

    @dg.multi_asset(
        name=f"load_{source.name}",
        description=source.job,
        specs=[
            table_spec(source, table, deps=deps).replace_attributes(skippable=True)
            for table in tables
        ],
        pool=source.name,
        can_subset=True,
        required_resource_keys={source.name, "warehouse"},
    )
    def load(
        context: dg.AssetExecutionContext, config: LoadConfig
    ) -> Iterator[dg.MaterializeResult[None]]:
        settings = getattr(context.resources, source.name).settings()
        with as_dagster_failure(context), context.resources.warehouse.open() as store:
            if source.prepare:
                source.prepare(store, settings)
            loading = _Loading(context, store, source, settings, config)
            is_retried = loading.retry()
            loading.fetch_all()
            if not (loading.is_on or is_retried):
                log_skip(context, asset_key(tables[0]), settings.missing())
                return
            failed = [*loading.failures, *loading.polled]
            for failure in failed:
                log_cause(context, failure)
            if loading.may_work_later and is_tried_again(context):
                words = problems(failed)
                raise TransientFailure(source.name, words, place="above", remedy="See above.")
            if loading.is_on and loading.is_complete and not failed and config.file is None:
                note_checked(store, source, context.run.run_id)
            if loading.outcomes or not failed or context.retry_number:  # a try before may have some
                selected = context.selected_asset_keys
                yield from (one for one in loading.results() if one.asset_key in selected)
        if failed:  # a sensor that polls reads it again, and files do not wait for it
            raise dg.Failure(description=problems(failed), allow_retries=False)

    return load


@dataclass
class _Loading:
    """One load of a source: the outcomes of its feeds."""

    context: dg.AssetExecutionContext
    store: Warehouse
    source: Source
    settings: Any
    config: LoadConfig
    outcomes: list[Outcome] = field(default_factory=list)
    #: What is shown of files that are not loaded.
    about_files: dict[str, str] = field(default_factory=dict)
    is_on: bool = False
    #: Whether each service and inbox was read to its end.
    is_complete: bool = True
    #: What was rejected as a whole, or could not be read to its end.
    failures: list[Failure] = field(default_factory=list)
    #: The same of APIs that a sensor reads again soon.
    polled: list[Failure] = field(default_factory=list)

    def retry(self) -> bool:
        """Read quarantined records again, if that is wanted; return whether there may be any."""
        again = [one for one in self.source.feeds if one.retried_by == "parse"]
        if not (self.config.retry_quarantine and again):
            return False
        for feed in again:
            runner = self.source.runner(feed, self.store, self.settings, self.context.run.run_id)
            self.outcomes += runner.retry()
        return True

    def fetch_all(self) -> None:
        """Load everything that each fetcher has, or one file. What fails of one stops no other."""
        fetchers = [(feed, fetcher) for feed in self.source.feeds for fetcher in feed.fetchers]
        if self.config.file:
            fetchers = [one for one in fetchers if isinstance(one[1], FileInbox)]
            if not fetchers:
                raise PermanentFailure(
                    self.source.name,
                    "this source has no inbox, so it takes no file",
                    place="file, in the configuration of the run",
                    remedy="Launch the job without it.",
                )
        for feed, fetcher in fetchers:
            before = len(self.outcomes)
            runner = self.source.runner(feed, self.store, self.settings, self.context.run.run_id)
            try:
                if isinstance(fetcher, FileInbox):
                    self._load_inbox(fetcher, runner)
                elif isinstance(fetcher, PolledApi):
                    self._poll_api(fetcher, runner)
                else:
                    self._load_contents(fetcher, runner)
            except Failure as failure:
                self.failures.append(failure)
            if fresh := self.outcomes[before:]:
                record_source_event(self.context, fetcher.input, counts(fresh))
            last = self.failures[-1] if self.failures else None
            if isinstance(last, DatabaseError) and not isinstance(last, OtherTables):
                return  # it takes no other load, either

    def _load_inbox(self, fetcher: FileInbox, runner: Runner) -> None:
        """Load the complete files of the inbox, or one file from anywhere."""
        if self.config.file is not None:
            self.is_on = True
            file = inspect_file(self.source.name, Path(self.config.file))
            outcome = load_file(runner, file)
            self.outcomes += [outcome] if outcome else []
            return
        inbox = open_inbox(self.source, fetcher, self.settings)
        if inbox is None:
            return
        self.is_on = True
        is_attended = orphaned_runs.TAG in self.context.run.tags
        wait_seconds = WAIT_SECONDS if is_attended else 0.0
        files, growing = inbox.ready(self.store, wait_seconds=wait_seconds)
        _, failures = load_files(runner, inbox, files, self.outcomes)
        if growing:
            self.about_files["deferred_files"] = f"{_number_of(growing)}: {WHY_DEFERRED}"
        if others := inbox.passed_over():
            names = ", ".join(others[:SHOWN_NAMES]) + (", …" if others[SHOWN_NAMES:] else "")
            self.about_files["files_passed_over"] = f"{_number_of(others)}: {names}"
        for failure in failures:
            self.context.log.error("%s", failure)
        self.failures += [one for one in failures if isinstance(one, FileReadError)]

    def _poll_api(self, fetcher: PolledApi, runner: Runner) -> None:
        """Load what is new at an API. What it could not read fails the run at its end."""
        try:
            polled = fetcher.poll(runner, is_whole=self.config.read_whole)
        except NotReady as reason:
            self._note_not_ready(reason)
            return
        if polled is not None:
            self.is_on = True
            outcomes, failure = polled
            self.outcomes += outcomes
            self.polled += [failure] if failure else []

    def _load_contents(self, fetcher: Contents, runner: Runner) -> None:
        """Load a document, pages or batches; one that is rejected stops no other."""
        is_again = self.config.retry_quarantine and runner.feed.retried_by == "fetch"
        declared = fetcher.since if isinstance(fetcher, PagedApi) else None
        read = Read(runner, fetcher.input.name, has_own_names=isinstance(fetcher, Batches))
        if declared is not None and not (is_again or self.config.read_whole):
            read.parameter, read.since = (
                declared.parameter,
                self._since(declared, read.name, runner),
            )
        contents = self._contents(fetcher, runner, read.since)
        if contents is None:
            return
        self.is_on, is_parts = True, not isinstance(fetcher, HttpDocument)
        if is_parts:
            contents = read.unless_known(contents, is_again=is_again)
        is_complete = True
        try:
            for content in contents:
                try:
                    outcome = runner.load(content, is_forced=is_again or is_parts)
                except DatabaseError:
                    raise
                except PermanentFailure as failure:  # of this delivery: others may be good
                    self.context.log.warning("%s", failure)
                    self.failures.append(failure)
                    read.reject(content)
                else:
                    self.outcomes += [outcome] if outcome else []
        except NotReady as reason:
            self._note_not_ready(reason)
            is_complete = False
        if not is_parts:
            return
        with self.store.transaction(self.source.name) as connection:
            read.note(connection, is_complete=is_complete)
            if declared is not None and is_complete and not read.rejected:
                last = deliveries.last_number(connection, runner.feed.name)
                watermarks.move(connection, read.name, last)

    def _note_not_ready(self, reason: NotReady) -> None:
        """Say that there is nothing yet, which is no failure."""
        self.is_on, self.is_complete = True, False
        self.context.log.info("%s", reason)

    @property
    def may_work_later(self) -> bool:
        """Whether something failed for now that only another try of the run fetches."""
        return any(isinstance(failure, TransientFailure) for failure in self.failures)

    def _contents(self, fetcher: Contents, runner: Runner, since: str) -> Iterator[Content] | None:
        """Return what a service or a function sends; None if it is off."""
        if isinstance(fetcher, Batches):
            return None if self.settings.is_off else self._batches(fetcher, runner)
        service = open_service(self.source, fetcher, self.settings)
        return None if service is None else self._answers(fetcher, runner, service, since)

    def _answers(
        self, fetcher: HttpDocument | PagedApi, runner: Runner, service: Service, since: str
    ) -> Iterator[Content]:
        is_paged = isinstance(fetcher, PagedApi)
        pages = service.pages(runner.feed, since) if is_paged else [Page("", service.document())]
        for page in pages:
            response = page.response
            name = ", ".join(filter(None, (fetcher.input.name, page.name)))
            size, at = len(response.body), response.received_at
            yield Content(
                delivery=Delivery(runner.feed.name, name, response.sha256, size, at),
                document=response.document,
                place=", ".join(filter(None, (response.url, page.name))),
                is_overlapping=bool(since),
            )

    def _batches(self, fetcher: Batches, runner: Runner) -> Iterator[Content]:
        try:
            for given, document in fetcher.fetch(self.settings):
                name = str(given)
                body = as_json(document).encode()
                digest = hashlib.sha256(body).hexdigest()
                yield Content(
                    delivery=Delivery(runner.feed.name, name, digest, len(body), utc_now()),
                    document=document,
                    place=name,
                    is_overlapping=True,
                )
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

    def _since(self, declared: Since, name: str, runner: Runner) -> str:
        """Return the time from which on records are requested; empty: all of them.

        It is the newest time of reads that ended: a read that broke off may have newer rows than
        what it did not get. One in the future would hide all until then.
        """
        table = self.source.table(runner.feed.records[0].table)
        at = table.c[declared.column]
        has_zone = getattr(at.type, "timezone", False)
        now = func.now() if has_zone else func.timezone("UTC", func.now())
        newest = select(func.max(at)).where(at <= now)
        with self.store.engine.connect() as connection:
            last = watermarks.position(connection, name)
            found = connection.execute(newest.where(table.c.delivery_id <= last)).scalar_one()
        return "" if found is None else str((found - declared.overlap).isoformat())

    def results(self) -> Iterator[dg.MaterializeResult[None]]:
        """Yield the metadata of each table, with the counts on the first one."""
        more: dict[str, Any] = {**counts(self.outcomes), **self.about_files}
        with self.store.engine.connect() as connection:
            more["rejected_records"] = sum(
                rejects_of(connection, one.feed or self.source.name, one).total
                for one in self.source.ledgers
            )
            for name in self.source.loads:
                key = dg.AssetKey(name.split("."))
                metadata = table_stats(connection, key) | more
                yield dg.MaterializeResult(asset_key=key, metadata=metadata)
                more = {}


def problems(failures: Sequence[Failure]) -> str:
    """Return what went wrong, the first ones in full; the log has all."""
    shown = [str(failure) for failure in failures[:SHOWN_FAILURES]]
    if more := len(failures) - len(shown):
        shown.append(f"and {more} more: see the log of the run")
    return "\n".join(shown)


def open_inbox(source: Source, fetcher: FileInbox, settings: Any) -> Inbox | None:
    """Return the inbox of a source, or None if it is off."""
    folder = getattr(settings, fetcher.setting)
    if folder is None:
        return None
    variable = source.settings.variable(fetcher.setting)
    options = fetcher.parse_options(settings)
    cut_seconds = Settings.current().inbox_cut_seconds
    return Inbox(source.name, folder, variable, options, fetcher.suffixes, cut_seconds)


def inbox_sensor(source: Source, fetcher: FileInbox) -> dg.SensorDefinition:
    """Return the sensor that starts the job for new files, and for removed rejected ones."""
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
            rejected = {one["name"] for one in rejected_files(connection, source.name)}
        is_gone = rejected and not rejected <= {file.name for file in inbox.files()}
        if not (pending or is_gone):
            return dg.SkipReason("Nothing new in the inbox.")
        if not (is_gone or any(inbox.settles_in(file) == 0 for file in pending)):
            return dg.SkipReason(f"Waiting for {_number_of(pending)}: {WHY_DEFERRED}.")
        newest = max((file.changed_ns for file in pending), default=0) / 1e9
        reason = run_state.reason_to_wait(
            context.instance, source.name, seconds=AFTER_FAILURE_SECONDS, news_at=newest
        )
        return dg.SkipReason(reason) if reason else dg.RunRequest()

    return sensor


def _number_of(files: Sequence[object]) -> str:
    return "1 file" if len(files) == 1 else f"{len(files)} files"
