"""The judge's engine: GoogleSQL compiled to WebAssembly, kept compiled in the user's cache.

Compiling takes half a minute and a gigabyte; loading what was compiled takes a twentieth second.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import platform
import threading
from functools import cache
from pathlib import Path
from typing import Any, cast

from google.protobuf.message import Message
from wasmtime import Config, Engine, Linker, Module, Store, Trap, WasiConfig, WasmtimeError
from zetasql.core import wasm_client
from zetasql.core.exceptions import ServerError
from zetasql.wasi import get_wasm_path

_one_at_a_time = threading.RLock()


class Rejected(Exception):
    """What BigQuery would answer to a statement that it refuses, with [at line:column]."""


def call(method: str, request: Message, answer: type[Message]) -> Any:
    """The service's answer; raises Rejected with its whole message."""
    try:
        with _one_at_a_time:
            return _client().call_grpc_func(f"ZetaSqlLocalService_{method}", request, answer)
    except ServerError as error:
        raise Rejected(error.raw_error.partition("Message: ")[2]) from None
    except Trap as error:
        _client.cache_clear()
        raise Rejected("The reference evaluator broke down over this statement.") from error


def is_compiled() -> bool:
    """Whether the analyzer answers at once, as it was compiled on this machine before."""
    return _compiled().exists()


def generation() -> int:
    """Which engine answers: what was registered with an earlier one is gone."""
    return id(_client())


@cache
def _client() -> _Client:
    return _Client()


class _Client(wasm_client.WasmClient):  # type: ignore[misc]
    """The package's client with a compiled module from the cache, and memory copied in one go."""

    def __init__(self) -> None:
        config = Config()
        config.shared_memory = True
        self.store = Store(Engine(config))
        self.store.set_wasi(_wasi())
        linker = Linker(self.store.engine)
        linker.define_wasi()
        instance = linker.instantiate(self.store, _module(self.store.engine))
        self.exports = cast(Any, instance.exports(self.store))
        self.exports["_initialize"](self.store)
        self.memory = self.exports["memory"]

    def write_bytes(self, ptr: int, data: bytes) -> None:
        ctypes.memmove(self._address() + ptr, data, len(data))

    def read_bytes(self, ptr: int, size: int) -> bytes:
        return ctypes.string_at(self._address() + ptr, size)

    def _address(self) -> int:
        return ctypes.addressof(self.memory.data_ptr().contents)


def _wasi() -> WasiConfig:
    wasi = WasiConfig()
    wasi.inherit_stderr()
    zones = wasm_client.get_tzinfo_dir()
    assert zones, "the analyzer needs the tzdata package"
    wasi.preopen_dir(zones, "/usr/share/zoneinfo")
    return wasi


def _module(engine: Engine) -> Module:
    path = _compiled()
    if path.exists():
        try:
            return Module.deserialize_file(engine, str(path))
        except WasmtimeError:  # compiled for another processor
            path.unlink(missing_ok=True)
    module = Module.from_file(engine, get_wasm_path())
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(module.serialize())
    fresh.replace(path)
    return module


def _compiled() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    versions = "-".join(importlib.metadata.version(name) for name in ("zetasql", "wasmtime"))
    return home / "conversions" / f"zetasql-{versions}-{platform.machine()}.module"
