"""What columns are called: client and click ids in every spelling, and what is no attribute."""

from __future__ import annotations

import re

# cr and a few characters is a publisher's prefix in Dataverse (cr5a3_), but created and credit are
# words
_PREFIX = re.compile(
    r"^(properties_|property_|new_|cr(?!eat|edit|oss|owd|ash|it)[0-9a-z]{2,5}_|custom_fields__?)"
)
_SUFFIX = re.compile(r"__?c$")

_PATTERNS = {
    # of the names met in public code this finds all 63, and none of 24 that only sound alike
    "client_id": re.compile(
        r".*?(^|_)(ga4?|google|google_?analytics|analytics|g)_?(c_?id|client_?id)($|_.*)"
        r"|client_?id|ga4?_?id|gaid|_?ga"
    ),
    "gclid": re.compile(r"(.*_)?gclid.*|(.*_)?(google|ga|g)(_?ads?)?_?click_?id.*"),
    "gbraid": re.compile(r"(.*_)?gbraid.*"),
    "wbraid": re.compile(r"(.*_)?wbraid.*"),
    "fbclid": re.compile(r"(.*_)?fbclid.*|(.*_)?(facebook|fb|meta)_?click_?id.*"),
    "msclkid": re.compile(r"(.*_)?msclkid.*|(.*_)?(microsoft|bing|ms)(_?ads?)?_?click_?id.*"),
    "ttclid": re.compile(r"(.*_)?ttclid.*|(.*_)?(tiktok|tik_tok|tt)(_?ads?)?_?click_?id.*"),
    "li_fat_id": re.compile(r"(.*_)?li_?fat_?id.*|(.*_)?(linkedin|linked_in|li)_?click_?id.*"),
}

_ABOUT = re.compile(r".*_(at|on|date|time|timestamp|source|src|medium|campaign|type|count|status)")
"""What describes an identifier and is none: when it was captured, or where."""

LOADER = re.compile(
    r"_?(fivetran|airbyte|sdc|dlt|hevo|ab_cdc)_.*|_+hevo.*|sink_?(created|modified)_?on"
    r"|partition_?id"
    r"|(is_)?deleted?|deleted_at|isdeleted?|archived|is_archived|active_flag|[0-9a-f]{40}(_.*)?"
)
"""What loaders add, and columns whose name is a hash that nobody has named."""

DELETED = (
    *("_fivetran_deleted", "not _fivetran_active", "_ab_cdc_deleted_at", "_sdc_deleted_at"),
    *(
        "ended _dlt_valid_to",
        "__hevo__marked_deleted",
        "is_deleted",
        "IsDeleted",
        "IsDelete",
        "deleted",
        "deleted_at",
    ),
)
"""How loaders say that a record is gone from the CRM, whichever CRM it is.

Of a history the active version is asked first: where none is active, the record is gone.
"""

_ENDED = r"(lost|loss|won|win|closed?|(dis|un)?qualif(y|ied|ication)|reject(ed|ion)|convert(ed)?)"
LATER = re.compile(
    r"(is_)?converted(_.*)?|stage.*|.*_stage|lifecycle.*|(.*_)?(modified|modstamp)(_.*)?"
    r"|((lead|deal|contact|sales|opportunity|qualification|pipeline|crm)_)?"
    r"(status|disposition|outcome)(_(reason|code|detail|date|name|label|changed.*))?"
    rf"|(.*_)?({_ENDED}|mql|sql|sal)_?(date|date_?time|at|on|time|by)"
    rf"|(.*_)?{_ENDED}_?(reason|comment|note)s?(_.*)?|(.*_)?reasons?_(for_)?{_ENDED}(_.*)?"
    rf"|(.*_)?(days|time)_to_{_ENDED}(_.*)?|(.*_)?next_steps?"
)
"""What is written as a lead goes on, in every CRM."""


def snake(name: str) -> str:
    """The name in small letters and underscores, whatever its spelling."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def bare(name: str) -> str:
    """The same without what CRMs and publishers put around it: `property_x` and `X__c` are x."""
    return _SUFFIX.sub("", _PREFIX.sub("", snake(_SUFFIX.sub("", name))))


def is_loaders(name: str) -> bool:
    """Whether a loader added the column, or its name is a hash that nobody has named."""
    return bool(LOADER.fullmatch(snake(name)) or LOADER.fullmatch(name.lower()))


def is_later(name: str, excluded: re.Pattern[str]) -> bool:
    """Whether a loader or somebody who works on the lead wrote it, or the CRM's own words say so.

    `excluded` are those, in snake_case; any spelling counts: Dataverse writes statuscode, and some
    loaders status_code.
    """
    plain = bare(name)
    said = any(map(excluded.fullmatch, (plain, plain.replace("_", ""))))
    return said or is_loaders(name) or bool(LATER.fullmatch(plain))


def identifier_of(name: str) -> str | None:
    """The identifier that a column of this name holds: client_id or one of CLICK_IDS."""
    plain = bare(name)
    # an application's client id, not a visitor's
    if "oauth" in plain or _ABOUT.fullmatch(plain):
        return None
    return next((id for id, pattern in _PATTERNS.items() if pattern.fullmatch(plain)), None)
