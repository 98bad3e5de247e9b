"""Lists page by page: `limit` and `page` in, `next_page` out, the same in every list."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from pydantic import Field

from common.errors import MalformedError
from common.http.model import Model

Item = TypeVar("Item")


class PageQuery(Model):
    """Which page of a list."""

    limit: int = Field(100, ge=1, le=1000, description="At most so many on one page.")
    page: str = Field(
        "",
        max_length=1000,
        pattern=r"^[A-Za-z0-9_-]*$",
        description="next_page of the page before.",
    )


def cursor(*place: str) -> str:
    """Where a page ended, as the opaque text that the next request sends back."""
    # = would have to be escaped in an address; read_cursor puts it back
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read_cursor(page: str, parts: int) -> tuple[str, ...] | None:
    """What `cursor` was given; None for the first page. Raises MalformedError."""
    if not page:
        return None
    try:
        # anybody can make up a cursor: what is none of ours must never reach a statement
        place = json.loads(base64.urlsafe_b64decode(page + "=" * (-len(page) % 4)))
        # half of a surrogate pair is JSON and no text: BigQuery would refuse the statement
        json.dumps(place, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise bad_page() from error
    is_ours = isinstance(place, list) and all(isinstance(part, str) for part in place)
    if not is_ours or len(place) != parts:
        raise bad_page()
    return tuple(place)


def read_moment(text: str) -> datetime:
    """A moment of a cursor; raises MalformedError unless it has a time zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise bad_page() from error
    # a moment without a zone would shift the page by hours
    if moment.tzinfo is None or not 2000 <= moment.year < 2100:
        raise bad_page()
    return moment


def part_of(
    items: Sequence[Item], query: PageQuery, key: Callable[[Item], str]
) -> tuple[list[Item], str]:
    """The page of a list that is held whole, and the cursor of the next; keys are unique.

    Raises MalformedError for a cursor whose item is gone.
    """
    place = read_cursor(query.page, 1)
    keys = [key(item) for item in items]
    if place and place[0] not in keys:
        raise bad_page()
    # by the item and not by its number: what is added or archived meanwhile shifts no page
    start = keys.index(place[0]) + 1 if place else 0
    found = list(items[start : start + query.limit])
    more = start + query.limit < len(items)
    return found, cursor(key(found[-1])) if more and found else ""


def bad_page() -> MalformedError:
    """What is said of a page that is none, or is gone."""
    return MalformedError(
        "The value of page is none of ours, or its place in the list is gone.",
        code="bad_page",
        fix="Send next_page of the answer before, unchanged, or nothing for the first page.",
        field="page",
    )
