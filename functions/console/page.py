"""The built page: index.html under a Content-Security-Policy of its own, and hashed files."""

from __future__ import annotations

import gzip
import mimetypes
import secrets
from functools import cache
from pathlib import Path

from flask import Request, Response

from common.errors import NotFoundError, RetryableError

NONCE_MARK = "__NONCE__"
PLOT_STYLE = "'sha256-+TfQir1nvDucAdvE6XUQBt4ayUjpAWkbw2kCdSfekHM='"
"""The one style element that Observable Plot 0.6.17 writes; it takes no nonce."""
YEAR = "public, max-age=31536000, immutable"


class Page:
    """The files that `make console` wrote to `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def index(self, request: Request) -> Response:
        """The page, with a nonce that styles made in the browser have to name.

        Raises RetryableError where it was never built.
        """
        file = self._folder / "index.html"
        if not file.is_file():
            raise RetryableError(
                "The console was deployed without its page.",
                code="page_not_built",
                fix="Run `make console`, then deploy or start again.",
            )
        # 128 bits at least, and new for each answer (W3C, Content Security Policy Level 3)
        nonce = secrets.token_urlsafe(18)
        html = _read(file)[0].replace(NONCE_MARK.encode(), nonce.encode())
        # quickly packed, as each answer differs; files are packed best, once
        response = _compressed(request, html, gzip.compress(html, 4), "text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = policy(nonce)
        # a kept page would carry a nonce that its policy no longer names
        response.headers["Cache-Control"] = "no-store"
        return response

    def asset(self, request: Request) -> Response:
        """A file whose name holds the hash of its content; raises NotFoundError."""
        name = request.path.removeprefix("/assets/")
        file = self._folder / "assets" / name
        # one flat folder: nothing of a path may lead out of it
        if "/" in name or "\\" in name or name.startswith(".") or not file.is_file():
            raise NotFoundError(
                f"There is no file {request.path}.",
                code="no_such_file",
                fix="Reload the page: a newer one has been deployed.",
            )
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        response = _compressed(request, *_read(file), kind)
        # the name holds the hash of the content: another content has another name
        response.headers["Cache-Control"] = YEAR
        # the report that is kept as a file has a script in its text; here it must not run
        response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return response


def policy(nonce: str) -> str:
    """Only this origin's files and addresses; inline styles by nonce, inline scripts never."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}' {PLOT_STYLE}",
            "img-src 'self' data:",
            "connect-src 'self'",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


@cache
def _read(file: Path) -> tuple[bytes, bytes]:
    content = file.read_bytes()
    return content, gzip.compress(content, 9, mtime=0)


def _compressed(request: Request, plain: bytes, small: bytes, kind: str) -> Response:
    # Cloud Run compresses nothing by itself
    takes = "gzip" in request.headers.get("Accept-Encoding", "")
    response = Response(small if takes else plain, content_type=kind)
    if takes:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    return response
