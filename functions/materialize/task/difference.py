"""The difference between the cleaned candidates and the window of the target."""

from __future__ import annotations

from collections.abc import Iterable

from common import schemas
from common.bigquery.sql import Parameter, Sql, template, with_parameters
from common.bigquery.sql import table as quoted
from common.kinds.candidate.reason import reason as why_broken
from functions.materialize import merge
from functions.materialize.task import normalize
from functions.materialize.task.job import Job

REMEMBERED = (
    "id client_id user_id lead_id created value currency is_qualified value_gross value_refunded"
    " refund_status value_kind value_project normalization_factor component order_id"
).split()
"""Columns of a row as history keeps it before and after a change."""

LENT = (
    "gclid gbraid wbraid dclid fbclid msclkid ttclid li_fat_id session_id page_location source"
    " medium campaign"
).split()
"""What a row that does not know it itself takes from the visits of its client."""


def difference(job: Job, candidates: Sql, table: Sql, factor: normalize.Factor) -> Sql:
    """The statement that makes `table` hold every insert, update and delete of the window."""
    names = [name for name in job.target.columns if name not in job.target.provenance]
    compared = [name for name in names if name != "normalization_as_of"]
    return with_parameters(
        template(
            __file__,
            difference=table,
            candidates=candidates,
            reason=why_broken(),
            target=job.context.target,
            stage=job.context.stage,
            rates=job.context.rates,
            erasures=_sibling(job.context.target, "erasures"),
            latest=_each("SUBSTR(MAX(CONCAT(event.moment, event.{0})), 17) AS {0}", LENT),
            kept_lent=_each("COALESCE(kept.{0}, visits.{0}) AS {0}", (*LENT, "click_at")),
            settled_lent=_each("COALESCE(settled.{0}, visits.{0}) AS {0}", (*LENT, "click_at")),
            valued_columns=_each("valued.{0}", names),
            settled_columns=_each("settled.{0}", names),
            row_text=merge.row_text("told", schemas.load("conversion")["schema"], compared),
            fingerprint=merge.fingerprint("spelled.row_text"),
            values=_each("fresh.{0}", [name for name in names if name not in ("id", "date")]),
            remembered=_each("target.{0}", REMEMBERED),
            before=_each("present.{0}", REMEMBERED),
            after=_each("fresh.{0}", REMEMBERED),
        ),
        **job.days,
        **job.zone,
        settled_date=job.written.start,
        now_currency=job.context.currency,
        factor=Parameter("FLOAT64", factor.value),
        unit_value=Parameter("FLOAT64", factor.unit_value),
        factor_as_of=Parameter("DATE", factor.as_of),
        version=job.stored.version,
        run_id=job.task.run_id,
        fence=job.lease.fence,
    )


def _each(pattern: str, names: Iterable[str]) -> str:
    """The pattern for each of our own column names."""
    return ", ".join(map(pattern.format, names))


def _sibling(target: Sql, name: str) -> Sql:
    return quoted(f"{target.text.strip('`').rsplit('.', 1)[0]}.{name}")
