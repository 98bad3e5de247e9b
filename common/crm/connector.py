"""What a folder says: the CRM's own rules, and for each loader where its tables hold what."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from common.crm import CLICK_IDS

Canonical = Literal[
    "person", "entry", "deal", "link", "stage", "entered", "person_merge", "deal_merge",
    "currency", "label", "company", "activity", "activity_link", "deal_archive", "person_email",
    "person_phone", "history", "shared_label",
]  # fmt: skip
"""person: a contact. company: an organization that persons belong to. entry: a lead, a form sent or
an inbox entry. activity: a call, a mail or a task with either; activity_link: an activity and a
person. link: a deal and a person. entered: when a deal came into a stage. merges: what is gone and
what was kept. label: words of a code, shared_label those of codes that several
tables have. deal_archive: deals that were taken away. person_email and
person_phone: where a loader keeps them apart. history: changes of the leads' attributes."""

_CLICKED: Mapping[str, str] = dict.fromkeys(("client_id", *CLICK_IDS), "STRING")

_LABEL: Mapping[str, str] = {
    "attribute": "STRING", "code": "STRING", "entity": "STRING", "words": "STRING",
    "deleted": "FLAG",
}  # fmt: skip

COLUMNS: Mapping[Canonical, Mapping[str, str]] = {
    "person": {
        "id": "ID", "created": "TIMESTAMP", "deleted": "FLAG", "merged_into": "ID",
        "merged_ids": "IDS", **_CLICKED, "email": "STRING", "phone": "STRING",
        "user_id": "STRING", "reached": "BOOL", "reached_at": "TIMESTAMP", "company_id": "ID",
        "loaded_id": "ID",
    },
    "entry": {
        "id": "ID", "created": "TIMESTAMP", "deleted": "FLAG", "merged_into": "ID",
        "person_id": "ID", "deal_id": "ID", **_CLICKED, "email": "STRING",
        "phone": "STRING", "lost": "FLAG", "modified": "TIMESTAMP", "user_id": "STRING",
        "reached": "BOOL", "reached_at": "TIMESTAMP", "company_id": "ID",
    },
    "deal": {
        "id": "ID", "created": "TIMESTAMP", "deleted": "FLAG", "stage_id": "STRING",
        "pipeline_id": "STRING", "status": "STRING", "won": "BOOL", "closed": "BOOL",
        "won_at": "TIMESTAMP", "lost_at": "TIMESTAMP", "closed_at": "TIMESTAMP",
        "stage_at": "TIMESTAMP", "modified": "TIMESTAMP", "amount": "FLOAT64",
        "home_amount": "FLOAT64",
        "currency": "STRING", "currency_id": "STRING", "lead_id": "ID", "person_id": "ID",
        "merged_into": "ID", **_CLICKED, "said_won": "BOOL", "said_lost": "BOOL",
        "updated": "TIMESTAMP",
    },
    "company": {"id": "ID", "created": "TIMESTAMP", "deleted": "FLAG"},
    "activity": {
        "id": "ID", "created": "TIMESTAMP", "deleted": "FLAG", "entry_id": "ID", "person_id": "ID",
    },
    "activity_link": {"activity_id": "ID", "person_id": "ID", "deleted": "FLAG"},
    "link": {"row_id": "ID", "deal_id": "ID", "person_id": "ID", "deleted": "FLAG"},
    "stage": {
        "id": "STRING", "pipeline_id": "STRING", "won": "BOOL", "closed": "BOOL",
        "probability": "FLOAT64", "label": "STRING",
    },
    "entered": {"deal_id": "ID", "stage_id": "STRING", "entered_at": "TIMESTAMP"},
    "person_merge": {"gone": "ID", "kept": "ID"},
    "deal_merge": {"gone": "ID", "kept": "ID"},
    "currency": {"id": "STRING", "code": "STRING", "rate": "FLOAT64", "is_home": "FLAG"},
    "history": {
        "record_id": "ID", "attribute": "STRING", "before": "STRING", "after": "STRING",
        "changed_at": "TIMESTAMP",
    },
    "deal_archive": {"id": "ID", "updated": "TIMESTAMP"},
    "person_email": {"loaded_id": "ID", "words": "STRING"},
    "person_phone": {"loaded_id": "ID", "words": "STRING"},
    "label": _LABEL,
    "shared_label": _LABEL,
}  # fmt: skip
"""Columns of every canonical table with their types.

An ID is a STRING however it was stored, IDS several of them between semicolons; of a FLAG any path
that is true counts, and nothing is false.
"""

IDENTIFIERS = tuple(_CLICKED)
"""Columns that are found by what a loader's columns are called."""

Path_ = Annotated[str, Field(min_length=1, max_length=300)]


class Strict(BaseModel):
    """A part of a file: a key that is missing or unknown is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Mapped(Strict):
    """Where a loader holds one canonical table."""

    table: tuple[str, ...]
    """Names, found without case; the first that exists is taken."""
    optional: bool
    key: tuple[str, ...]
    """Canonical columns of which one row each is kept; `row_id` alone where the table has one."""
    latest: tuple[Path_, ...]
    """Paths that order the versions of a row, the newest highest."""
    columns: Mapping[str, tuple[Path_, ...]]
    """Paths of canonical columns; of several the first that exists is taken (`paths.py`)."""


class Connector(Strict):
    """One shape in which a loader writes a CRM."""

    name: str
    fingerprint: Mapping[str, tuple[str, ...]]
    """Tables and columns that only this shape has, all of them."""
    tables: Mapping[Canonical, Mapped]
    labels: Mapping[Canonical, tuple[str, ...]]
    """Tables of `key` and `name` that name columns which are hashes."""


class Crm(Strict):
    """What is peculiar to a CRM, whoever loaded it."""

    leads: Literal["person", "entry"]
    """Whether a person without an entry is a lead, or entries alone are."""
    attributes_of: Literal["person", "entry"]
    """The table whose other columns are the lead's attributes."""
    entry_attributes: Mapping[str, tuple[Path_, ...]]
    """Attributes that are made of an entry, by name."""
    not_attributes: tuple[str, ...]
    """Patterns of names, in snake_case and without prefixes, that are none."""
    not_company_attributes: tuple[str, ...] = ()
    """The same for columns of companies, which become attributes company_..."""
    long_ids: bool
    """Whether ids of 15 characters are written with a checksum of their case, 18 in all."""
    labelled: str
    """The entity in the table of labels that whole numbers among the attributes are codes of."""
    labelled_company: str = ""
    """The same for columns of companies."""


def crm(name: str) -> Crm:
    """The CRM's own file; raises ValidationError for a missing or unknown key."""
    return _crm(_FOLDER / name)


def connectors(name: str) -> tuple[Connector, ...]:
    """The shapes of the CRM that are read, by the names of their files."""
    return _connectors(_FOLDER / name)


_FOLDER = Path(__file__).parent


@cache
def _crm(folder: Path) -> Crm:
    return Crm.model_validate_json((folder / "crm.json").read_text(encoding="utf-8"))


@cache
def _connectors(folder: Path) -> tuple[Connector, ...]:
    files = sorted(path for path in folder.glob("*.json") if path.name != "crm.json")
    return tuple(Connector.model_validate_json(path.read_text(encoding="utf-8")) for path in files)
