"""A small HTTP endpoint that keeps what it gets and answers what the test tells it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The data of the pushed message."""
        return base64.b64decode(self.json["message"]["data"]).decode()


class Receiver:
    """Answers with the status that `answer` gives for a request; 204 unless told otherwise."""

    def __init__(self, answer: Callable[[Received], int] = lambda request: 204) -> None:
        self.answer = answer
        self.requests: list[Received] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Received(self.command, self.path, self.headers, body)
                receiver._keep(request)
                self.send_response(receiver.answer(request))
                self.send_header("Content-Length", "0")
                self.send_header("Location", f"{receiver.url}/elsewhere")
                self.end_headers()

            do_POST = do_PUT = do_GET = handle_any

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def texts(self) -> list[str]:
        return [request.text for request in self.requests]

    def wait_for(self, count: int) -> None:
        """Returns when so many requests have arrived; AssertionError when they do not."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.requests) >= count, timeout=60)

    def _keep(self, request: Received) -> None:
        with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Hands:
    """A clock that moves when told."""

    def __init__(self, now: float = 1_760_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
