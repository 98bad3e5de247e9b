"""All checks of a query in their order; each reports what it finds, and the next goes on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from common import user_query
from common.bigquery.sql import Sql
from common.bigquery.warehouse import TableInfo, Warehouse
from common.cost.queries import estimated
from common.errors import AccessError, ProductError, RetryableError
from common.guard.judge import Query, Verdict, judge
from common.guard.names.references import Opened
from common.guard.names.scope import Scope
from common.guard.rules.determinism import CLOCKS
from common.model import window as days
from common.model.contract import contract, duplicate, problems
from common.model.findings import Finding, found, is_refused
from common.model.window import Window
from common.settings import Settings
from common.untyped import JsonObject, Row
from common.user_query import RefusedQueryError
from functions.validate_sql.engine import access, by_table, cost, dry, unions
from functions.validate_sql.engine.explain import explained
from functions.validate_sql.fixes import offers, rounds
from functions.validate_sql.fixes.apply import applied
from functions.validate_sql.models import Ask, Validated, columns, issues
from functions.validate_sql.partition import partition
from functions.validate_sql.partition.partition import Catalogue
from functions.validate_sql.profile import data_quality, failing, filters, predicted_value, twice
from functions.validate_sql.profile import profile as profiles

PROFILED_DAYS = 30
PROFILE_SECONDS = 20
"""After which no further part of a profile begins; a job that runs is bounded by its warehouse."""
_SHARD = re.compile(r"(.*_)(\d{8})")
# Findings after which running the query would fail, cost too much or tell nothing.
_NOT_PROFILED = frozenset(
    "partition_filter not_pruned too_expensive duplicate_column anonymous_column "
    "own_table table_not_allowed too_many_tables not_a_query".split()
)
_TOOK_LONG = frozenset({"bigquery_unavailable", "job_stopped", "job_running", "timeout"})
"""Codes of a job whose time was over before BigQuery's answer came."""
# Remarks on rows that say of a column no more than that the query writes NULL for it.
_SAY_NULL = frozenset({"all_null_column", "missing_client_id"})


@dataclass(frozen=True)
class Services:
    """What a check works with."""

    own: Warehouse
    runner: Warehouse
    """The warehouse under the identity that may run users' SQL."""
    now: datetime
    account: Callable[[], str]
    """E-mail of that identity, "" when unknown; asked for only when access is missing."""
    clock: Callable[[], float] = time.monotonic
    """Seconds that only grow, by which a profile is bounded."""

    @property
    def settings(self) -> Settings:
        return self.own.settings

    @property
    def last_days(self) -> Window:
        """The days that are profiled, up to yesterday in the project's time zone."""
        return Window.ending(days.yesterday(self.now, self.settings.timezone), PROFILED_DAYS)


def validate(ask: Ask, services: Services) -> Validated:
    """Everything that can be said of the query; nothing that it holds makes this raise."""
    allowed = Scope.of(services.settings)
    mended = rounds.mended(ask.sql, allowed)
    verdict = mended.verdict
    known = _known(verdict, services.runner)
    unbounded = _partitions(ask, verdict.query, known, services)
    later = [*_external(known.stored), *unbounded]
    # whoever has to bound the days anyway needs no second finding about the same WHERE
    if not unbounded:
        later += _period(verdict, known, services.settings.timezone)
    # of two columns of one name BigQuery's words say less than the finding that is made already
    if verdict.ok and not _has_duplicates(verdict):
        reading = dry.read(
            verdict,
            services.last_days,
            services.runner,
            services.account,
            known.opened,
            known.columns,
        )
    else:
        reading = dry.Reading()
    later += [*reading.findings, *_contract(ask, verdict, reading, services)]
    # also where BigQuery has refused: the columns of a UNION are read from the text
    if verdict.query:
        later += unions.check(verdict.query, {it.name for it in contract(ask.contract).columns})
    answer = Validated(ok=False, issues=[])
    answer.referenced_tables = sorted({*verdict.tables, *reading.tables} - {""})
    if reading.ok:
        answer.explanation = explained(verdict.query) if verdict.query else ""
        later += _weigh(answer, ask, verdict, reading, known, services)
        # of days that nothing bounds it is said already
        if not unbounded:
            later += twice.check(verdict, services.runner, services.own, services.last_days)
        later = offers.from_types(later, _columns(ask, verdict, reading, services))
        later = _look(answer, ask, verdict, reading, later, services)
        later += _predict(answer, ask, reading, services)
        later = offers.proved(
            mended.text, later, allowed, lambda text: _faults(text, ask, allowed, services)
        )
    answer.suggestion = _suggestion(ask.sql, mended, later, allowed)
    findings = [*mended.findings, *map(mended.relocated, later)]
    answer.issues = issues(findings)
    # not the verdict's: a dry run, a contract or a cost may refuse what the guard let pass
    answer.ok = not is_refused(findings)
    return answer


def _suggestion(
    sql: str, mended: rounds.Mended, findings: Sequence[Finding], allowed: Scope
) -> str:
    """The whole query as it should be written: with all replacements, "" when there is none."""
    whole = applied(mended.text, findings)
    # two replacements that are right alone may not be together
    if mended.verdict.ok and not judge(whole, allowed).ok:
        whole = mended.text
    return "" if whole == sql else whole.strip()


def _faults(
    text: str, ask: Ask, allowed: Scope, services: Services
) -> set[tuple[str, str | None]] | None:
    """Code and field of what the dry run and the contract say of a text that the guard passed."""
    verdict = judge(text, allowed)
    if not verdict.ok or _has_duplicates(verdict):
        return None
    bound = user_query.bind(verdict, services.last_days)
    try:
        # which type a replacement gives its column, only BigQuery can say
        schema = user_query.dry_run(bound, services.runner).schema
    except ProductError:
        return None
    reading = dry.Reading(schema)
    return {(it.code, it.field) for it in _contract(ask, verdict, reading, services)}


def _columns(
    ask: Ask, verdict: Verdict, reading: dry.Reading, services: Services
) -> offers.Columns:
    outputs = verdict.query.outputs if verdict.query else ()
    settings = services.settings
    return offers.Columns(
        outputs, reading.schema, ask.contract, settings.timezone, settings.currency
    )


@dataclass(frozen=True)
class Known:
    """What BigQuery's catalogue says of the tables that a query reads, also through views."""

    stored: Mapping[str, TableInfo | None]
    opened: Opened
    catalogue: Catalogue

    @property
    def columns(self) -> list[str]:
        """Names of all columns and struct fields of the tables."""
        tables = [facts.columns for facts in self.stored.values() if facts]
        return [name for columns in tables for name in _names(columns)]

    @property
    def is_partitioned(self) -> bool:
        """Whether any of the tables is partitioned."""
        return bool(self.catalogue.partitions)


def _names(columns: Iterable[Row]) -> Iterator[str]:
    for column in columns:
        yield column["name"]
        yield from _names(column.get("fields") or ())


def _known(verdict: Verdict, runner: Warehouse) -> Known:
    read = user_query.catalogue(verdict, runner)
    found_partitions = {path: partition.partition_of(path, it) for path, it in read.tables.items()}
    partitions = {path: by for path, by in found_partitions.items() if by}
    views = read.opened.views
    return Known(read.tables, read.opened, Catalogue(runner.settings.project, partitions, views))


def _external(stored: Mapping[str, TableInfo | None]) -> list[Finding]:
    return [
        found(
            "external_table",
            f"{path} lies outside BigQuery (a sheet or files), so it can change or vanish at any "
            "moment and is read in full by every run.",
            "Copy it into a table with a scheduled query.",
        )
        for path, facts in stored.items()
        if facts and facts.kind == "EXTERNAL"
    ]


def _partitions(ask: Ask, query: Query | None, known: Known, services: Services) -> list[Finding]:
    if query is None:
        return []
    # a rate table is small and read whole on purpose; its author says which one it is
    exempt = {path.strip("`") for path in ask.lookup_tables}
    checked = {path: by for path, by in known.catalogue.partitions.items() if path not in exempt}
    catalogue = replace(known.catalogue, partitions=checked)
    return partition.check(query, catalogue, services.settings.timezone)


def _period(verdict: Verdict, known: Known, timezone: str) -> list[Finding]:
    """A query that no parameter ties to the days of a run; a clock is the finding of the guard."""
    if verdict.query is None or verdict.parameters or not verdict.tables:
        return []
    # the days are bound by the clock, which the guard has warned of already
    if CLOCKS.intersection(verdict.functions):
        return []
    if shard := next(filter(None, map(_SHARD.fullmatch, verdict.tables)), None):
        message = f"The query reads the table of one day, {shard[2]}, again in every run."
        every_day = partition.filter_of(partition.shards(f"{shard[1]}*"), "_TABLE_SUFFIX", timezone)
        return [found("fixed_period", message, f"FROM `{shard[1]}*` WHERE {every_day}")]
    if known.is_partitioned:
        message = "The days are fixed in the query, so every run would read the same ones."
        by = next(iter(known.catalogue.partitions.values()))
        return [
            found("fixed_period", message, f"WHERE {partition.filter_of(by, by.name, timezone)}")
        ]
    message = (
        "No parameter ties the query to the days of a run: every run reads the same rows again."
    )
    fix = f"WHERE DATE({_moment(verdict, known)}, '{timezone}') BETWEEN @start_date AND @end_date"
    return [found("no_period", message, fix)]


def _moment(verdict: Verdict, known: Known) -> str:
    """What the query writes for its moment; else the first moment that its tables have."""
    written = _texts(verdict)
    stored = (column for facts in known.stored.values() if facts for column in facts.columns)
    moments = (column["name"] for column in stored if column["type"].upper() == "TIMESTAMP")
    return written.get("created") or written.get("outcome_at") or next(moments, "created_at")


def _texts(verdict: Verdict) -> dict[str, str]:
    """What the query writes for each column of its output: {"created": "o.paid_at"}."""
    outputs = verdict.query.outputs if verdict.query else ()
    return {output.name.lower(): output.text for output in outputs if output.text}


def _has_duplicates(verdict: Verdict) -> bool:
    return bool(_duplicates(verdict))


def _duplicates(verdict: Verdict) -> list[Finding]:
    outputs = verdict.query.outputs if verdict.query else ()
    # BigQuery compares names of columns without case
    names = [output.name.lower() for output in outputs if output.name]
    repeated = {name: None for name in names if names.count(name) > 1}
    last = {output.name.lower(): output for output in outputs}
    return [duplicate(name, last[name].at) for name in repeated]


def _contract(
    ask: Ask, verdict: Verdict, reading: dry.Reading, services: Services
) -> list[Finding]:
    """The contract by BigQuery's schema; without one, by the names that the query writes."""
    outputs = verdict.query.outputs if verdict.query else ()
    # a name that is misspelt can be said although BigQuery refused the text for another reason
    schema = reading.schema or _as_written(ask, [output.name for output in outputs])
    if not schema:
        return []
    shown = problems(
        schema,
        ask.contract,
        outputs=outputs,
        features=ask.predicted_value,
        timezone=services.settings.timezone,
    )
    repeated = _duplicates(verdict)
    return [*repeated, *(f for f in shown if not (repeated and f.code == "duplicate_column"))]


def _as_written(ask: Ask, names: Sequence[str]) -> list[JsonObject]:
    """A schema of the written names, each of the type that the contract wants."""
    agreed = contract(ask.contract)
    return [
        {
            "name": name,
            "type": known.type if (known := agreed.column(name)) else "STRING",
            "mode": known.mode if known else "NULLABLE",
            "fields": list(known.fields) if known else [],
        }
        for name in names
    ]


def _weigh(
    answer: Validated,
    ask: Ask,
    verdict: Verdict,
    reading: dry.Reading,
    known: Known,
    services: Services,
) -> list[Finding]:
    """Columns, bytes and price."""
    answer.columns = columns(reading.schema, ask.contract, ask.predicted_value)
    one_day = daily = None
    month = reading.bytes_processed
    if month is None:
        month = _bytes(verdict, PROFILED_DAYS, services)
    if month is not None:
        one_day = _bytes(verdict, 1, services)
        # of one day alone the second dry run would be the first one again
        is_longer = ask.adjustment_days > 1
        daily = _bytes(verdict, ask.adjustment_days, services) if is_longer else one_day
    shares = _shares(ask, verdict, known, services) if daily else {}
    answer.cost = cost.estimate(daily, month, services.settings, shares)
    answer.explanation = f"{answer.explanation} {cost.in_words(answer.cost)}".strip()
    answer.bytes_processed = daily
    return cost.check(answer.cost, one_day, known.is_partitioned)


def _shares(ask: Ask, verdict: Verdict, known: Known, services: Services) -> dict[str, float]:
    """Which share of a run's bytes each table takes; {} where BigQuery does not tell."""
    if verdict.query is None:
        return {}
    lookups = {path.strip("`") for path in ask.lookup_tables}
    filters = {
        path: partition.filter_of(by, by.name, services.settings.timezone)
        for path, by in known.catalogue.partitions.items()
        if path not in lookups
    }

    def columns(path: str) -> Sequence[JsonObject]:
        if facts := known.stored.get(path):
            return facts.columns
        return user_query.dry_run(by_table.whole(path), services.runner).schema

    def read(alone: Sql, path: str) -> int | None:
        return _read(alone, [path], services)

    # the days that a daily run reads again, for late rows
    window = Window.ending(services.last_days.end, ask.adjustment_days)
    try:
        return by_table.shares(verdict.query, window, columns, filters, read)
    except ProductError:
        return {}


def _bytes(verdict: Verdict, count: int, services: Services) -> int | None:
    window = Window.ending(services.last_days.end, count)
    try:
        return _read(user_query.bind(verdict, window), verdict.tables, services)
    except ProductError:
        return None


def _read(bound: Sql, paths: Iterable[str], services: Services) -> int | None:
    """What a statement reads by BigQuery's dry run, else by the sizes of its tables."""
    seen = user_query.dry_run(bound, services.runner)
    if seen.bytes_processed is not None:
        return seen.bytes_processed
    return estimated(bound, paths, services.runner)


def _look(
    answer: Validated,
    ask: Ask,
    verdict: Verdict,
    reading: dry.Reading,
    findings: Sequence[Finding],
    services: Services,
) -> list[Finding]:
    """The findings, and those of the last 30 days' rows where running the query makes sense."""
    # the rows of such a query would be paid for, and say nothing of the one to come
    if not ask.with_profile or any(finding.code in _NOT_PROFILED for finding in findings):
        return list(findings)
    # asked between parts: one that has begun is bounded by its own job's time
    until = services.clock() + PROFILE_SECONDS

    def is_over() -> bool:
        return services.clock() > until

    try:
        with profiles.answer(
            services.runner, services.own, verdict, ask.contract, services.last_days
        ) as kept:
            profile = profiles.profile(services.own, kept, services.now, is_over)
            # the dearest part, which reads days of GA4, comes last
            if profile.rows and not is_over():
                profile.clients = profiles.stitch(services.own, kept)
            remarks = _remarks(profile, ask, verdict, findings, services)
            columns = _columns(ask, verdict, reading, services)
            offered = [*findings, *remarks]
            if not is_over():
                offered = offers.from_rows(offered, columns, profile, services.own, kept)
    except RefusedQueryError as error:
        return [*findings, *error.findings]
    except AccessError as error:
        # no tables of the query: what is denied is the short-lived copy
        denied = access.denied(error.detail, (), services.account(), services.settings.project)
        return [*findings, denied]
    except ProductError as error:
        failed = _failed(error)
        # to look for the expression costs a job each, and only a failing row has one
        if failed.code != "failing_row" or verdict.query is None:
            return [*findings, failed]
        located = failing.check(
            verdict.query, services.runner, services.own, services.last_days, is_over
        )
        return [*findings, *(located or [failing.suspected(failed, verdict.query)])]
    offered += _filters(answer, verdict, services, is_over)
    if verdict.query:
        offered += failing.lost(
            verdict.query, services.runner, services.own, services.last_days, is_over
        )
    if profile.clients:
        # of all rows, as the console shows it: a row without a client id is not attributed either
        profile.attributed_share = profile.clients.known_before / profile.rows
    answer.profile, answer.sample = profile, profile.sample
    return offered if profile.is_complete else [*offered, _cut_short()]


def _filters(
    answer: Validated, verdict: Verdict, services: Services, is_over: Callable[[], bool]
) -> list[Finding]:
    """What each filter removes, for a query that could be profiled; nothing where it fails."""
    try:
        answer.filters, findings = filters.check(
            verdict, services.runner, services.own, services.last_days, is_over
        )
    except ProductError:
        return []
    return findings


def _cut_short() -> Finding:
    return found(
        "profile_failed",
        f"Within {PROFILE_SECONDS} seconds only a part of the last 30 days' rows could be "
        "looked at; what the profile leaves out is not judged.",
        "Filter partitioned tables and select no more columns than needed, so that more is seen.",
    )


def _remarks(
    profile: profiles.Profile,
    ask: Ask,
    verdict: Verdict,
    findings: Iterable[Finding],
    services: Services,
) -> list[Finding]:
    # the query writes NULL: that all rows have it says nothing more
    shown = {finding.field for finding in findings if finding.code == "null_column"}
    remarks = data_quality.check(profile, ask.contract, _texts(verdict), services.settings.timezone)
    return [it for it in remarks if it.code not in _SAY_NULL or it.field not in shown]


def _failed(error: ProductError) -> Finding:
    if error.code == "not_implemented":
        return found(
            "engine_limit",
            "The engine of this installation could not run the query over the last 30 days.",
            "The query may be right for BigQuery. Try it there, or write this part in another way.",
        )
    if error.code in _TOOK_LONG or "timed out" in error.detail:
        return found(
            "profile_failed",
            "The query took too long over the last 30 days to profile its rows here; a daily run "
            "has more time.",
            "Filter partitioned tables, join on keys, and select no more columns than needed.",
        )
    if error.code != "query_failed":
        passes = isinstance(error, RetryableError)
        return found(
            "profile_failed",
            "BigQuery did not run the query over the last 30 days, so its rows could not be looked "
            f"at: {error.detail.rstrip('.')}.",
            "Send the query again in a moment." if passes or not error.fix else error.fix,
        )
    return found(
        "failing_row",
        "The query failed on a row of the last 30 days, whose value is not shown here: "
        f"{error.detail.rstrip('.')}.",
        "Use the safe form of the function at fault: SAFE_CAST, SAFE_DIVIDE, SAFE.PARSE_TIMESTAMP; "
        "see that numbers have the unit of TIMESTAMP_SECONDS, _MILLIS or _MICROS.",
    )


def _predict(
    answer: Validated, ask: Ask, reading: dry.Reading, services: Services
) -> list[Finding]:
    """Whether predicted value can be had, for a conversion's query."""
    if ask.contract != "conversion":
        return []
    users = None
    if answer.profile and answer.profile.rows:
        # a column that is not there is missing in each row
        users = 1 - answer.profile.null_share.get("user_id", 1.0)
    try:
        answer.predicted_value = predicted_value.predicted_value(
            services.own, reading.schema, users, services.last_days.end, ask.conversion_id or ""
        )
    except ProductError:
        answer.predicted_value = predicted_value.UNKNOWN
    return predicted_value.check(ask.predicted_value, answer.predicted_value)
