"""How requests are let into the instances of a function: so many at once, each for so long."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATIENCE_SECONDS = 10.0
"""How long a request waits for a place: the longer of this and 3.5 times the mean start of an
instance (https://cloud.google.com/run/docs/troubleshooting), which here takes under 3 s."""


class Instances:
    """The warm instances of one function, which share the process that `app` leads to.

    They work on `places` requests at once: the number of instances times the concurrency of each.
    One more waits a while and is then refused with 429, as Cloud Run refuses it
    (https://cloud.google.com/run/docs/about-instance-autoscaling); one that takes longer than the
    timeout is answered 504 while its work goes on, occupying its place
    (https://cloud.google.com/run/docs/configuring/request-timeout).
    """

    def __init__(
        self,
        app: WSGIApplication,
        places: int,
        timeout: float,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._app = app
        self._timeout = timeout
        self._patience = patience
        self._pool = ThreadPoolExecutor(max_workers=places)

    def __call__(self, environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        # with an empty path the framework would redirect, and a redirected POST is lost
        request = {**environ, "PATH_INFO": environ.get("PATH_INFO") or "/"}
        started = threading.Event()
        answer = self._pool.submit(self._work, request, started)
        if not started.wait(self._patience) and answer.cancel():
            return Response("Rate exceeded.\n", 429)(environ, respond)
        try:
            return answer.result(self._timeout)(environ, respond)
        except FutureTimeout:
            return Response("upstream request timeout\n", 504)(environ, respond)

    def _work(self, environ: WSGIEnvironment, started: threading.Event) -> Response:
        started.set()
        return Response.from_app(self._app, environ, buffered=True)
