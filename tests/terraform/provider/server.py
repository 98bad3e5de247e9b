"""A stand-in for the Terraform providers in use: real schemas, no cloud, no registry.

Terraform is told where it listens by the variable TF_REATTACH_PROVIDERS, a documented hook for
provider developers, so that init downloads nothing.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc

from tests.terraform.provider import rules, schema, values

wire, services = grpc.protos_and_services("tests/terraform/provider/tfplugin5.proto")
MESSAGE_BYTES = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
"""No limit: a configuration carries the text of every bundled file."""

READERS = {"google_project": values.project, "archive_file": values.archive}


class StandIn(services.ProviderServicer):  # type: ignore[misc, name-defined]
    """Answers from a schema alone: checks values, plans everything as new, creates nothing."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self.schemas = schemas
        self.answer = wire.ProviderSchemas(
            provider={"block": schema.block(schemas["provider"])},
            resource_schemas=_on_wire(schemas["resources"]),
            data_source_schemas=_on_wire(schemas["data_sources"]),
        )

    def GetSchema(self, request: Any, context: Any) -> Any:
        return self.answer

    def PrepareProviderConfig(self, request: Any, context: Any) -> Any:
        return wire.PreparedConfig(prepared_config=request.config)

    def ValidateResourceTypeConfig(self, request: Any, context: Any) -> Any:
        config = values.decode(request.config.msgpack)
        found = rules.violations(request.type_name, config)
        return wire.Verdict(diagnostics=[{"severity": 1, "summary": text} for text in found])

    def ValidateDataSourceConfig(self, request: Any, context: Any) -> Any:
        return wire.Verdict()

    def Configure(self, request: Any, context: Any) -> Any:
        return wire.Verdict()

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        stored = json.loads(request.raw_state.json)
        state = values.completed(self.schemas["resources"][request.type_name], stored)
        return wire.UpgradedState(upgraded_state=_dynamic(state))

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        proposed = values.decode(request.proposed_new_state.msgpack)
        state = values.planned(self.schemas["resources"][request.type_name], proposed)
        if request.type_name == "google_service_account":
            state = values.service_account(state)
        # the Google provider is built on the SDK that answers in the legacy type system
        return wire.Planned(planned_state=_dynamic(state), legacy_type_system=True)

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        config = values.decode(request.config.msgpack)
        return wire.DataState(state=_dynamic(READERS[request.type_name](config)))

    def Stop(self, request: Any, context: Any) -> Any:
        return wire.Verdict()


@contextmanager
def serving() -> Iterator[dict[str, str]]:
    """The environment variables that make terraform use the stand-ins while the block lasts."""
    providers = {"google": schema.google(), "archive": schema.archive()}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        addresses = {
            f"registry.terraform.io/hashicorp/{name}": stack.enter_context(
                _listening(StandIn(schemas), Path(folder) / name)
            )
            for name, schemas in providers.items()
        }
        yield {"TF_REATTACH_PROVIDERS": json.dumps(addresses)}


@contextmanager
def _listening(stand_in: StandIn, socket: Path) -> Iterator[dict[str, Any]]:
    server = grpc.server(ThreadPoolExecutor(max_workers=8), options=MESSAGE_BYTES)
    services.add_ProviderServicer_to_server(stand_in, server)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    yield {
        "Protocol": "grpc",
        "ProtocolVersion": 5,
        "Pid": os.getpid(),
        "Test": True,
        "Addr": {"Network": "unix", "String": str(socket)},
    }
    server.stop(grace=None).wait()


def _on_wire(types: dict[str, Any]) -> dict[str, Any]:
    return {name: wire.Schema(block=schema.block(described)) for name, described in types.items()}


def _dynamic(value: object) -> Any:
    return wire.DynamicValue(msgpack=values.encode(value))
