"""Attributes of a lead: what is known of it when it comes, for models and filters."""

from __future__ import annotations

import re
from collections.abc import Mapping

from common.crm import names
from common.crm.canonical import Loaded
from common.crm.connector import COLUMNS, Canonical, Crm


def of_lead(rules: Crm, loaded: Mapping[Canonical, Loaded]) -> dict[str, str]:
    """The lead's attributes and the columns that hold them."""
    if rules.attributes_of not in loaded:
        return {}
    # what is written as a deal goes on knows the outcome in every snapshot
    excluded = re.compile("|".join(rules.not_attributes))
    own = COLUMNS[rules.attributes_of].keys() | rules.entry_attributes.keys()
    return {
        given: column
        for given, column in loaded[rules.attributes_of].attributes.items()
        if given.lower() not in own and not names.is_later(given, excluded)
    }


def of_entry(rules: Crm, loaded: Mapping[Canonical, Loaded]) -> tuple[str, ...]:
    """Attributes that are made of an entry, where entries are loaded."""
    return tuple(rules.entry_attributes) if "entry" in loaded else ()


def of_company(rules: Crm, loaded: Mapping[Canonical, Loaded]) -> dict[str, str]:
    """What is known of the lead's company, and the columns that hold it."""
    company, person = loaded.get("company"), loaded.get("person")
    holders = (each for each in (loaded.get("entry"), person) if each)
    if company is None or not any(each.has("company_id") for each in holders):
        return {}
    excluded = re.compile("|".join(rules.not_company_attributes))
    return {
        f"company_{names.bare(given)}": column
        for given, column in company.attributes.items()
        if not names.is_later(given, excluded)
    }


def activities(loaded: Mapping[Canonical, Loaded]) -> tuple[str, ...]:
    """The attribute that counts activities up to the lead's first day, where they are loaded."""
    table = loaded.get("activity")
    if table is None:
        return ()
    ties = table.has("entry_id") or table.has("person_id") or "activity_link" in loaded
    return ("activities_at_creation",) if ties else ()
