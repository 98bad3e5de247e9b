"""Pub/Sub's side: a push body in, a status out."""

from __future__ import annotations

import base64
from collections.abc import Callable

from flask import Request, Response
from pydantic import ValidationError

from common.errors import MalformedError, ProductError
from common.http.answers import problem, request_id_of
from common.http.reading import invalid, read_json, strict_json
from common.http.service import fault_of_our_own
from common.logs import log
from common.messaging.messages import MESSAGE, Message, RunRequested

# Pub/Sub's own limit of a message (cloud.google.com/pubsub/quotas)
MAXIMUM_PUSH = 10 * 1024 * 1024


def receive(request: Request, handler: Callable[[Message], None]) -> Response:
    """204 when the pushed message was handled; any other status makes Pub/Sub deliver it again.

    A message that cannot be read is refused each time, so that it ends in the dead-letter topic,
    where a person finds it whole.
    """
    request_id = request_id_of(request)
    try:
        handler(pushed_message(request))
    except ProductError as error:
        log(
            "message_refused",
            # what time mends is a warning; the rest ends as a dead letter and needs somebody
            "ERROR" if error.status < 500 else "WARNING",
            code=error.code,
            detail=error.detail,
            request_id=request_id,
        )
        return problem(error, request, request_id)
    # the framework would log it with its traceback, which may quote what the message holds
    except Exception as error:
        return fault_of_our_own(error, request, request_id)
    return Response(status=204)


def pushed_message(request: Request) -> Message:
    """The message inside a Pub/Sub push body; raises MalformedError for anything else."""
    envelope = read_json(request, maximum=MAXIMUM_PUSH)
    try:
        # without validate Python passes over letters that are no base64, and reads half a message
        text = base64.b64decode(envelope["message"]["data"], validate=True).decode()
        message = MESSAGE.validate_python(strict_json(text))
        return _named(message, str(envelope["message"].get("messageId", "")))
    # AttributeError: a list, or a log entry whose payload is a text
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            raise invalid(error) from error
        raise MalformedError(
            "The request is no Pub/Sub push of a JSON message.",
            fix="Publish a JSON object as the message's data.",
        ) from error


def _named(message: Message, message_id: str) -> Message:
    """A run without a key of its own gets the message's: redelivered, it is the same run."""
    if isinstance(message, RunRequested) and not message.request_id:
        return message.model_copy(update={"request_id": message_id})
    return message
