"""How a definition is kept: what its author chose, and the tags that tell its forms apart.

A field that stands at its default is left out, so that a release which does not know a newer field
can still read every definition that does not use it.
"""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from common.untyped import JsonObject


def stored_form(model: BaseModel) -> JsonObject:
    """The model as JSON without what is at its default, tags such as `kind` excepted."""
    written = model.model_dump(mode="json")
    return {
        name: _kept(getattr(model, name), written[name])
        for name, field in type(model).model_fields.items()
        # a tag is always at its default, and without it the form could not be told from others
        if _is_tag(field) or getattr(model, name) != field.get_default(call_default_factory=True)
    }


def _is_tag(field: FieldInfo) -> bool:
    """Whether the field can hold one value only."""
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1


def _kept(value: Any, written: Any) -> Any:
    match value:
        case BaseModel():
            return stored_form(value)
        case list() | tuple():
            return [_kept(part, text) for part, text in zip(value, written, strict=True)]
    return written
