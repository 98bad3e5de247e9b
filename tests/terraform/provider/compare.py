"""Tells how the real provider's schema differs from the recording that the offline checks use.

Where the provider registry can be reached, after `terraform init`:

    terraform -chdir=terraform providers schema -json | python -m tests.terraform.provider.compare

No output and exit status 0: the offline checks judged by the schema that is deployed with.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from tests.terraform.provider import schema

GOOGLE = "registry.terraform.io/hashicorp/google"
KINDS = {"resources": "resource_schemas", "data_sources": "data_source_schemas"}


def differences(real: dict[str, Any]) -> Iterator[str]:
    """One line for each argument that the provider has otherwise than the recording.

    `real` is the output of `terraform providers schema -json`. Arguments that are new and optional
    are no difference: nothing in the configuration can depend on them.
    """
    provider = real["provider_schemas"][GOOGLE]
    recorded = schema.google()
    for kind, key in KINDS.items():
        for name, block in recorded[kind].items():
            if name in provider[key]:
                yield from _block(name, block, provider[key][name]["block"])
            else:
                yield f"{name}: gone"


def _block(path: str, recorded: dict[str, Any], real: dict[str, Any]) -> Iterator[str]:
    attributes, blocks = real.get("attributes", {}), real.get("block_types", {})
    for name, (kind, presence) in recorded["attributes"].items():
        found = attributes.get(name)
        if found is None:
            yield f"{path}.{name}: gone"
        elif found["type"] != kind or not found.get(presence):
            yield f"{path}.{name}: {kind} {presence} is now {found['type']} {_presence(found)}"
    for name, found in attributes.items():
        if found.get("required") and name not in recorded["attributes"]:
            yield f"{path}.{name}: new and required"
    for name, nested in recorded["blocks"].items():
        if name not in blocks:
            yield f"{path}.{name}: gone"
        elif blocks[name]["nesting_mode"] != nested["nesting"]:
            yield f"{path}.{name}: {nested['nesting']} is now {blocks[name]['nesting_mode']}"
        else:
            yield from _block(f"{path}.{name}", nested, blocks[name]["block"])


def _presence(attribute: dict[str, Any]) -> str:
    return " and ".join(p for p in ("required", "optional", "computed") if attribute.get(p))


if __name__ == "__main__":
    found = list(differences(json.load(sys.stdin)))
    print("\n".join(found))
    sys.exit(1 if found else 0)
