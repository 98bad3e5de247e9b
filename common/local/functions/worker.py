"""A function in a process of its own, as in the cloud: its own modules, environment and account.

The process is forked from one that has Google's libraries loaded, so it starts in a moment.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import functions_framework
import google.cloud.bigquery
import google.cloud.pubsub_v1  # noqa: F401  loaded before the fork: most functions need it
import grpc
from werkzeug.middleware.http_proxy import ProxyMiddleware
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from common.local.iam import tokens
from common.local.rpc.wire import LOOPBACK

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LONGEST_SECONDS = 3600


@dataclass(frozen=True)
class Worker:
    """A forked function; its URL comes through `ready` once it is loaded."""

    name: str
    process: int
    ready: int

    def url(self) -> str:
        """Where it answers; raises RuntimeError when it could not be loaded."""
        with os.fdopen(self.ready) as pipe:
            line = pipe.readline()
        if not line:
            raise RuntimeError(f"The function {self.name} did not start.")
        return str(json.loads(line)["url"])


@dataclass(frozen=True)
class Order:
    """What a worker runs, as whom."""

    name: str
    entry_point: str
    source: Path
    """The main.py of its bundle."""
    account: str
    environment: Mapping[str, str]


def start(order: Order, alive: int, closed: Iterable[int]) -> Worker:
    """A worker that ends when the writing end of the pipe `alive` is closed, however that happens.

    `closed` are files of this process that the worker must not keep open.
    """
    read, write = os.pipe()
    process = os.fork()
    if process:
        os.close(write)
        return Worker(order.name, process, read)
    try:
        for file in (read, *closed):
            os.close(file)
        threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
        _serve(order, write)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    os._exit(1)


def forward(url: str) -> WSGIApplication:
    """An app that hands each request on to the worker at the URL, path and headers unchanged."""
    proxy = ProxyMiddleware(Response(status=404), {}, timeout=LONGEST_SECONDS)
    target = {"target": url, "remove_prefix": False, "host": None, "headers": {}}

    def handed_on(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        return proxy.proxy_to({**target, "ssl_context": None}, environ["PATH_INFO"], "/")(
            environ, respond
        )

    return handed_on


def _serve(order: Order, ready: int) -> None:
    os.environ.update(order.environment)
    _sign_channels(order.account)
    app: WSGIApplication = functions_framework.create_app(  # type: ignore[no-untyped-call]
        order.entry_point, str(order.source), "http"
    )
    server = make_server(LOOPBACK, 0, app, threaded=True)
    with os.fdopen(ready, "w") as out:
        print(json.dumps({"url": f"http://{LOOPBACK}:{server.server_port}"}), file=out, flush=True)
    server.serve_forever(0.05)


def _sign_channels(account: str) -> None:
    """Emulators are called over plain channels, on which Google's clients send no credentials."""
    plain = grpc.insecure_channel

    def insecure_channel(*arguments: object, **options: object) -> grpc.Channel:
        return tokens.signed(plain(*arguments, **options), account)

    grpc.insecure_channel = insecure_channel


def _end_with(pipe: int) -> None:
    os.read(pipe, 1)
    os._exit(0)
