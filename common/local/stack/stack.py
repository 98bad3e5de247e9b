"""The whole product on one machine: engine, Pub/Sub, Scheduler and the functions.

Product code finds all of it through environment variables, with the clients that it has in the
cloud. What was not finished when the stack ended, even by SIGKILL, goes on at the next start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.services.cloud_scheduler.transports import (
    CloudSchedulerGrpcTransport,
)
from google.cloud.scheduler_v1.types import RunJobRequest
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import PubsubMessage
from grpc import Channel

from common.bigquery.warehouse import Warehouse
from common.local.functions import gateway, manifest
from common.local.functions.gateway import GatewayProcess
from common.local.iam import identity, messages, policy, secrets
from common.local.iam.grants import account, local_policy, recorded
from common.local.iam.tokens import channel as channel_of
from common.local.pubsub.server import PubsubServer
from common.local.rpc.wire import LOOPBACK
from common.local.scheduler.server import SchedulerServer
from common.local.stack import bigquery, provision
from common.local.stack.bigquery import BigQueryProcess
from common.local.stack.directory import held
from common.local.stack.ports import FREE_PORTS, Ports
from common.settings import Settings
from common.untyped import JsonObject

PROJECT = "conversions-local"
GRACE_SECONDS = 10.0
BEHIND_THE_PAGE = ("api", "validate-sql", "export-preview")
LOCAL_USER = "you@this-machine"
REPORT = "LOCAL_RIGHTS_USED"
"""Variable of a file to which every stack adds the grants that something needed."""


class Stack:
    """A running stack, as `running` yields it; `environment` is what the functions see."""

    def __init__(
        self,
        root: Path,
        directory: Path,
        environment: Mapping[str, str],
        ports: Ports,
        log: IO[Any] | None,
        instances: int | None = None,
        granted: Iterable[str] | None = None,
    ) -> None:
        self.manifest = manifest.read(root)
        self.environment = addressed(environment, directory, ports)
        self.settings = Settings.from_environment(self.environment)
        lines = recorded(root) if granted is None else granted
        self.policy = local_policy(self.settings, lines)
        if REPORT in environment:
            self.policy.used.file = Path(environment[REPORT])
        self.owner = self.policy.owner
        self.policy_file = directory / "policy.json"
        self.url = f"http://{LOOPBACK}:{ports.gateway}"
        self.pubsub: PubsubServer
        self.scheduler: SchedulerServer
        self._launch: Callable[[], GatewayProcess] = lambda: gateway.start_process(
            root, directory, self.environment, ports.gateway, log, self.policy_file, instances
        )

    @property
    def functions(self) -> dict[str, str]:
        """{function name: its URL}."""
        return {name: f"{self.url}/{name}" for name in self.manifest.functions}

    def ready(self) -> JsonObject:
        """What a caller needs to know, as `serve` prints it."""
        return {"ready": True, **self.facts()}

    def facts(self) -> JsonObject:
        """Where everything answers, and the settings that it runs with."""
        return {
            "url": self.url,
            "bigquery": self.environment["BIGQUERY_EMULATOR_HOST"],
            "pubsub": self.environment["PUBSUB_EMULATOR_HOST"],
            "scheduler": self.settings.scheduler_endpoint,
            "functions": self.functions,
            "settings": self.settings.model_dump(mode="json"),
        }

    def tick(self, schedule: str) -> None:
        """Runs a schedule of the manifest now."""
        parent = f"projects/{self.settings.project}/locations/{self.settings.scheduler_location}"
        self.scheduler.run_job(RunJobRequest(name=f"{parent}/jobs/{schedule}"))

    def wait_until_idle(self, timeout: float) -> bool:
        """Whether, within the timeout, every message was handled or given up."""
        return self.pubsub.pushes.wait_until_idle(timeout)

    def dead_letters(self) -> int:
        """How many messages were given up and wait for a person."""
        return sum(self.pubsub.backlog.undelivered(pushes=False).values())

    def start_functions(self) -> None:
        """Starts them, after a crash too; raises RuntimeError when they do not come up."""
        self._process = self._launch()

    def stop_functions(self) -> None:
        """Ends them as a deployment would: what is under way is finished."""
        self._process.stop()

    def kill_functions(self) -> None:
        """Ends the functions as a crash would; the messages they were working on come again."""
        self._process.kill()

    def functions_run(self) -> bool:
        """Whether their process is alive."""
        return self._process.process.poll() is None


@contextmanager
def running(
    root: Path,
    directory: Path,
    environment: Mapping[str, str],
    *,
    ports: Ports = FREE_PORTS,
    clock: Callable[[], float] = time.time,
    schedules: bool = True,
    log: IO[Any] | None = None,
    instances: int | None = None,
    granted: Iterable[str] | None = None,
) -> Iterator[Stack]:
    """A stack of the repository at `root` with its data in `directory`, ready for requests.

    Topics, subscriptions, schedules and tables are there, as after `terraform apply`.

    `environment` is the functions' own, CONVERSIONS_* settings included; the addresses are filled
    in. What the functions print goes to `log` or to this process's output. Without `schedules`,
    jobs run on `tick` only. `instances` is how many every function has, instead of the manifest's
    figures; `granted` are lines of grants instead of the repository's recorded ones.

    Raises DirectoryBusyError when another stack has the directory, OSError for a taken port,
    ValidationError for wrong settings, RuntimeError when a part does not come up.
    """
    directory = directory.resolve()
    ports = ports.chosen()
    stack = Stack(root.resolve(), directory, environment, ports, log, instances, granted)
    with ExitStack() as parts:
        parts.enter_context(held(directory, stack.facts()))
        policy.write(stack.policy, stack.policy_file)
        engine = _start_engine(directory / "bigquery", ports.bigquery, stack.policy_file)
        parts.callback(_stop_engine, engine)
        stack.pubsub = PubsubServer(
            directory / "pubsub.sqlite3",
            port=ports.pubsub,
            clock=clock,
            authorize=messages.authorized(stack.policy, messages.pubsub_needs),
            agent=messages.PubsubAgent(stack.policy),
        )
        parts.callback(stack.pubsub.stop)
        stack.scheduler = SchedulerServer(
            _publisher(stack.pubsub),
            directory / "scheduler.sqlite3",
            port=ports.scheduler,
            clock=clock,
            authorize=messages.authorized(stack.policy, messages.scheduler_needs),
        )
        parts.callback(stack.scheduler.stop)
        stack.start_functions()
        parts.callback(stack.stop_functions)
        # functions may still publish and query while their last requests end
        parts.callback(stack.pubsub.pushes.stop, GRACE_SECONDS)
        _provision(stack)
        with bigquery.client(engine.result().host, stack.settings.project) as client:
            Warehouse(client, stack.settings).ensure_tables()
        if schedules:
            stack.scheduler.start()
        stack.pubsub.pushes.resume()
        yield stack


def addressed(environment: Mapping[str, str], directory: Path, ports: Ports) -> dict[str, str]:
    """The environment with a project, its accounts and the addresses of all on this machine."""
    project = environment.get("CONVERSIONS_PROJECT", PROJECT)
    gateway_url = f"http://{LOOPBACK}:{ports.gateway}"
    credentials = f"{identity.IAM_CREDENTIALS}={gateway_url}{gateway.IAM_CREDENTIALS_PATH}"
    kept = f"{secrets.SECRET_MANAGER}={gateway_url}{gateway.SECRETS_PATH}"
    endpoints = environment.get("CONVERSIONS_PLATFORM_ENDPOINTS", "")
    return {
        **environment,
        "CONVERSIONS_PROJECT": project,
        "CONVERSIONS_FUNCTION_URLS": ",".join(
            f"{name}=http://{LOOPBACK}:{ports.gateway}/{name}" for name in BEHIND_THE_PAGE
        ),
        "CONVERSIONS_LOCAL_USER": environment.get("CONVERSIONS_LOCAL_USER", LOCAL_USER),
        "CONVERSIONS_SQL_RUNNER": account("sql-runner", project),
        "CONVERSIONS_PLATFORM_ENDPOINTS": ",".join(filter(None, (endpoints, credentials, kept))),
        "CONVERSIONS_SCHEDULER_ENDPOINT": f"http://{LOOPBACK}:{ports.scheduler}",
        "BIGQUERY_EMULATOR_HOST": f"http://{LOOPBACK}:{ports.bigquery}",
        "PUBSUB_EMULATOR_HOST": f"{LOOPBACK}:{ports.pubsub}",
        # of a person; each function has its own
        "GOOGLE_APPLICATION_CREDENTIALS": str(directory / "google" / "owner.json"),
        "GOOGLE_CLOUD_PROJECT": project,
    }


def scheduler_client(channel: Channel) -> CloudSchedulerClient:
    """Google's client of the scheduler at the other end of the channel."""
    return CloudSchedulerClient(transport=CloudSchedulerGrpcTransport(channel=channel))


def _provision(stack: Stack) -> None:
    deployed, settings = stack.manifest, stack.settings
    with channel_of(stack.pubsub.host, stack.owner) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        provision.topics(deployed, settings.project, publisher)
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        provision.subscriptions(deployed, settings.project, subscriber, stack.functions.__getitem__)
    with channel_of(stack.scheduler.host, stack.owner) as channel:
        provision.schedules(
            deployed,
            settings.project,
            settings.scheduler_location,
            settings.timezone,
            scheduler_client(channel),
        )


def _start_engine(directory: Path, port: int, policy: Path) -> Future[BigQueryProcess]:
    # it takes the longest, so the other parts start meanwhile
    aside = ThreadPoolExecutor(max_workers=1)
    starting = aside.submit(bigquery.start_process, directory, port, policy=policy)
    aside.shutdown(wait=False)
    return starting


def _stop_engine(engine: Future[BigQueryProcess]) -> None:
    if engine.exception() is None:
        engine.result().stop()


def _publisher(pubsub: PubsubServer) -> Callable[[str, bytes, Mapping[str, str]], object]:
    def publish(topic: str, data: bytes, attributes: Mapping[str, str]) -> object:
        return pubsub.publish(topic, [PubsubMessage(data=data, attributes=dict(attributes))])

    return publish
