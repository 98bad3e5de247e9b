"""Versions of a conversion: read one, compare two, bring one back."""

from __future__ import annotations

from common.catalog.comparison import CompareQuery, Comparison, compared, version_of
from common.http.request import Ask, Nothing
from functions.api.definitions import definitions
from functions.api.definitions.definitions import ConversionVersion, SaveQuery
from functions.api.services import Services


def one_version(ask: Ask[Nothing, None], services: Services) -> ConversionVersion:
    """Read one version of a conversion."""
    versions = services.catalog.versions(ask.path["id"])
    return definitions.as_document(version_of(versions, ask.path["version"], ask.path["id"]))


def compare(ask: Ask[CompareQuery, None], services: Services) -> Comparison:
    """Compare two versions of a conversion, field by field."""
    versions = services.catalog.versions(ask.path["id"])
    before, after = (
        version_of(versions, str(number), ask.path["id"])
        for number in (ask.query.before, ask.query.after)
    )
    return compared(before, after)


def restore(ask: Ask[SaveQuery, None], services: Services) -> ConversionVersion:
    """Save an older version anew, checked as any other draft.

    With If-Match, refused unless that is still the newest version.
    """
    versions = services.catalog.versions(ask.path["id"])
    stored = version_of(versions, ask.path["version"], ask.path["id"])
    return definitions.save(
        Ask(ask.path, ask.query, stored.conversion, who=ask.who), services, ask.expected_version
    )
