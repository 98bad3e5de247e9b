"""Errors, named for what happened and grouped by what to do next.

ProductError
├── UserError        422  the request can be mended by whoever sent it
│   ├── MalformedError 400  it could not be read at all
│   ├── MethodError    405  this address takes other verbs
│   ├── TooLargeError  413  it is over a limit
│   └── MediaTypeError 415  it is not JSON
├── AccessError      403  a grant is missing; `fix` names the role and the account
├── UnauthenticatedError 401  nobody knows who asks
├── NotFoundError    404
├── ConflictError    409  something newer or busier stands in the way
│   └── UnreadableDefinitionError  saved in a form that this release does not know
├── QuotaError       429  a limit of the project is used up, for hours at least
└── RetryableError   503  nothing is wrong with the request; the same call may succeed later
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from common.untyped import Row


class ProductError(Exception):
    """What went wrong (`detail`), in which field, and what to do next (`fix`).

    `code` is stable, lower snake case, and meant for programs. `problems` lists everything that is
    wrong, where there are several things.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal"

    def __init__(
        self,
        detail: str,
        *,
        code: str = "",
        fix: str = "",
        field: str | None = None,
        problems: Sequence[Row] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.fix = fix
        self.field = field
        self.problems = problems


class UserError(ProductError):
    """422: the request can be mended by whoever sent it; `fix` says how."""

    # the request was read and understood (RFC 9110 15.5.21)
    status = 422
    default_code = "invalid"


class MalformedError(UserError):
    """400: the request could not be read at all."""

    status = 400
    default_code = "malformed"


class MethodError(UserError):
    """405: the address takes the verbs in `allowed`, which the answer lists in its header Allow."""

    status = 405
    default_code = "wrong_method"

    def __init__(self, detail: str, *, fix: str, allowed: Sequence[str]) -> None:
        super().__init__(detail, fix=fix)
        self.allowed = allowed


class TooLargeError(UserError):
    """413: a body, text or number is over a limit that `detail` names."""

    status = 413
    default_code = "too_large"


class MediaTypeError(UserError):
    """415: the body is of another media type than JSON."""

    status = 415
    default_code = "wrong_media_type"


class AccessError(ProductError):
    """403: a right is missing; `fix` names the role, the account and where to grant it."""

    status = 403
    default_code = "access_denied"


class UnauthenticatedError(ProductError):
    """401: nobody knows who asks, or the token does not hold."""

    status = 401
    default_code = "not_signed_in"

    def __init__(self, detail: str, *, code: str, fix: str, challenge: str = "Bearer") -> None:
        """`challenge` is the header WWW-Authenticate (RFC 6750 section 3)."""
        super().__init__(detail, code=code, fix=fix)
        self.challenge = challenge


class NotFoundError(ProductError):
    """404: there is no such thing, or it is not for whoever asks."""

    status = 404
    default_code = "not_found"


class ConflictError(ProductError):
    """409: something newer or busier stands in the way; read again, then decide."""

    status = 409
    default_code = "conflict"


class UnreadableDefinitionError(ConflictError):
    """409: it was saved in a form that this release does not know."""

    default_code = "unreadable_definition"


class QuotaError(ProductError):
    """429: a limit of the project is used up, for hours at least."""

    # not 503, which asks to try again in seconds: BigQuery's daily quotas last for hours
    status = 429
    default_code = "quota_exceeded"


LATER = (
    "Until then these days stay as they are: the run is open, and the watchdog asks for it again "
    "each hour, for two days."
)
"""What a person is told of work that waits for a limit to be there again."""


class RetryableError(ProductError):
    """503: nothing is wrong with the request; the same call may succeed later."""

    status = 503
    default_code = "try_again"
