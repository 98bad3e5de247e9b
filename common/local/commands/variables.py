"""Whether the functions' environment can be read, said before anything is started with it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from pydantic import ValidationError

from common.local.stack.attach import CommandError
from common.model.validation_messages import messages_of
from common.settings import PREFIX, Settings

_OPTIONS = {"timezone": " (--timezone)", "currency": " (--currency)"}
"""Settings that have an option of the command line as well."""


def checked(variables: dict[str, str]) -> dict[str, str]:
    """The same variables; raises CommandError that names each that is wrong."""
    try:
        Settings.from_environment(variables)
    except ValidationError as error:
        raise CommandError("\n".join(_faults(error))) from None
    return variables


def _faults(error: ValidationError) -> Iterator[str]:
    for fault in messages_of(error):
        # an entry of a list is said with its value
        name = fault["field"].partition(".")[0]
        variable = f"{PREFIX}{name.upper()}"
        if name in Settings.model_fields:
            yield f"{variable}{_OPTIONS.get(name, '')}: {fault['message']}."
            continue
        near = get_close_matches(name, Settings.model_fields, n=1)
        meant = f"; did you mean {PREFIX}{near[0].upper()}?" if near else "; unset it."
        yield f"{variable}: there is no such setting{meant}"
