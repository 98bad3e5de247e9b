"""Who asks, and what they may do here."""

from __future__ import annotations

from pydantic import Field

from common.http.identity import Role
from common.http.model import Model
from common.http.request import Ask, Nothing
from functions.api.services import Services


class May(Model):
    """What an account may do; looking is open to all that are let in."""

    edit: bool = Field(description="Save, archive and try definitions, judge queries.")
    operate: bool = Field(description="Run, backfill, schedule, send and replay.")
    see_personal_data: bool = Field(description="See rows unmasked.")


class Me(Model):
    """An account and what it may do."""

    email: str = Field(description="unknown where the platform lets in whoever asks.")
    role: Role
    may: May


def me(ask: Ask[Nothing, None], services: Services) -> Me:
    """Read who is signed in, and what the account may do."""
    may = May(
        edit=ask.who.may("editor"),
        operate=ask.who.may("operator"),
        see_personal_data=ask.who.sees_personal_data,
    )
    return Me(email=ask.who.email, role=ask.who.role, may=may)
