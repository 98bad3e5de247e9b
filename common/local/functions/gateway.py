"""The functions on one port, each a process loaded from its bundle as the platform loads it.

A function answers under its name: POST /validate-sql, GET /api/..., and a push subscription posts
to /materialize/projects/{project}/topics/{topic}. The page answers wherever no function does. The
gateway is a process of its own, so that the functions have their own environment and can be killed
alone (`start_process`); it lets requests in and hands them on.
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

from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from common.local.child import ChildProcess
from common.local.functions import manifest, worker
from common.local.functions.bundle import bundle, unpack
from common.local.functions.instance import Instances
from common.local.functions.manifest import Function, Manifest
from common.local.functions.worker import Order, Worker
from common.local.iam import grants, identity, messages, secrets, tokens
from common.local.iam.policy import Policy, read
from common.local.rpc.wire import LOOPBACK, require_free

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OWN_ROOT = Path(__file__).resolve().parents[3]
TOKEN_PATH = "/_local/token"
IAM_CREDENTIALS_PATH = "/_local/iamcredentials"
SECRETS_PATH = "/_local/secretmanager"
PATIENCE = "LOCAL_PATIENCE"
"""Variable of a factor on the functions' timeouts, for a machine that does other work."""
_UNLISTED = (TOKEN_PATH, IAM_CREDENTIALS_PATH, SECRETS_PATH)


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
        """From now on requests are answered."""
        self._thread.start()

    def fileno(self) -> int:
        """The listening socket's."""
        return self._server.fileno()

    def _elsewhere(self, environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        known = sorted(path for path in self._dispatcher.mounts if path not in _UNLISTED)
        status, code, title, fix = (
            (404, "no_such_function", "No such function", f"Call one of {', '.join(known)}.")
            if known
            # it listens before the functions have come up
            else (503, "starting", "Starting", "Try again in a few seconds.")
        )
        problem = {
            "type": f"urn:conversions:{code}",
            "title": title,
            "status": status,
            "detail": f"Nothing is mounted at {environ.get('PATH_INFO', '/')}.",
            "fix": fix,
        }
        body, kind = json.dumps(problem), "application/problem+json"
        return Response(body, status, content_type=kind)(environ, respond)


def orders(
    deployed: Manifest, root: Path, directory: Path, token_url: str, project: str
) -> list[Order]:
    """What each function's worker runs: its source's bundle, unpacked under the directory."""
    bundles = directory / "deployed"
    for source, entry_points in deployed.entry_points().items():
        unpack(bundle(root, source, entry_points), bundles / source)
    return [
        _order(name, function, bundles, directory, token_url, grants.account(name, project))
        for name, function in deployed.functions.items()
    ]


def _order(
    name: str, function: Function, bundles: Path, directory: Path, token_url: str, account: str
) -> Order:
    credentials = identity.write_credentials(directory / "google", token_url, account)
    # what Terraform sets, so that an instance's server has a thread for each request it is given
    own = {"GOOGLE_APPLICATION_CREDENTIALS": str(credentials), "THREADS": str(function.concurrency)}
    main = bundles / function.source / "main.py"
    return Order(name, function.entry_point, main, account, own)


def guarded(name: str, function: Function, app: WSGIApplication, policy: Policy) -> WSGIApplication:
    """The function behind the platform's own door: a push without the right to it gets 403.

    Functions for the frontend are open to everybody on this machine, as envs/dev.tfvars.example
    opens them to browsers.
    """

    def answer(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        # only the first is looked at where a request has both
        # (https://cloud.google.com/run/docs/authenticating/service-to-service)
        sent = environ.get("HTTP_X_SERVERLESS_AUTHORIZATION") or environ.get("HTTP_AUTHORIZATION")
        sender = tokens.caller(sent or "")
        if policy.missing(sender, messages.function_needs(name)) is None:
            return app(environ, respond)
        return Response(_FORBIDDEN, 403, content_type="text/html")(environ, respond)

    return answer if function.trigger == "push" else app


_FORBIDDEN = """<html><head><title>403 Forbidden</title></head>
<body><h1>Error: Forbidden</h1>
<h2>Your client does not have permission to get URL from this server.</h2></body></html>
"""


@dataclass(frozen=True)
class GatewayProcess(ChildProcess):
    """Running functions: one answers at url/name. Let work under way finish before `stop`."""

    url: str


def start_process(
    root: Path,
    directory: Path,
    environment: Mapping[str, str],
    port: int = 0,
    log: IO[Any] | None = None,
    policy: Path | None = None,
    instances: int | None = None,
) -> GatewayProcess:
    """Starts the functions of the repository at `root` as a process that ends with this one.

    `policy` is a file of grants, `instances` how many each function has whatever the manifest says.
    They have exactly this environment; what they print goes to `log`, or to this process's own
    output. Raises RuntimeError when they do not come up; their own words are in the log.
    """
    read, write = os.pipe()
    command = [sys.executable, "-m", __name__, "--root", str(root), "--directory", str(directory)]
    if policy is not None:
        command += ["--policy", str(policy)]
    if instances is not None:
        command += ["--instances", str(instances)]
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
    # the child's end alone is left, so that reading ends when it dies before it is ready
    os.close(write)
    with os.fdopen(read) as ready:
        line = ready.readline()
    if not line:
        process.communicate()
        raise RuntimeError("The functions did not start; what they printed says why.")
    return GatewayProcess(process, json.loads(line)["url"])


def serve(options: argparse.Namespace, ready: Callable[[str], object]) -> Gateway:
    """The gateway of the repository's functions, running; calls `ready` with its URL.

    Raises RuntimeError when a function cannot be loaded.
    """
    gateway = Gateway(options.port)
    deployed = manifest.read(options.root)
    policy = options.policy and read(options.policy)
    project = policy.project if policy else "conversions-local"
    gateway.mount(TOKEN_PATH, identity.exchange)
    if policy:
        gateway.mount(IAM_CREDENTIALS_PATH, identity.impersonation(policy))
        gateway.mount(SECRETS_PATH, secrets.versions(policy, os.environ))
        identity.write_credentials(
            options.directory / "google", gateway.url + TOKEN_PATH, policy.owner
        )
    alive, writer = os.pipe()
    token_url = gateway.url + TOKEN_PATH
    workers: list[Worker] = [
        worker.start(order, alive, (writer, gateway.fileno(), options.ready_fd))
        for order in orders(deployed, options.root, options.directory, token_url, project)
    ]
    gateway.start()
    for started in workers:
        function = deployed.functions[started.name]
        app = Instances(
            worker.forward(started.url()),
            (options.instances or function.max_instances) * function.concurrency,
            function.timeout_seconds * options.patience,
        )
        gateway.mount(
            "" if function.trigger == "page" else f"/{started.name}",
            guarded(started.name, function, app, policy) if policy else app,
        )
    threading.Thread(target=_end_with_workers, daemon=True).start()
    ready(gateway.url)
    return gateway


def _end_with_workers() -> None:
    """One function that crashes takes all along, and whoever runs the stack starts them again."""
    os.wait()
    os._exit(1)


def main(arguments: list[str] | None = None) -> None:
    """Serves until stdin closes, as a child process."""
    parser = argparse.ArgumentParser(
        prog="python -m common.local.functions.gateway", description=__doc__
    )
    parser.add_argument("--root", type=Path, required=True, help="the repository")
    parser.add_argument("--directory", type=Path, required=True, help="where bundles are unpacked")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--ready-fd", type=int, required=True, help="gets the URL when all is up")
    parser.add_argument("--policy", type=Path, help="file of grants; without it all may do all")
    parser.add_argument(
        "--instances", type=int, help="of each function, whatever the manifest says"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=float(os.environ.get(PATIENCE, "1")),
        help=f"factor on each function's timeout; {PATIENCE} where it is left out",
    )
    options = parser.parse_args(arguments)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    _forget_own_root()
    with os.fdopen(options.ready_fd, "w") as ready:
        serve(options, lambda url: _tell(ready, url))
    sys.stdin.read()
    # the work under way belongs to messages that will come again
    os._exit(0)


def _forget_own_root() -> None:
    """What is deployed is then found in the bundles only, and what they lack is missed here too."""
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != OWN_ROOT]
    for name in [name for name in sys.modules if name.partition(".")[0] == "common"]:
        del sys.modules[name]


def _tell(ready: IO[str], url: str) -> None:
    print(json.dumps({"url": url}), file=ready, flush=True)


if __name__ == "__main__":
    main()
