"""Values on Terraform's wire: what a plan does not know yet, and what a data source answers."""

from __future__ import annotations

import hashlib
from typing import Any

import msgpack

UNKNOWN = msgpack.ExtType(0, b"\0")
PROJECT_NUMBER = "123456789012"


def decode(packed: bytes) -> Any:
    return msgpack.unpackb(packed, strict_map_key=False)


def encode(value: object) -> bytes:
    packed: bytes = msgpack.packb(value)
    return packed


def planned(schema: dict[str, Any], proposed: dict[str, Any]) -> dict[str, Any]:
    """The proposed state, with every computed attribute left empty marked as not known yet."""
    state = dict(proposed)
    for name, (_, presence) in schema["attributes"].items():
        if state.get(name) is None and (presence == "computed" or name == "id"):
            state[name] = UNKNOWN
    for name, nested in schema["blocks"].items():
        state[name] = _planned_block(nested, state.get(name))
    return state


def _planned_block(schema: dict[str, Any], value: Any) -> Any:
    if isinstance(value, dict):
        return planned(schema, value)
    if isinstance(value, list):
        return [_planned_block(schema, element) for element in value]
    return value


def completed(schema: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """The stored state with null for every attribute that it does not name."""
    empty = dict.fromkeys(schema["attributes"])
    single = {name for name, nested in schema["blocks"].items() if nested["nesting"] == "single"}
    blocks: dict[str, Any] = {name: None if name in single else [] for name in schema["blocks"]}
    return {**empty, **blocks, **stored}


def service_account(state: dict[str, Any]) -> dict[str, Any]:
    """Google's provider knows an account's e-mail before it exists: SetNew in its CustomizeDiff."""
    email = f"{state['account_id']}@{state['project']}.iam.gserviceaccount.com"
    return {**state, "email": email, "member": f"serviceAccount:{email}"}


def project(config: dict[str, Any]) -> dict[str, Any]:
    """data.google_project: any project, with one number for all."""
    known = {"id": f"projects/{config['project_id']}", "number": PROJECT_NUMBER}
    return {**config, **known}


def archive(config: dict[str, Any]) -> dict[str, Any]:
    """data.archive_file: hashes over names and contents; the zip itself is not written.

    The real provider hashes the zip's bytes; what both share is that the hash changes when a file
    does, which is all the configuration relies on.
    """
    if _is_unknown(config.get("source")):
        return {**config, "id": UNKNOWN}
    files = sorted((source["filename"], source["content"]) for source in config["source"] or ())
    digest = hashlib.sha256(repr(files).encode())
    return {
        **config,
        "id": digest.hexdigest(),
        "output_sha256": digest.hexdigest(),
        "output_md5": digest.hexdigest()[:32],
        "output_size": sum(len(content) for _, content in files),
    }


def _is_unknown(value: object) -> bool:
    if isinstance(value, msgpack.ExtType):
        return True
    if isinstance(value, list):
        return any(_is_unknown(element) for element in value)
    if isinstance(value, dict):
        return any(_is_unknown(element) for element in value.values())
    return False
