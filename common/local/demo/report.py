"""The demo's report: one page with plots that shows what was counted, beside the known truth."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Template
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure

from common.local.shop.truth.answers import Truth
from common.untyped import Row

INK, OURS, TRUTH, SOFT = "#1f2933", "#2563eb", "#f59e0b", "#9aa5b1"
LEADS_SHOWN = 5

Rows = Sequence[Row]
Days = Mapping[date, Mapping[str, float]]


@dataclass(frozen=True)
class Findings:
    """Everything that the page shows."""

    currency: str
    days: Sequence[Any]
    """Dates; matplotlib takes them, its types do not say so."""
    totals: Rows
    by_day: Mapping[str, Days]
    """Conversion → day → conversions and value."""
    known: Truth
    leads: Rows
    deliveries: Rows
    changes: Rows
    incidents: Rows


def page(found: Findings) -> str:
    """The whole page as HTML, without any other file."""
    mpl.rcParams.update({"svg.fonttype": "none", "font.family": "sans-serif", "svg.hashsalt": "1"})
    template = Template((Path(__file__).parent / "report.html").read_text(encoding="utf-8"))
    return template.substitute(
        day=found.known.as_of,
        totals=_table(_summed(found)),
        purchases=_plot(lambda axes: _purchases(axes, found)),
        values=_plot(lambda axes: _values(axes, found)),
        kinds=_plot(lambda axes: _kinds(axes, found)),
        scores=_plot(lambda axes: _scores(axes, found.leads)),
        leads=_table(_best(found.leads, found.currency)),
        deliveries=_table(found.deliveries),
        changes=_table(found.changes),
        incidents=_table(found.incidents),
    )


def _summed(found: Findings) -> Rows:
    return [
        {
            "conversion": row["conversion"],
            "days": row["days"],
            "read at first": row["events"],
            "duplicates": row["duplicates"],
            "left out otherwise": _otherwise(row),
            "counted at first": row["counted"],
            "conversions by now": row["rows_"],
            f"value {found.currency}": row["value"],
            "with a client id": f"{row['attributed'] / row['rows_']:.0%}" if row["rows_"] else "-",
        }
        for row in found.totals
    ]


def _otherwise(row: Row) -> int | None:
    """What the first run left out for other reasons than being a duplicate."""
    if row["events"] is None or row["counted"] is None:
        return None
    return int(row["events"] - row["duplicates"] - row["counted"])


def _purchases(axes: Axes, found: Findings) -> None:
    ours, true = found.by_day["purchase"], found.known.purchase_days
    axes.bar(found.days, _each(ours, found.days, "conversions"), color=OURS, label="counted")
    known = [true[day].conversions if day in true else 0 for day in found.days]
    axes.plot(found.days, known, "o", color=TRUTH, markersize=4, label="true")
    axes.set_title("Purchases a day", loc="left")
    _dated(axes)
    axes.legend(frameon=False)


def _values(axes: Axes, found: Findings) -> None:
    ours, true = found.by_day["purchase"], found.known.purchase_days
    gross = [true[day].value_gross if day in true else 0 for day in found.days]
    net = [true[day].value if day in true else 0 for day in found.days]
    axes.bar(found.days, _each(ours, found.days, "value"), color=OURS, label="after refunds")
    axes.plot(found.days, gross, "_", color=SOFT, markersize=8, label="before refunds")
    axes.plot(found.days, net, "o", color=TRUTH, markersize=4, label="true")
    axes.set_title(f"Value of purchases a day, {found.currency}", loc="left")
    _dated(axes)
    axes.legend(frameon=False)


def _kinds(axes: Axes, found: Findings) -> None:
    for id, counted in found.by_day.items():
        axes.plot(found.days, _each(counted, found.days, "conversions"), label=id, linewidth=1.6)
    axes.set_title("All conversions a day", loc="left")
    _dated(axes)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))


def _scores(axes: Axes, leads: Rows) -> None:
    chances = {
        flag: [lead["probability"] for lead in leads if lead["is_qualified"] == flag]
        for flag in (True, False)
    }
    axes.hist(
        [chances[True], chances[False]],
        bins=[step / 40 for step in range(41)],
        color=[OURS, SOFT],
        label=["qualified", "not qualified"],
        stacked=True,
    )
    axes.set_title("Leads by their probability of a deal", loc="left")
    axes.legend(frameon=False)


def _best(leads: Rows, currency: str) -> Rows:
    """The leads most likely to become deals, with what speaks for and against each."""
    return [
        {
            "lead": lead["id"],
            "probability": f"{lead['probability']:.0%}",
            "grade": lead["grade"],
            f"expected value {currency}": lead["expected_value"],
            "reasons": "; ".join(
                f"{reason['attribute']} {reason['value'] or 'missing'} {reason['points']:+.1f}"
                for reason in lead["reasons"][:4]
            ),
        }
        for lead in [lead for lead in leads if lead["status"] == "open"][:LEADS_SHOWN]
    ]


def _dated(axes: Axes) -> None:
    axes.xaxis.set_major_locator(AutoDateLocator())  # type: ignore[no-untyped-call]
    # each label whole, so that none stands twice
    axes.xaxis.set_major_formatter(DateFormatter("%-d %b"))  # type: ignore[no-untyped-call]


def _each(counted: Days, days: Iterable[Any], name: str) -> list[float]:
    return [counted.get(day, {}).get(name, 0) for day in days]


def _plot(draw: Callable[[Axes], None]) -> str:
    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    axes = figure.add_subplot()
    draw(axes)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)
    written = io.StringIO()
    figure.savefig(written, format="svg", transparent=True)
    svg = written.getvalue()
    return svg[svg.index("<svg") :]


def _table(rows: Rows) -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(f"<th>{html.escape(_titled(name))}</th>" for name in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row.values()) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _titled(name: str) -> str:
    return name.rstrip("_").replace("_", " ")


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else html.escape(str(value))
