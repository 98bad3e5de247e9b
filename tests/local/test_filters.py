"""The filter language of subscriptions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.local.pubsub.filters import parse

ATTRIBUTES = {"kind": "score", "domain": "com", "iana.org/language_tag": "en", "ce-type": "a\tb"}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("   ", True),
        ('attributes.kind = "score"', True),
        ('attributes.kind="materialize"', False),
        ('attributes.kind != "materialize"', True),
        ('attributes.missing = ""', False),
        ('attributes.missing != "x"', True),
        ("attributes:kind", True),
        ("attributes:missing", False),
        ('attributes:"iana.org/language_tag"', True),
        ('attributes."iana.org/language_tag" = "\\u0065n"', True),
        ('attributes.ce-type = "a\\tb"', True),
        ('attributes.ce-type = "a\\x09\\142"', True),
        ('hasPrefix(attributes.domain, "co")', True),
        ('hasPrefix(attributes.missing, "")', False),
        ("NOT attributes:missing", True),
        ("-attributes:kind", False),
        ("NOT (attributes:kind AND attributes:missing)", True),
        ('attributes:kind AND (attributes.domain = "net" OR attributes.domain = "com")', True),
        ('(attributes:missing OR attributes:kind) AND NOT hasPrefix(attributes.kind, "m")', True),
    ],
)
def test_a_filter_lets_through_what_its_documentation_says(text: str, passes: bool) -> None:
    assert parse(text)(ATTRIBUTES) is passes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("kind = 'score'", "cannot be read"),
        ('kind = "score"', "'attributes' is expected"),
        ("attributes.kind = score", 'a "string" is expected'),
        ('attributes.kind < "a"', "cannot be read"),
        ('attributes.kind = "a', "cannot be read"),
        ("attributes:a AND attributes:b OR attributes:c", "parentheses"),
        ("attributes:a attributes:b", "'the end' is expected"),
        ("attributes:a and attributes:b", "'the end' is expected"),
        ("(attributes:a", "')' is expected"),
        ("attributes.", "an attribute key is expected"),
        ('attributes.kind = "' + "x" * 256 + '"', "longer than 256 bytes"),
    ],
)
def test_a_filter_outside_the_language_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="(?s)" + reason.replace("(", r"\(").replace(")", r"\)")):
        parse(text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_quoted_value_matches_itself_and_nothing_else(value: str, other: str) -> None:
    escaped = "".join(
        f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else letter for letter in value
    )
    if len(escaped.encode()) > 200:
        return
    test = parse(f'attributes.key = "{escaped}"')
    assert test({"key": value})
    assert test({"key": other}) is (other == value)
