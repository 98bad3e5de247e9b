"""BigQuery on this machine: bqemulator 1.4.0 behind our launcher, its faults patched.

In a test it runs on a thread (`EmbeddedBigQuery`); for `serve` it is a process of its own
(`start_process`, or `python -m common.local.stack.bigquery`). The clients are Google's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

import duckdb
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery

from common.local.child import ChildProcess
from common.local.iam import grants, tokens
from common.local.iam.policy import Policy, read
from common.local.limits.faults import Faults
from common.local.limits.limits import Limits

if TYPE_CHECKING:
    from bqemulator.config import Settings
    from bqemulator.server import EmulatorServer

_READY_SECONDS = 60
LOCK_SECONDS = 10.0
"""A killed engine's lock on its file goes with its last thread, a moment after the process."""


def client(host: str, project: str, account: str = "") -> bigquery.Client:
    """A client of the project whose BigQuery answers at `host` (http://address:port).

    It speaks for the account, or for the person at this machine.
    """
    credentials = tokens.credentials(account or grants.account("owner", project))
    session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    # at each request all of the environment would be searched for a proxy before this machine
    session.trust_env = False
    return bigquery.Client(
        project=project,
        credentials=credentials,
        client_options={"api_endpoint": host},
        _http=session,
    )


class EmbeddedBigQuery:
    """BigQuery on a thread of this process, in memory unless a data directory is given.

    With a policy it refuses what the caller's account has no right to, with limits what is too much
    or too often; `faults` break some of its calls.

    Entering it raises RuntimeError when the data directory still belongs to another running engine
    after `patience` seconds.
    """

    def __init__(
        self,
        data_directory: Path | None = None,
        port: int = 0,
        patience: float = LOCK_SECONDS,
        policy: Policy | None = None,
        limits: Limits | None = None,
        faults: Faults | None = None,
    ) -> None:
        self._policy = policy
        self._limits = limits
        self._faults = faults
        self._data_directory = data_directory
        self._port = port
        self._patience = patience
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bigquery", daemon=True)
        self.host = ""

    def __enter__(self) -> Self:
        settings = _settings(self._data_directory, self._port)
        self._thread.start()
        try:
            self._server = _patiently(lambda: self._start(settings), self._patience)
        except BaseException:
            self._end_loop()
            raise
        self.host = self._server.rest_url
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(_READY_SECONDS)
        self._end_loop()

    def client(self, project: str, account: str = "") -> bigquery.Client:
        """A client of the project on this engine."""
        return client(self.host, project, account)

    def _start(self, settings: Settings) -> EmulatorServer:
        from bqemulator.server import EmulatorServer

        from common.local.emulator_patches.server import enforcement, limits, permissions

        server = EmulatorServer(settings)

        async def begin() -> None:
            permissions.policy.set(self._policy)
            enforcement.enforced.set(self._limits)
            limits.faulty.set(self._faults)
            await server.start()

        asyncio.run_coroutine_threadsafe(begin(), self._loop).result(_READY_SECONDS)
        return server

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass(frozen=True)
class BigQueryProcess(ChildProcess):
    """A running engine: `host` is what BIGQUERY_EMULATOR_HOST wants."""

    host: str


def start_process(
    data_directory: Path | None,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    policy: Path | None = None,
) -> BigQueryProcess:
    """Starts an engine as a process that ends with this one, however this one ends.

    `policy` is a file of grants, as common.local.iam.policy writes it; `environment` is added to
    this process's own. Raises RuntimeError when it does not come up; its own words are on stderr.
    """
    command = [sys.executable, "-m", __name__, "--port", str(port), "--while-stdin-is-open"]
    if data_directory is not None:
        command += ["--data", str(data_directory)]
    if policy is not None:
        command += ["--policy", str(policy)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # an interrupt from the terminal reaches the parent alone, which ends its parts in order
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"The embedded BigQuery ended with code {process.wait()}.")
    return BigQueryProcess(process, json.loads(line)["host"])


def _settings(data_directory: Path | None, port: int) -> Settings:
    from bqemulator.config import LogLevel, PersistenceMode, Settings

    from common.local import emulator_patches

    emulator_patches.install()
    mode = PersistenceMode.EPHEMERAL if data_directory is None else PersistenceMode.PERSISTENT
    return Settings(
        rest_port=port,
        grpc_port=0,
        persistence_mode=mode,
        data_dir=data_directory,
        # each start would try to download Avro's
        enable_format_extensions=False,
        metrics_enabled=False,
        log_level=LogLevel.ERROR,
    )


def _patiently(start: Callable[[], EmulatorServer], patience: float) -> EmulatorServer:
    deadline = time.monotonic() + patience
    while True:
        try:
            return start()
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise
            if time.monotonic() > deadline:
                raise RuntimeError(f"Another engine is running on this data: {error}") from error
            time.sleep(0.2)


def _run(options: argparse.Namespace, until: Callable[[], object], out: IO[str]) -> None:
    policy = options.policy and read(options.policy)
    # who asks for rights asks for limits too: both are what the cloud refuses
    limits = Limits() if policy else None
    with EmbeddedBigQuery(options.data, options.port, policy=policy, limits=limits) as engine:
        print(json.dumps({"host": engine.host}), file=out, flush=True)
        with suppress(KeyboardInterrupt):
            until()


def main(arguments: list[str] | None = None) -> None:
    """Serves until interrupted, or until stdin closes when asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m common.local.stack.bigquery", description=__doc__
    )
    parser.add_argument("--data", type=Path, help="directory of the data; in memory without it")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument(
        "--while-stdin-is-open", action="store_true", help="end when stdin closes, as a child"
    )
    parser.add_argument("--policy", type=Path, help="file of grants; without it all may do all")
    options = parser.parse_args(arguments)
    until = sys.stdin.read if options.while_stdin_is_open else threading.Event().wait
    _run(options, until, sys.stdout)


if __name__ == "__main__":
    main()
