"""A stand-in for a platform's API: a WSGI app that keeps what it accepted and fails on command.

Nothing here knows our own code, so a stand-in judges it as the platform would.
"""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl

from werkzeug.serving import WSGIRequestHandler, make_server

HELD_OPEN_SECONDS = 5.0
# bodies are kept, and a demo's stand-in serves for days
REMEMBERED_CALLS = 10_000
POLL_SECONDS = 0.01
"""How soon a stand-in notices that it shall stop."""


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    def json(self) -> Any:
        """The parsed body, or None when it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Reply:
    """One answer as it leaves."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InjectedFault:
    """A failure: an error status, a connection cut, or silence; before or after accepting."""

    kind: Literal["status", "reset", "silence"] = "status"
    status: int = 503
    after_accepting: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass
class Held:
    """A conversion as the platform counts it; `count` above 1 is a double."""

    key: tuple[str, ...]
    value: float | None
    currency: str | None
    time: datetime
    count: int = 1
    received: datetime | None = None
    details: dict[str, Any] = field(default_factory=dict)


def utc_now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Requests are in `calls`; a line for each would bury what a test has to say."""


class StandIn:
    """Base of the stand-ins: `answer` says what the platform would, `held` is what it keeps."""

    name: ClassVar[str] = ""
    hosts: ClassVar[tuple[str, ...]] = ()
    """The platform's own hosts that it answers for."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self.clock = clock
        self.held: dict[tuple[str, ...], Held] = {}
        self.calls: deque[Call] = deque(maxlen=REMEMBERED_CALLS)
        self.faults: deque[InjectedFault | None] = deque()
        self._lock = threading.Lock()
        self._woken = threading.Event()

    def answer(self, call: Call) -> Reply:
        """What the platform answers, under a lock; raises LookupError for an unknown address."""
        raise LookupError(f"{self.name} knows no {call.method} {call.path}")

    def is_delivery(self, call: Call) -> bool:
        """Whether scripted faults apply: only to requests that would accept something."""
        return call.method != "GET"

    def script(self, *faults: InjectedFault | None) -> None:
        """Let the next deliveries fail in this order; None is a healthy one."""
        self.faults.extend(faults)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        call = _call(environ)
        if call.path.startswith("/_stand_in"):
            return _respond(self._administer(call), start_response)
        # one at a time, as quotas and counts are read and then written
        with self._lock:
            self.calls.append(call)
            fault = self.faults.popleft() if self.faults and self.is_delivery(call) else None
            reply = self._answer(call) if fault is None or fault.after_accepting else Reply(500)
        if fault is None:
            return _respond(reply, start_response)
        if fault.kind == "status":
            return _respond(Reply(fault.status, fault.body, fault.headers), start_response)
        return self._break_off(fault, environ, start_response)

    def _answer(self, call: Call) -> Reply:
        try:
            return self.answer(call)
        except LookupError as error:
            return Reply(404, {"error": str(error)})

    def _break_off(
        self, fault: InjectedFault, environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        if fault.kind == "silence":
            self._woken.wait(HELD_OPEN_SECONDS)
        connection = environ.get("werkzeug.socket")
        if connection is None:
            return _respond(Reply(504), start_response)
        # shut down rather than close: the server still holds files over this socket
        connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError(fault.kind)

    def _administer(self, call: Call) -> Reply:
        """GET shows what is held; POST scripts faults. For people and for other processes."""
        if call.method == "POST":
            self.script(*(InjectedFault(**fault) if fault else None for fault in call.json()))
        shown = [
            {"key": held.key, "value": held.value, "currency": held.currency, "count": held.count}
            for held in self.held.values()
        ]
        return Reply(200, {"platform": self.name, "requests": len(self.calls), "held": shown})

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[str]:
        """The address of this stand-in while it serves on a thread of its own."""
        server = make_server("127.0.0.1", port, self, threaded=True, request_handler=_QuietHandler)
        thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            self._woken.set()
            server.shutdown()
            thread.join()
            server.server_close()


def _call(environ: Mapping[str, Any]) -> Call:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }
    return Call(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
        headers=headers,
        body=environ["wsgi.input"].read(length),
    )


def _respond(reply: Reply, start_response: Any) -> Iterable[bytes]:
    if isinstance(reply.body, (str, bytes)):
        text = reply.body.encode() if isinstance(reply.body, str) else reply.body
        kind = "text/html"
    else:
        text = b"" if reply.body is None else json.dumps(reply.body).encode()
        kind = "application/json"
    headers = {"Content-Type": kind, "Content-Length": str(len(text)), **reply.headers}
    start_response(f"{reply.status} -", list(headers.items()))
    return [text]
