"""What configs of audiences have in common: which conversion fills which list, and leaves which."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from functions.export.contract.config import Mapped

ListId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,25}$")]

MOST_LISTS = 50
"""Conversions that one destination puts into lists."""


def _leaves_last(schema: dict[str, Any]) -> None:
    """Forms ask for the list to fill first."""
    schema["properties"]["leaves"] = schema["properties"].pop("leaves")


class AudienceList(Mapped):
    """A conversion and the list of its people; each platform adds its own name for the list."""

    model_config = ConfigDict(json_schema_extra=_leaves_last)

    leaves: tuple[ListId, ...] = Field(
        (),
        max_length=10,
        title="Lists to leave",
        description="Ids of lists that the conversion filled before: whoever it put there is taken "
        "out again.",
        examples=[["778"]],
    )

    @model_validator(mode="after")
    def _fills_another(self) -> AudienceList:
        filled = {getattr(self, name) for name in type(self).model_fields if name.endswith("_id")}
        if filled & set(self.leaves):
            raise ValueError("a list cannot be filled and left at once")
        return self


def list_id(title: str, description: str, example: str) -> Any:
    """The field for the id of a list, which may still have to be made."""
    made = "where there is none yet, it can be created from here."
    return Field(None, title=title, description=f"{description}; {made}", examples=[example])


def membership_days(longest: int) -> Any:
    """The field for how long people stay in a list of a platform that lets them stay so long."""
    return Field(
        longest,
        ge=1,
        le=longest,
        title="Membership duration",
        description="Days that people stay in the list after they were put in; they are put in "
        "once more when four fifths have passed.",
        examples=[longest],
    )


def lists(title: str, what: str, **example: str) -> Any:
    """The field for the conversions and their lists; `what` is the platform's word for one."""
    return Field(
        min_length=1,
        max_length=MOST_LISTS,
        title=title,
        description=f"Whose people go into which {what}.",
        examples=[[{"conversion": "qualified_lead", **example}]],
    )
