"""The functions on one port, loaded from their bundles as the platform loads them.

A function answers under its name: POST /validate-sql, GET /api/..., and a push subscription posts
to /materialize/projects/{project}/topics/{topic}. The page answers wherever no function does. The
gateway is a process of its own, so that the functions have their own environment and can be killed
alone (`start_process`).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import functions_framework
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from common.local.rpc.wire import LOOPBACK, require_free
from common.local.stack import identity, manifest
from common.local.stack.bundle import bundle, unpack
from common.local.stack.instance import Instance
from common.local.stack.manifest import Manifest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OWN_ROOT = Path(__file__).resolve().parents[3]
TOKEN_PATH = "/_local/token"


class Gateway:
    """A server on this machine; what is mounted under a name answers at /name."""

    def __init__(self, port: int = 0) -> None:
        require_free(port)
        self._dispatcher = DispatcherMiddleware(self._elsewhere, {})
        self._server = make_server(LOOPBACK, port, self._dispatcher, threaded=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"

    def mount(self, path: str, app: WSGIApplication) -> None:
        """`path` begins with a slash and ends without one."""
        self._dispatcher.mounts[path] = app

    def start(self) -> None:
        self._thread.start()

    def _elsewhere(self, environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        known = sorted(path for path in self._dispatcher.mounts if path != TOKEN_PATH)
        problem = {
            "type": "urn:conversions:no_such_function",
            "title": "No such function",
            "status": 404,
            "detail": f"Nothing is mounted at {environ.get('PATH_INFO', '/')}.",
            "fix": f"Call one of {', '.join(known)}.",
        }
        body, kind = json.dumps(problem), "application/problem+json"
        return Response(body, 404, content_type=kind)(environ, respond)


def load(deployed: Manifest, root: Path, bundles: Path) -> dict[str, WSGIApplication]:
    """{function name: its app}, each loaded from its source's bundle, unpacked under `bundles`."""
    for source, entry_points in deployed.entry_points().items():
        unpack(bundle(root, source, entry_points), bundles / source)
    return {
        name: Instance(
            _app(function.entry_point, bundles / function.source / "main.py"),
            function.concurrency,
            function.timeout_seconds,
        )
        for name, function in deployed.functions.items()
    }


@dataclass(frozen=True)
class GatewayProcess:
    """Running functions: one answers at url/name."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ends it; work under way is cut as by a kill, so let it finish before."""
        with self.process:
            assert self.process.stdin is not None
            self.process.stdin.close()

    def kill(self) -> None:
        """Ends it as a crash would."""
        with self.process:
            self.process.kill()


def start_process(
    root: Path,
    directory: Path,
    environment: Mapping[str, str],
    port: int = 0,
    log: IO[Any] | None = None,
) -> GatewayProcess:
    """Starts the functions of the repository at `root` as a process that ends with this one.

    They have exactly this environment; what they print goes to `log`, or to this process's own
    output. Raises RuntimeError when they do not come up; their own words are in the log.
    """
    read, write = os.pipe()
    command = [sys.executable, "-m", __name__, "--root", str(root), "--directory", str(directory)]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--ready-fd", str(write)],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        pass_fds=[write],
        cwd=OWN_ROOT,
        env=dict(environment),
        start_new_session=True,
    )
    os.close(write)
    with os.fdopen(read) as ready:
        line = ready.readline()
    if not line:
        process.communicate()
        raise RuntimeError("The functions did not start; what they printed says why.")
    return GatewayProcess(json.loads(line)["url"], process)


def serve(root: Path, directory: Path, port: int, ready: Callable[[str], object]) -> Gateway:
    """The gateway of the repository's functions, running; calls `ready` with its URL."""
    gateway = Gateway(port)
    gateway.mount(TOKEN_PATH, identity.exchange)
    credentials = identity.write_credentials(directory / "google", gateway.url + TOKEN_PATH)
    os.environ.setdefault("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
    deployed = manifest.read(root)
    for name, app in load(deployed, root, directory / "deployed").items():
        gateway.mount("" if deployed.functions[name].trigger == "page" else f"/{name}", app)
    gateway.start()
    ready(gateway.url)
    return gateway


def main(arguments: list[str] | None = None) -> None:
    """Serves until stdin closes, as a child process."""
    parser = argparse.ArgumentParser(
        prog="python -m common.local.stack.gateway", description=__doc__
    )
    parser.add_argument("--root", type=Path, required=True, help="the repository")
    parser.add_argument("--directory", type=Path, required=True, help="where bundles are unpacked")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--ready-fd", type=int, required=True, help="told the URL when all is up")
    options = parser.parse_args(arguments)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    _forget_own_root()
    with os.fdopen(options.ready_fd, "w") as ready:
        serve(options.root, options.directory, options.port, lambda url: _tell(ready, url))
    sys.stdin.read()
    # the work under way belongs to messages that will come again
    os._exit(0)


def _app(entry_point: str, source: Path) -> WSGIApplication:
    app: WSGIApplication = functions_framework.create_app(  # type: ignore[no-untyped-call]
        entry_point, str(source), "http"
    )
    # the framework leaves these behind for the next function
    for name in ("FUNCTION_TARGET", "FUNCTION_SIGNATURE_TYPE"):
        os.environ.pop(name, None)
    return app


def _forget_own_root() -> None:
    """What is deployed is then found in the bundles only, and what they lack is missed here too."""
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != OWN_ROOT]
    for name in [name for name in sys.modules if name.partition(".")[0] == "common"]:
        del sys.modules[name]


def _tell(ready: IO[str], url: str) -> None:
    print(json.dumps({"url": url}), file=ready, flush=True)


if __name__ == "__main__":
    main()
