"""A plan's JSON as a flat list of resources that policies can be written over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resource:
    """One planned resource: `values` holds what is known, `references` what the rest points to."""

    address: str
    type: str
    name: str
    key: str
    values: dict[str, Any]
    references: dict[str, Any]
    """The expressions of the configuration, by argument, as terraform shows them."""

    @property
    def function(self) -> str:
        """The function that the resource belongs to, as functions/manifest.json names it, or ''."""
        return _module_key(self.address) if self.address.startswith("module.function[") else ""

    @property
    def folder(self) -> str:
        """The folder of code whose bundle the resource belongs to, or ''."""
        return _module_key(self.address) if self.address.startswith("module.bundle[") else ""


@dataclass(frozen=True)
class Plan:
    json: dict[str, Any]
    manifest: dict[str, Any]
    """functions/manifest.json as the plan read it."""

    def variable(self, name: str) -> Any:
        """The value of an input variable, a default included."""
        return self.json["variables"][name].get("value")

    def of(self, type: str, name: str | None = None) -> list[Resource]:
        """Planned resources of a type, or of one declaration."""
        return [r for r in self.resources() if r.type == type and name in (None, r.name)]

    def resources(self) -> Iterator[Resource]:
        """Every managed resource, through all modules."""
        declared = dict(_declared(self.json["configuration"]["root_module"]))
        for planned in _planned(self.json["planned_values"]["root_module"]):
            yield Resource(
                address=planned["address"],
                type=planned["type"],
                name=planned["name"],
                key=str(planned.get("index", "")),
                values=planned["values"],
                references=declared[planned["type"], planned["name"]],
            )

    def functions(self) -> list[Resource]:
        """The Cloud Functions."""
        return self.of("google_cloudfunctions2_function")

    def pushes(self) -> list[Resource]:
        """The push subscriptions."""
        return self.of("google_pubsub_subscription", "push")

    def grants(self) -> list[Resource]:
        """Everything that gives a role to a member."""
        return [r for r in self.resources() if r.type.endswith("_iam_member")]

    def account(self, name: str) -> str:
        """E-mail of one of this installation's service accounts."""
        project, environment = self.variable("project"), self.variable("environment")
        return f"conv-{environment}-{name}@{project}.iam.gserviceaccount.com"

    def bundles(self) -> dict[str, dict[str, str]]:
        """Source folder → zip path → content, as the archives will be written."""
        modules = self.json["prior_state"]["values"]["root_module"]["child_modules"]
        read = [resource for module in modules for resource in module["resources"]]
        return {
            _module_key(archive["address"]): {
                file["filename"]: file["content"] for file in archive["values"]["source"]
            }
            for archive in read
            if archive["type"] == "archive_file"
        }


def service(function: Resource) -> dict[str, Any]:
    """How the function runs; what only the platform decides is not in it."""
    config: dict[str, Any] = function.values["service_config"][0]
    return config


def reference(expressions: dict[str, Any], *path: str) -> str:
    """What the argument at the path through single blocks points to first, or ''."""
    return next(iter(_references(expressions, *path)), "")


def references(expressions: dict[str, Any], *path: str) -> set[str]:
    """All that the argument at the path through single blocks points to."""
    return set(_references(expressions, *path))


def _references(expressions: dict[str, Any], *path: str) -> list[str]:
    step: Any = expressions
    for name in path:
        step = (step[0] if isinstance(step, list) else step).get(name, {})
    found: list[str] = step.get("references", []) if isinstance(step, dict) else []
    return found


def _module_key(address: str) -> str:
    """The key of the module instance that an address begins with."""
    return address.split('"')[1]


def _planned(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (r for r in module.get("resources", ()) if r["mode"] == "managed")
    for child in module.get("child_modules", ()):
        yield from _planned(child)


def _declared(module: dict[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for resource in module.get("resources", ()):
        yield (resource["type"], resource["name"]), resource.get("expressions", {})
    for call in module.get("module_calls", {}).values():
        yield from _declared(call["module"])
