"""Asset checks: for every ledger feed, every inbox, and declared queries."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import dagster as dg
from sqlalchemy import Connection

from pipelines.failures import PermanentFailure, in_one_line
from pipelines.ingest import deliveries, file_loader
from pipelines.ingest.statements import Owner, execute
from pipelines.orchestration.asset_metadata import as_table
from pipelines.orchestration.resources import WarehouseResource
from pipelines.source import Check, FileInbox, Ledger, Source
from pipelines.warehouse.sql_files import read_sql

SHOWN_ROWS = 20
COUNT = "offending_count"
WARN = dg.AssetCheckSeverity.WARN
LEDGER_MATCHES_ROWS = "ledger_matches_rows"
READABLE_FILES = "readable_files"
NO_REJECTS = "no_rejects"
WHAT_TO_DO = "When it is not green: "


def described(expects: str, remedy: str) -> str:
    """Return the description of a check: what it expects, and below that what to do if it fails."""
    return f"{expects}\n\n{WHAT_TO_DO}{remedy}"


def expectation_and_remedy(description: str) -> tuple[str, str | None]:
    """Split a description made by `described` into its two parts."""
    expects, _, remedy = description.partition(f"\n\n{WHAT_TO_DO}")
    return expects, remedy or None


def checks_of(source: Source) -> list[dg.AssetChecksDefinition]:
    """Return the checks that follow from a source's declaration, one step for each asset."""
    found = [check for ledger in source.ledgers for check in ledger_checks(source, ledger)]
    found += [query_check(source, check) for check in source.checks]
    steps = defaultdict[dg.AssetKey, list[RowCheck]](list)
    for one in found:
        steps[one.spec.asset_key].append(one)
    inboxes = [one for one in source.fetchers if isinstance(one, FileInbox)]
    return [
        *(in_one_step(key, checks) for key, checks in steps.items()),
        *(readable_files(source, one) for one in inboxes),
    ]


class Offending(NamedTuple):
    """Offending rows: their number, and the first few."""

    total: int
    rows: Sequence[Mapping[str, Any]]


Find = Callable[[Connection], Offending | Sequence[Mapping[str, Any]]]


class RowCheck(NamedTuple):
    """A check that finds offending rows, its name in messages, and the file of its statement."""

    spec: dg.AssetCheckSpec
    title: str
    find: Find
    file: str | None = None


def verdict(
    found: Offending | Sequence[Mapping[str, Any]],
    severity: dg.AssetCheckSeverity,
    bad_records: Sequence[Mapping[str, Any]] = (),
) -> dg.AssetCheckResult:
    """Return a result that passes without offending rows, with bad records of rejected files."""
    count, offending = found if isinstance(found, Offending) else (len(found), found)
    metadata: dict[str, Any] = {"offending": count}
    if offending:
        metadata["rows"] = as_table(offending[:SHOWN_ROWS])
    if bad_records:
        metadata["bad_records"] = as_table(bad_records)
    return dg.AssetCheckResult(passed=not offending, severity=severity, metadata=metadata)


def evaluated(warehouse: WarehouseResource, check: RowCheck) -> dg.AssetCheckResult:
    """Return the result of a check; one that takes too long or has a wrong statement has failed."""
    severity = dg.AssetCheckSeverity.ERROR if check.spec.blocking else WARN
    try:
        with warehouse.limited(f"the check {check.title}", check.file) as connection:
            found = verdict(check.find(connection), severity)
    except PermanentFailure as failure:
        description = f"{failure.problem}. {failure.remedy}"
        found = dg.AssetCheckResult(passed=False, severity=severity, description=description)
    return found._replace(check_name=check.spec.name)


def in_one_step(key: dg.AssetKey, checks: Sequence[RowCheck]) -> dg.AssetChecksDefinition:
    """Return the checks of an asset as one step: a step of its own costs more than most of them."""

    @dg.multi_asset_check(
        name=f"{'__'.join(key.path)}__checks", specs=[one.spec for one in checks], can_subset=True
    )
    def evaluate(
        context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.AssetCheckResult]:
        for one in checks:
            if one.spec.key in context.selected_asset_check_keys:
                yield evaluated(warehouse, one)

    return evaluate


def rejects_of(connection: Connection, feed: str, ledger: Ledger) -> Offending:
    """Return the rejected records of a feed that still count: of snapshots, those of the last."""
    if ledger.is_snapshot:
        last = deliveries.last_rejects(connection, feed)
        return Offending(len(last), last)
    newest = deliveries.rejects(connection, feed, most=SHOWN_ROWS)
    return Offending(deliveries.in_quarantine(connection, feed), newest)


def ledger_checks(source: Source, ledger: Ledger) -> list[RowCheck]:
    """Return the checks that every ledger feed has; of a snapshot, the last delivery counts."""
    key, feed = dg.AssetKey(ledger.on.split(".")), ledger.feed or source.name

    def check(
        name: str, expects: str, remedy: str, find: Find, *, is_blocking: bool = False
    ) -> RowCheck:
        description = described(expects, remedy)
        spec = dg.AssetCheckSpec(name, asset=key, description=description, blocking=is_blocking)
        return RowCheck(spec, f"{name} of {feed}", find)

    of_last = " of the last delivery" if ledger.is_snapshot else ""

    return [
        check(
            "counts_balance",
            "For every delivery, read = loaded + unchanged + rejected, and all rejected records"
            " are in quarantine.",
            "the counts of a delivery do not add up, or rejected records are missing from"
            " quarantine, so `ops` was changed by hand. Compare with the delivery, and restore"
            " what was changed",
            lambda connection: deliveries.unbalanced(connection, feed),
            is_blocking=True,
        ),
        check(
            LEDGER_MATCHES_ROWS,
            "No delivery is carried by more rows than it loaded records, and every delivery that a"
            " row carries is in the ledger.",
            "rows carry a delivery that loaded fewer records, or none, so `ops` or the table was"
            " changed by hand. Compare the rows with the delivery",
            lambda connection: deliveries.miscounted(connection, ledger.tables or (ledger.on,)),
        ),
        check(
            "schema_drift",
            "The records of the last run had exactly the expected keys.",
            "the source sent unknown keys, or left some out. See whether the code of the source"
            " should read them",
            lambda connection: [
                {"drift": line} for line in deliveries.last_drift(connection, feed)
            ],
        ),
        check(
            NO_REJECTS,
            f"No record{of_last} is in quarantine. Rejected records do not block other records.",
            f"records{of_last} were rejected; all others are loaded. `isobar quarantine show` shows"
            " the reasons. Correct the source or the code, then run `isobar quarantine retry`, if"
            " the source supports it. Records of files that will not be corrected:"
            " `isobar quarantine dismiss`",
            partial(rejects_of, feed=feed, ledger=ledger),
        ),
    ]


def offending_rows(connection: Connection, source: Owner, query: str, place: str) -> Offending:
    """Return how many rows a query of a source returns, and the first few; `place` is its file."""
    inner = query.rstrip().removesuffix(";")
    counted = (
        f"SELECT offending.*, count(*) OVER () AS {COUNT} FROM ({inner}\n) AS offending"
        f" LIMIT {SHOWN_ROWS}"
    )
    found = execute(connection, source, counted, {}, place)
    rows = [dict(row) for row in found.mappings()]
    counts = [row.pop(COUNT) for row in rows]
    return Offending(counts[0] if counts else 0, rows)


def readable_files(source: Source, inbox: FileInbox) -> dg.AssetChecksDefinition:
    """Return the check that no file of an inbox was rejected as a whole."""
    variable = source.settings.variable(inbox.setting)

    @dg.asset_check(  # type: ignore[arg-type]  # it takes generators too
        asset=dg.AssetKey(source.loads[0].split(".")),
        name=READABLE_FILES,
        description=described(
            "No file in the inbox was rejected as a whole. The run that rejects a file fails at"
            " this check, once. Other files and checks are not affected.",
            "files in an inbox were rejected as a whole, and the run failed. Correct the file as"
            " the row explains, or remove it; where the code of the source failed, fix the code",
        ),
    )
    def check(
        context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.AssetCheckResult]:
        with warehouse.open() as store, store.engine.connect() as connection:
            rejected = file_loader.rejected_files(connection, source.name)
            bad_records = deliveries.bad_records(connection, source.name, most=SHOWN_ROWS)
        columns = ("name", "problem", "looked_at")
        shown = [{name: row[name] for name in columns} for row in rejected]
        yield verdict(shown, WARN, bad_records if rejected else ())
        if fresh := [row for row in rejected if row["run_id"] == context.run.run_id]:
            lines = "".join(f"\n  - {in_one_line(row['name'])}: {row['problem']}" for row in fresh)
            failure = PermanentFailure(
                source.name,
                f"{len(fresh)} of the inbox's files rejected:{lines}",
                place=variable,
                remedy="Correct or remove them; a changed file is read again. Where the code of the"
                f" source failed, fix it, then run isobar quarantine retry {source.name}.",
            )
            raise dg.Failure(description=str(failure), allow_retries=False)

    return check


def query_check(source: Source, declared: Check) -> RowCheck:
    """Return a check that warns if `sql/checks/<name>.sql` of the source returns rows."""
    name = f"checks/{declared.name}"
    query, place = read_sql(source.package, name), f"sql/{name}.sql"
    spec = dg.AssetCheckSpec(
        declared.name,
        asset=dg.AssetKey(declared.on.split(".")),
        description=described(declared.expects, declared.remedy),
    )
    find = partial(offending_rows, source=source, query=query, place=place)
    return RowCheck(spec, declared.name, find, place)
