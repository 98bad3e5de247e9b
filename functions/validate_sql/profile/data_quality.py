"""What a profile says about the query: contents that no schema shows, and the text to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches

from common.model import placeholders
from common.model.contract import Kind, contract
from common.model.currency import DECIMALS
from common.model.findings import Finding, found
from functions.validate_sql.profile.profile import Clients, Profile

MISSING_CLIENT_SHARE = 0.2
SPARSE_SHARE = 0.5
LOW_STITCH_SHARE = 0.5
GEO_KEYS = ("city", "country", "region")
STATUSES = ("won", "lost", "open")

Written = Callable[[str], str]
"""The expression that the query returns as a column: WHERE cannot name a column of the output."""

_GEO_LOOK_ALIKES = {
    "town": "city",
    "location_city": "city",
    "state": "region",
    "county": "region",
    "province": "region",
    "country_code": "country",
    "nation": "country",
}


def check(profile: Profile, kind: Kind, texts: Mapping[str, str], timezone: str) -> list[Finding]:
    """Every remark that the profile gives rise to, gravest kinds first.

    `texts` are the expressions of the columns as their author wrote them, where they are known.
    """
    if not profile.rows:
        return [
            found(
                "no_rows",
                f"The query returned no row from {profile.start_date} to {profile.end_date}, so "
                "nothing can be said about its contents.",
                "Check the filters, and whether the tables have data for these days.",
            )
        ]
    moment = "outcome_at" if kind == "deals" else "created"

    def written(name: str) -> str:
        return texts.get(name) or name

    parts = (
        _ids(profile, kind, written),
        _moments(profile, moment, written, timezone),
        _columns(profile, kind),
        _clients(profile, written),
        _money(profile, written),
        _statuses(profile, written),
        _params(profile),
        _meanings(profile),
    )
    return [finding for part in parts for finding in part]


def _ids(profile: Profile, kind: Kind, written: Written) -> Iterator[Finding]:
    id_ = "id" if kind == "conversion" else "lead_id"
    text = written(id_)
    ids = profile.ids
    if missing := ids.get("missing"):
        message = f"{_have(missing, profile.rows)} no {id_}."
        fix = f"WHERE {text} IS NOT NULL, or take {id_} from a column without gaps."
        yield found("null_id", message, fix, field=id_)
    # a deal may come once for every contact that it belongs to
    if ids.get("repeated") and kind != "deals":
        examples = ", ".join(profile.repeated_ids)
        yield found(
            "duplicate_id",
            f"There are several rows for {_values(ids['repeated'])} of {id_}, such as {examples}; "
            "only the newest row of each would be kept.",
            f"QUALIFY ROW_NUMBER() OVER (PARTITION BY {id_} ORDER BY created DESC) = 1, or make "
            f"{id_} finer: CONCAT({text}, '-', CAST(line AS STRING)) AS {id_}",
            field=id_,
        )
    if nobody := ids.get("placeholders"):
        listed = ", ".join(literal(word) for word in placeholders.NOBODY)
        yield found(
            "placeholder_id",
            f"{_have(nobody)} a text that stands for nobody, such as '(not set)' or '0', as "
            f"{id_}; they would all become one.",
            f"WHERE LOWER(TRIM({text})) NOT IN ({listed})",
            field=id_,
        )
    if addresses := ids.get("addresses"):
        yield found(
            "personal_id",
            f"{_have(addresses)} an e-mail address as {id_}. Ids are shown, stored and sent "
            "to platforms as they are.",
            f"TO_HEX(SHA256(LOWER(TRIM({text})))) AS {id_}",
            field=id_,
        )


def _moments(profile: Profile, moment: str, written: Written, timezone: str) -> Iterator[Finding]:
    counts = profile.moments
    if not counts:
        return
    bad = counts["missing"] + counts["ancient"] + counts["future"]
    if bad:
        parts = {
            "NULL": counts["missing"],
            "before the year 2000": counts["ancient"],
            "in the future": counts["future"],
        }
        shown = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)
        yield found(
            "invalid_created",
            f"{moment} is no valid time in {_rows(bad)}: {shown}.",
            f"WHERE {written(moment)} IS NOT NULL; a number may be in another unit: "
            "TIMESTAMP_MILLIS, TIMESTAMP_SECONDS or TIMESTAMP_MICROS",
            field=moment,
        )
    if counts["outside"]:
        yield found(
            "outside_window",
            f"{_rows(counts['outside'])} have a {moment} outside {profile.start_date} to "
            f"{profile.end_date}, the days that were asked for. Such rows are left out of a run.",
            f"Filter by the same time that is returned: WHERE DATE({written(moment)}, "
            f"'{timezone}') BETWEEN @start_date AND @end_date",
            field=moment,
        )
    # one row may lie on midnight by chance
    if counts["valid"] > 1 and counts["valid"] in (
        counts["midnight_utc"],
        counts["midnight_local"],
    ):
        yield found(
            "date_only",
            f"{moment} is midnight in every row, so it is a day, not a time. Which visit came "
            "before the conversion cannot be known within that day.",
            f"Take a column with the time of day: created_at AS {moment}",
            field=moment,
        )


def _columns(profile: Profile, kind: Kind) -> Iterator[Finding]:
    agreed = contract(kind)
    needed = {*agreed.required, *(name for group in agreed.one_of for name in group)}
    for name, share in profile.null_share.items():
        if name in needed:
            continue
        if share == 1:
            yield found(
                "all_null_column",
                f"{name} is NULL in all {profile.rows:,} rows. A column of which nothing is known "
                "is left out.",
                f"Remove {name} from the SELECT list.",
                field=name,
            )
        elif share > SPARSE_SHARE:
            message = f"{name} is NULL in {share:.0%} of the rows."
            fix = "Nothing to do when it is known for some rows only."
            yield found("sparse_column", message, fix, field=name)
    clients = profile.null_share.get("client_id", 0.0)
    if clients > MISSING_CLIENT_SHARE and "lead_id" not in profile.null_share:
        yield found(
            "missing_client_id",
            f"client_id is NULL in {clients:.0%} of the rows; these conversions are reported as "
            "(not attributed).",
            "Store the GA4 client id with each order or lead: a hidden form field filled from the "
            "_ga cookie.",
            field="client_id",
        )


def _clients(profile: Profile, written: Written) -> Iterator[Finding]:
    clients = profile.clients
    if clients is None or not clients.total:
        return
    formats = _formats(clients, written("client_id"))
    faults = [(count, what, fix) for count, what, fix in formats if count]
    for count, what, fix in faults:
        message = f"{_have(count, clients.total)} {what} as client_id."
        yield found("client_id_format", message, fix, field="client_id")
    share = clients.known_before / clients.total
    if share < LOW_STITCH_SHARE:
        late = clients.known - clients.known_before
        is_late = late > clients.total / 2
        after = f" {late:,} more appear there only after the conversion." if late else ""
        yield found(
            "stitch_rate",
            f"GA4 saw {share:.0%} of the client ids before the conversion ({clients.known_before:,}"
            f" of {clients.total:,}); the others are reported as (not attributed).{after}",
            "Return as created the moment of the conversion itself: most visits lie after it."
            if is_late
            else faults[0][2]
            if faults
            else "Return the value of GA4's user_pseudo_id, such as 1834567890.1763550000.",
            field="client_id",
        )


READABLE = ("the cookie's text (GA1.1.123.456)", "a placeholder such as 'undefined'")
"""What a client id may be that an expression makes one, or nobody, of."""


def _formats(clients: Clients, text: str) -> list[tuple[int, str, str]]:
    return [
        (
            clients.with_cookie_prefix,
            READABLE[0],
            f"COALESCE(REGEXP_EXTRACT({text}, r'^GA[0-9]+\\.[0-9]+\\.([0-9]+\\.[0-9]+)$'), {text}) "
            "AS client_id",
        ),
        (
            clients.session_cookies,
            "the text of the session's cookie (GS1.1.1763550000), which names no visitor,",
            "Return the visitor's cookie _ga, GA1.1.123.456, not _ga_<stream>.",
        ),
        (
            clients.addresses,
            "an e-mail address",
            "Return the GA4 client id; the address belongs into a column email.",
        ),
        (
            clients.placeholders,
            READABLE[1],
            f"NULLIF(NULLIF({text}, 'undefined'), 'null') AS client_id",
        ),
        (
            clients.scientific,
            "a number rounded by a spreadsheet (1.83E+09)",
            "Load the column as text from the start; the lost digits cannot be restored.",
        ),
        (
            clients.without_dot,
            "digits without a dot, unknown to GA4,",
            "If it is half of a GA4 client id, return both halves: CONCAT(first_half, '.', "
            "second_half) AS client_id. An id of the CRM names no visitor: return the id that GA4 "
            "gave, or CAST(NULL AS STRING) AS client_id",
        ),
    ]


def _money(profile: Profile, written: Written) -> Iterator[Finding]:
    codes = {code.strip().upper(): code for code in profile.currencies if code.strip()}
    unknown = [code for upper, code in codes.items() if upper not in DECIMALS]
    if unknown:
        yield found(
            "currency_code",
            f"{', '.join(map(repr, unknown[:5]))} is no currency code of ISO 4217.",
            f"Say which code each of them means: CASE {written('currency')} "
            f"{_whens(unknown, 'ISO code')} ELSE {written('currency')} END AS currency",
            field="currency",
        )
    lower = [code for upper, code in codes.items() if upper in DECIMALS and code != upper]
    if lower:
        message = f"The codes {', '.join(map(repr, lower[:5]))} are read as capitals."
        fix = f"UPPER(TRIM({written('currency')})) AS currency"
        yield found("currency_case", message, fix, field="currency")
    if profile.negative_values:
        yield found(
            "negative_value",
            f"value is negative in {_rows(profile.negative_values)}; they are left out of a run.",
            f"Leave refunds out, WHERE {written('value')} >= 0, and subtract them from the order "
            "that they belong to.",
            field="value",
        )


def _statuses(profile: Profile, written: Written) -> Iterator[Finding]:
    unknown = [status for status in profile.statuses if status not in STATUSES]
    if unknown:
        yield found(
            "deal_status",
            f"status has values that say neither won, lost nor open: {', '.join(unknown[:5])}.",
            f"Say for each whether it is won, lost or open: CASE {written('status')} "
            f"{_whens(unknown, 'won, lost or open')} ELSE {written('status')} END AS status",
            field="status",
        )


def _whens(values: list[str], meant: str) -> str:
    return " ".join(f"WHEN {literal(value)} THEN '{meant}'" for value in values[:5])


def literal(value: str) -> str:
    """The text as GoogleSQL writes it, between single quotes."""
    return f"'{value.translate(_ESCAPED)}'"


# what ends a line would end a text between single quotes; a cell of a sheet may hold it
_ESCAPED = str.maketrans(
    {
        "\\": r"\\",
        "'": r"\'",
        **{code: f"\\x{code:02x}" for code in (*range(32), 127)},
        **{code: f"\\u{code:04x}" for code in (*range(0x80, 0xA0), 0x2028, 0x2029)},
    }
)


def _params(profile: Profile) -> Iterator[Finding]:
    if profile.rows_with_repeated_params or profile.params_without_key:
        what = (
            "a key of params appears twice"
            if profile.rows_with_repeated_params
            else ("params has a NULL key")
        )
        count = profile.rows_with_repeated_params or profile.params_without_key
        yield found(
            "params_key",
            f"In {_rows(count)} {what}.",
            "Give every entry a key of its own: [STRUCT('city' AS key, city AS value), "
            "STRUCT('country', country)] AS params",
            field="params",
        )
    for key in profile.params_keys:
        if geo := _meant_geo(key):
            yield found(
                "geo_key",
                f"The params key {key!r} is not read as geo data; the key is {geo!r}.",
                f"STRUCT('{geo}' AS key, {geo} AS value)",
                field="params",
            )


def _meanings(profile: Profile) -> Iterator[Finding]:
    """Values that an export would have to read and cannot."""
    for key, values in profile.unknown_meanings.items():
        shown = ", ".join(f"{value!r} ({_rows(count)})" for value, count in [*values.items()][:5])
        if key == "event_source":
            effect = "is sent as unknown"
            meant = "web, app, store, phone, crm or other"
        else:
            effect = "counts as a denial, so that these rows are not sent with personal data"
            meant = "granted or denied"
        yield found(
            "unknown_meaning",
            f"{key} has values that nobody listed: {shown}. Each {effect}.",
            f"Say for each whether it means {meant}: "
            f"CASE {key} {_whens(list(values), meant)} ELSE {key} END",
            field="params",
        )


def _meant_geo(key: str) -> str:
    """The geo key that this one was probably meant to be, "" for any other key."""
    plain = re.sub(r"\W+", "_", key.strip().lower())
    if key in GEO_KEYS:
        return ""
    close = get_close_matches(plain, GEO_KEYS, n=1, cutoff=0.85)
    # first, as county is close to country and means a region
    return _GEO_LOOK_ALIKES.get(plain) or (close[0] if close else "")


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def _have(count: int, of: int | None = None) -> str:
    """So many rows, of how many, and the verb."""
    whole = "" if of is None else f" of {of:,}"
    return f"{_rows(count)}{whole} {'has' if count == 1 else 'have'}"


def _values(count: int) -> str:
    return "one value" if count == 1 else f"{count:,} values"
