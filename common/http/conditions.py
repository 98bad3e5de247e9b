"""Headers that make a request safe to send: If-Match against a lost edit, Idempotency-Key
against a request that happens twice."""

from __future__ import annotations

import re

from flask import Request

from common.errors import MalformedError

HEADERS = {
    "If-Match": 'The version that was read, such as "3"; refused when there is a newer one.',
    "Idempotency-Key": "A key of the caller's: the same request with the same key is one request.",
}
IF_MATCH = r'^(W/)?"[0-9]{1,9}"$|^[0-9]{1,9}$'
"""A proxy that packs an answer marks its ETag as weak (RFC 9110 section 8.8.3), which a version
survives."""
IDEMPOTENCY_KEY = r"^[!-~]([ -~]{0,198}[!-~])?$"
PATTERNS = {"If-Match": IF_MATCH, "Idempotency-Key": IDEMPOTENCY_KEY}


def expected_version(request: Request) -> int | None:
    """The version that If-Match names; None without the header. Raises MalformedError."""
    text = request.headers.get("If-Match")
    if text is None:
        return None
    if not re.fullmatch(IF_MATCH, text):
        raise MalformedError(
            "The header If-Match names no version.",
            code="bad_if_match",
            fix='Send the ETag of the answer that you read, such as If-Match: "3".',
        )
    return int(text.removeprefix("W/").strip('"'))


def idempotency_key(request: Request) -> str:
    """The caller's key for this request; "" without the header. Raises MalformedError."""
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return ""
    if not re.fullmatch(IDEMPOTENCY_KEY, text):
        raise MalformedError(
            "The Idempotency-Key is empty, longer than 200 characters or not plain ASCII text.",
            code="bad_idempotency_key",
            fix="Send a UUID.",
        )
    return text.strip('"')


def etag(version: int) -> str:
    """The version as an answer's ETag."""
    return f'"{version}"'
