"""gRPC services out of annotated methods, for Google's own clients."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, get_type_hints

import grpc
from google.protobuf.empty_pb2 import Empty

LOOPBACK = "127.0.0.1"
MAXIMUM_MESSAGE = 32 * 1024 * 1024


class RpcError(Exception):
    """An answer other than success, with the code that the client turns into its exception."""

    def __init__(self, code: grpc.StatusCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def invalid(detail: str) -> RpcError:
    """INVALID_ARGUMENT, to be raised."""
    return RpcError(grpc.StatusCode.INVALID_ARGUMENT, detail)


def not_found(detail: str) -> RpcError:
    """NOT_FOUND, to be raised."""
    return RpcError(grpc.StatusCode.NOT_FOUND, detail)


def already_exists(detail: str) -> RpcError:
    """ALREADY_EXISTS, to be raised."""
    return RpcError(grpc.StatusCode.ALREADY_EXISTS, detail)


def precondition_failed(detail: str) -> RpcError:
    """FAILED_PRECONDITION, to be raised."""
    return RpcError(grpc.StatusCode.FAILED_PRECONDITION, detail)


def unsupported(detail: str) -> RpcError:
    """UNIMPLEMENTED, to be raised: this stand-in does not do it."""
    return RpcError(grpc.StatusCode.UNIMPLEMENTED, detail)


Authorize = Callable[[str, Any, str], None]
"""Lets a call (rpc name, request, Authorization header) pass, or raises RpcError."""


def service(
    name: str, methods: Mapping[str, Callable[..., Any]], authorize: Authorize | None = None
) -> grpc.GenericRpcHandler:
    """A service of {rpc name: method}; types come from the method's annotations, None is Empty."""
    handlers = {rpc: _handler(rpc, method, authorize) for rpc, method in methods.items()}
    return grpc.method_handlers_generic_handler(name, handlers)


def start(port: int, *services: grpc.GenericRpcHandler) -> tuple[grpc.Server, str]:
    """A running server on this machine and its host:port; port 0 takes any free one.

    Raises OSError when the port is taken.
    """
    options = [
        # without this, Linux lets a second server share the port and steal half of the calls
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", MAXIMUM_MESSAGE),
    ]
    server = grpc.server(
        ThreadPoolExecutor(max_workers=16, thread_name_prefix="grpc"), options=options
    )
    server.add_generic_rpc_handlers(services)
    require_free(port)
    bound = server.add_insecure_port(f"{LOOPBACK}:{port}")
    server.start()
    return server, f"{LOOPBACK}:{bound}"


def require_free(port: int) -> None:
    """Raises OSError, with advice, when something on this machine listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise OSError(
                errno.EADDRINUSE,
                f"Port {port} is taken. Stop what listens there or choose another port.",
            ) from error


def _handler(
    rpc: str, method: Callable[..., Any], authorize: Authorize | None
) -> grpc.RpcMethodHandler:
    hints = get_type_hints(method)
    answer = hints.pop("return")
    (request,) = hints.values()

    def behave(message: Any, context: grpc.ServicerContext) -> Any:
        try:
            if authorize is not None:
                headers = dict(context.invocation_metadata())
                authorize(rpc, message, str(headers.get("authorization", "")))
            answered = method(message)
        except RpcError as fault:
            _abort(context, fault)
        return Empty() if answered is None else answered

    return grpc.unary_unary_rpc_method_handler(
        behave,
        request_deserializer=request.deserialize,
        response_serializer=Empty.SerializeToString if answer is type(None) else answer.serialize,
    )


def _abort(context: grpc.ServicerContext, fault: RpcError) -> NoReturn:
    context.abort(fault.code, fault.detail)
    raise AssertionError("abort raises")
