"""The difference between the cleaned candidates and the window of the target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from common import schemas
from common.bigquery.sql import Parameter, Sql, fill, fingerprint, join, template, with_parameters
from common.ga4 import clicks
from common.identity import erased, keys
from common.kinds.candidate.rates import to_project
from common.kinds.candidate.reason import reason as why_broken
from common.kinds.candidate.shape import lent
from functions.materialize import merge
from functions.materialize.task import normalize
from functions.materialize.task.job import Job

REMEMBERED = (
    "id client_id user_id lead_id created value currency is_qualified value_gross value_refunded"
    " refund_status value_kind value_project normalization_factor component order_id"
).split()
"""Columns of a row as history keeps it before and after a change."""

NAMES = ("id", "client_id", "user_id", "lead_id", "email", "phone")
"""Columns by which an erased person is known again."""

OUTSIDE = "history.date < @start_date OR history.date > @end_date"
AROUND = (
    "history.date BETWEEN DATE_SUB(@start_date, INTERVAL 2 DAY) AND DATE_ADD(@end_date, INTERVAL"
    " 2 DAY) AND NOT (history.date BETWEEN @start_date AND @end_date)"
)
"""Where an id of GA4 may stand that the window has: an event's moment is fixed, so that only
another time zone moves its day. Orders that come again are duplicates before, over all history."""


def difference(job: Job, candidates: Sql, table: Sql, factor: normalize.Factor) -> Sql:
    """The statement that makes `table` hold every insert, update and delete of the window."""
    judged = template(
        __file__,
        "difference_judged",
        candidates=candidates,
        reason=why_broken(),
        target=job.context.target,
        outside=_outside(job),
        spared=spared(job),
        earlier_days=_earlier_days(job),
        worth=worth(job, factor),
    )
    return _changes(job, judged, table, changed=template(__file__, "difference_changed"))


def of_kin(job: Job, together: Sql, table: Sql) -> Sql:
    """The same of the job's rows among those of its kin, which are judged and valued already."""
    own = template(
        __file__,
        "difference_of_kin",
        candidates=job.stored.conversion.apart(together, job.context),
        target=job.context.target,
        outside=_outside(job),
    )
    compared = template(__file__, "difference_of_kin_compared")
    changed = template(__file__, "difference_of_kin_changed", together=together)
    return _changes(job, own, table, compared=compared, changed=changed)


def _changes(job: Job, fresh: Sql, table: Sql, *, changed: Sql, compared: Sql | None = None) -> Sql:
    """The statement that makes `table` of the steps `fresh`, of the window's present rows and of
    what differs, `changed`."""
    names = _names(job)
    return with_parameters(
        template(
            __file__,
            None,
            difference=table,
            fresh=fresh,
            compared=compared or "",
            changed=changed,
            target=job.context.target,
            person_key=keys.of_row("fresh"),
            client_key=keys.of_client("fresh"),
            values=_each("fresh.{0}", [name for name in names if name not in ("id", "date")]),
            remembered=_each("target.{0}", REMEMBERED),
            before=_each("present.{0}", REMEMBERED),
        ),
        **job.days,
        **job.zone,
        earliest_date=job.written.start,
        version=job.stored.version,
        run_id=job.task.run_id,
        fence=job.lease.fence,
    )


def worth(
    job: Job, factor: normalize.Factor, *, key: str = "id", carried: Sequence[str] = ()
) -> Sql:
    """The steps from `kept`, rows with a date, to `fresh`: rows of the table with a fingerprint.

    `key` tells the rows of `kept` apart, and `carried` are columns that go with them as they are.
    """
    names = _names(job)
    # it moves each day; a row would be written anew though nothing else of it changed
    compared = [name for name in names if name != "normalization_as_of"]
    done = [name for name in ("removed", "reason", "net_value") if name not in carried]
    return with_parameters(
        template(
            __file__,
            "difference_worth",
            **_steps_of_visits(job, names, key),
            done=", ".join(done),
            rates=job.context.rates,
            dollars=job.context.dollars,
            rate=to_project("kept", rates="rates", dollars="own"),
            valued_columns=_each("valued.{0}", [*names, *carried]),
            row_text=merge.row_text("wanted", schemas.load("conversion")["schema"], compared),
            fingerprint=fingerprint("spelled.row_text"),
        ),
        now_currency=job.context.currency,
        factor=Parameter("FLOAT64", factor.value),
        unit_value=Parameter("FLOAT64", factor.unit_value),
        factor_as_of=Parameter("DATE", factor.as_of),
    )


def _names(job: Job) -> list[str]:
    return [name for name in job.target.columns if name not in job.target.provenance]


def _outside(job: Job) -> str:
    return AROUND if job.stored.conversion.follows_ga4 else OUTSIDE


def spared(job: Job) -> Sql:
    """The condition that nothing of a row of the step `judged` names a person who was erased."""
    erasures, judged = job.context.of_product("erasures"), Sql("judged")
    named = erased.spared(judged.text, NAMES, erasures)
    # of the step, not of the candidates again, whose texts it has read
    return join("\n    AND ", [named, erased.spared_parameters(judged.text, judged, erasures)])


def _earlier_days(job: Job) -> Sql:
    """The step of the days that may still learn; rows of GA4 stay in their window."""
    if job.known is None or job.stored.conversion.follows_ga4:
        return Sql("")
    steps = template(__file__, "difference_earlier_days", target=job.context.target)
    return fill("{{ steps }}\n", steps=steps)


def _steps_of_visits(job: Job, names: list[str], key: str) -> dict[str, str | Sql]:
    """The parts of the statement about visits and clicks, and about the days that may still learn.

    Rows of GA4 stay in their window; a row of a query is older than what GA4 tells of it late.
    """
    if job.known is None:
        return dict.fromkeys(("lent", "kept_lent", "join_known", "learnt"), "")
    has_earlier_days = not job.stored.conversion.follows_ga4
    whose = ["kept", "earlier_days"] if has_earlier_days else ["kept"]
    visitors = "\n  UNION ALL\n  ".join(
        f"SELECT {it}.{_as_id(key)}, {it}.client_id, {it}.created FROM {it}" for it in whose
    )
    lent = template(
        __file__,
        "difference_lent",
        visitors=visitors,
        clicks=clicks.newest("visitors", job.known.clicks, is_narrowed=job.known.is_narrowed),
        known_visits=job.known.visits,
    )
    parts: dict[str, str | Sql] = {
        "lent": fill("{{ steps }}\n", steps=lent),
        "kept_lent": f"{_lent('kept')},\n      ",
        "join_known": f"\n  LEFT JOIN known ON known.id = kept.{key}",
        "learnt": "",
    }
    if has_earlier_days:
        learnt = template(
            __file__,
            "difference_learnt",
            earlier_columns=_each("earlier_days.{0}", names),
            earlier_lent=_lent("earlier_days"),
        )
        parts["learnt"] = fill("\n{{ steps }}", steps=learnt)
    return parts


def _as_id(key: str) -> str:
    return key if key == "id" else f"{key} AS id"


def _lent(alias: str) -> str:
    """What the rows of the alias know of clicks and visits, or learn from those of their client."""
    return ", ".join(f"{value} AS {name}" for name, value in lent(alias, "known").items())


def _each(pattern: str, names: Iterable[str]) -> str:
    """The pattern for each of our own column names."""
    return ", ".join(map(pattern.format, names))
