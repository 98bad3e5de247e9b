"""The demo's report: one page with plots that shows what was counted, beside the known truth."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from string import Template
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.local.attach import Attached
from common.local.shop.answers import Truth
from common.local.shop.shop import Shop
from common.local.views import totals
from common.sql import Sql

INK, OURS, TRUTH, SOFT = "#1f2933", "#2563eb", "#f59e0b", "#9aa5b1"


def write_report(stack: Attached, shop: Shop, known: Truth, ids: Sequence[str], url: str) -> Path:
    """Write .local/report.html and return its path."""
    mpl.rcParams.update({"svg.fonttype": "none", "font.family": "sans-serif", "svg.hashsalt": "1"})
    currency = stack.settings.currency
    days = [day for day in _span(shop) if day < known.as_of]
    purchases = by_day(stack, "purchase")
    page = Template((Path(__file__).parent / "report.html").read_text(encoding="utf-8"))
    text = page.substitute(
        day=known.as_of,
        totals=_table(totals(stack.warehouse, ids)),
        purchases=_plot(lambda axes: _purchases(axes, days, purchases, known)),
        values=_plot(lambda axes: _values(axes, days, purchases, known, currency)),
        kinds=_plot(lambda axes: _kinds(axes, days, {id: by_day(stack, id) for id in ids})),
        changes=_table(_changes(stack)),
        incidents=_table(_incidents(stack)),
        url=html.escape(url),
    )
    path = stack_directory(stack) / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


def stack_directory(stack: Attached) -> Path:
    """Where reports of this machine go."""
    from common.local.attach import DATA

    DATA.mkdir(parents=True, exist_ok=True)
    return DATA


def by_day(stack: Attached, id: str) -> dict[date, dict[str, float]]:
    """Day → conversions and value in the project's currency."""
    sql = Sql(
        "SELECT date, COUNT(*) AS conversions, SUM(value_project) AS value FROM "
        f"{stack.warehouse.table(f'conversion_{id}')} WHERE date > '2000-01-01' GROUP BY date"
    )
    return {
        row["date"]: {"conversions": row["conversions"], "value": row["value"] or 0.0}
        for row in stack.warehouse.rows(sql)
    }


def _purchases(
    axes: Axes, days: list[Any], ours: Mapping[date, Mapping[str, float]], known: Truth
) -> None:
    axes.bar(days, [_of(ours, day, "conversions") for day in days], color=OURS, label="counted")
    true = [
        known.purchase_days[day].conversions if day in known.purchase_days else 0 for day in days
    ]
    axes.plot(days, true, "o", color=TRUTH, markersize=4, label="true")
    axes.set_title("Purchases a day", loc="left")
    axes.legend(frameon=False)


def _values(
    axes: Axes,
    days: list[Any],
    ours: Mapping[date, Mapping[str, float]],
    known: Truth,
    currency: str,
) -> None:
    axes.bar(days, [_of(ours, day, "value") for day in days], color=OURS, label="after refunds")
    gross = [known.purchase_days[d].value_gross if d in known.purchase_days else 0 for d in days]
    net = [known.purchase_days[d].value if d in known.purchase_days else 0 for d in days]
    axes.plot(days, gross, "_", color=SOFT, markersize=8, label="before refunds")
    axes.plot(days, net, "o", color=TRUTH, markersize=4, label="true")
    axes.set_title(f"Value of purchases a day, {currency}", loc="left")
    axes.legend(frameon=False)


def _kinds(
    axes: Axes, days: list[Any], counted: Mapping[str, Mapping[date, Mapping[str, float]]]
) -> None:
    for id, each in counted.items():
        axes.plot(days, [_of(each, day, "conversions") for day in days], label=id, linewidth=1.6)
    axes.set_title("All conversions a day", loc="left")
    axes.legend(frameon=False, fontsize=8, ncols=2)


def _plot(draw: Callable[[Axes], None]) -> str:
    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    axes = figure.add_subplot()
    draw(axes)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)
    figure.autofmt_xdate(rotation=0, ha="center")
    written = io.StringIO()
    figure.savefig(written, format="svg", transparent=True)
    svg = written.getvalue()
    return svg[svg.index("<svg") :]


def _table(rows: Iterable[Mapping[str, Any]]) -> str:
    listed = list(rows)
    if not listed:
        return "<p>None.</p>"
    head = "".join(f"<th>{html.escape(name.rstrip('_'))}</th>" for name in listed[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row.values()) + "</tr>"
        for row in listed
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else html.escape(str(value))


def _changes(stack: Attached) -> list[dict[str, Any]]:
    return list(
        stack.warehouse.rows(
            Sql(
                "SELECT definition_id AS conversion, change, cause, COUNT(*) AS rows_, "
                "SUM(COALESCE(new_value, 0) - COALESCE(old_value, 0)) AS value_change FROM "
                f"{stack.warehouse.table('conversion_changes')} WHERE date > '2000-01-01' "
                "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
            )
        )
    )


def _incidents(stack: Attached) -> list[dict[str, Any]]:
    return list(
        stack.warehouse.rows(
            Sql(
                "SELECT code, severity, conversion, detail, fix FROM "
                f"{stack.warehouse.table('incidents')} ORDER BY recorded_at"
            )
        )
    )


def _of(days: Mapping[date, Mapping[str, float]], day: date, name: str) -> float:
    return days.get(day, {}).get(name, 0)


def _span(shop: Shop) -> list[date]:
    return [
        date.fromordinal(shop.period.start.toordinal() + number)
        for number in range(shop.period.days)
    ]
