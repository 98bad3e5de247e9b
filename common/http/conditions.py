"""Headers that make a request safe to send, or cheap: If-Match against a lost edit,
Idempotency-Key against a request that happens twice, If-None-Match against an answer that is known.
"""

from __future__ import annotations

import hashlib
import re

from flask import Request, Response

from common.errors import MalformedError

HEADERS = {
    "If-Match": 'The version that was read, such as "3"; refused when there is a newer one.',
    "Idempotency-Key": "A key of the caller's: the same request with the same key is one request.",
    "If-None-Match": "The ETag of an answer that is known; 304 as long as it would be the same.",
}
IF_MATCH = r'^(W/)?"[0-9]{1,9}"$|^[0-9]{1,9}$'
"""A proxy that packs an answer marks its ETag as weak (RFC 9110 section 8.8.3), which a version
survives."""
IDEMPOTENCY_KEY = r'^(?!"+$)[!-~]([ -~]{0,198}[!-~])?$'
"""Quotes around nothing are no key: taken for none, a request sent twice would happen twice."""
PATTERNS = {
    "If-Match": {"pattern": IF_MATCH},
    "Idempotency-Key": {"pattern": IDEMPOTENCY_KEY},
}
"""What a header is refused for, as JSON Schema says it."""


def expected_version(request: Request) -> int | None:
    """The version that If-Match names; None without the header. Raises MalformedError."""
    text = request.headers.get("If-Match")
    if text is None:
        return None
    # * and lists are refused too: "any version" would overwrite what nobody has read
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
    # the draft of the header (IETF httpapi) writes a quoted string, most clients write none
    return text.strip('"')


def unless_known(response: Response, request: Request) -> Response:
    """The response with an ETag of its content, or 304 when If-None-Match names it.

    Weak, as a proxy may pack it (RFC 9110 section 8.8.3); a browser asks again each time.
    """
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32], weak=True)
    # what is shown depends on who asks, so that no shared cache may keep it
    response.headers["Cache-Control"] = "private, no-cache"
    tag, _ = response.get_etag()
    if not (tag and request.if_none_match.contains_weak(tag)):
        return response
    # a 304 carries what the 200 would have said of caching (RFC 9110 section 15.4.5)
    kept = {name: response.headers[name] for name in ("ETag", "Cache-Control")}
    return Response(status=304, headers=kept)


def etag(version: int) -> str:
    """The version as an answer's ETag."""
    return f'"{version}"'
