"""Who may do what: bindings of roles to accounts, inherited from a project down to a table.

Source: https://cloud.google.com/iam/docs/resource-hierarchy-access-control
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROLES = Path(__file__).with_name("roles.json")


@dataclass(frozen=True, order=True)
class Resource:
    """What a right is held on: `kind` as in the file of grants, `name` in full."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, order=True)
class Need:
    """A right that one call takes."""

    permission: str
    resource: Resource


@dataclass(frozen=True, order=True)
class Grant:
    """A role of an account (its e-mail) on a resource."""

    account: str
    role: str
    resource: Resource


@dataclass(frozen=True)
class Policy:
    """All grants of one project; the owner, a person at this machine, may do everything."""

    project: str
    owner: str
    grants: frozenset[Grant]
    location: str = "US"
    used: Used = field(default_factory=lambda: Used(), compare=False)

    def missing(self, account: str, needs: Iterable[Need]) -> Need | None:
        """The first right that the account lacks; the rights that it has count as used."""
        if account == self.owner:
            return None
        return next((need for need in needs if not self._holds(account, need)), None)

    def _holds(self, account: str, need: Need) -> bool:
        above = set(lineage(need.resource, self.project))
        held = [
            grant
            for grant in self.grants
            if grant.account == account
            and grant.resource in above
            and need.permission in permissions(grant.role)
        ]
        self.used.add(self.general(need), held)
        return bool(held)

    def general(self, need: Need) -> Need:
        """The need with one name for all tables that no grant names: runs make many."""
        on = need.resource
        if on.kind != "table" or any(grant.resource == on for grant in self.grants):
            return need
        return Need(need.permission, Resource("table", f"{on.name.rpartition('.')[0]}.any"))


def write(policy: Policy, file: Path) -> Path:
    """The file, with the policy in it for other processes."""
    listed = sorted(line(grant) for grant in policy.grants)
    facts = {"project": policy.project, "owner": policy.owner, "location": policy.location}
    used = policy.used.file and str(policy.used.file)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**facts, "used": used, "grants": listed}, indent=1), "utf-8")
    return file


def read(file: Path) -> Policy:
    """The policy that `write` wrote."""
    facts = json.loads(file.read_text("utf-8"))
    granted = frozenset(map(parsed, facts["grants"]))
    used = Used(file=facts["used"] and Path(facts["used"]))
    return Policy(facts["project"], facts["owner"], granted, facts["location"], used)


@dataclass
class Used:
    """Which grants have let something through, and what."""

    pairs: set[tuple[Grant, Need]] = field(default_factory=set)
    file: Path | None = None
    """Where each new pair is written down, a line each, for a report over many processes."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, need: Need, grants: Iterable[Grant]) -> None:
        """Notes that these grants let a call through that needs this."""
        with self._lock:
            for grant, needed in {(grant, need) for grant in grants} - self.pairs:
                self.pairs.add((grant, needed))
                if self.file is not None:
                    with self.file.open("a", encoding="utf-8") as out:
                        out.write(f"{line(grant)} | {needed.permission} | {needed.resource}\n")


def line(grant: Grant) -> str:
    """The grant as the recorded file writes it."""
    return f"serviceAccount:{grant.account} | {grant.role} | {grant.resource}"


def parsed(line: str) -> Grant:
    """The grant that a line of the recorded file tells."""
    member, role, on = line.split(" | ")
    kind, _, name = on.partition(" ")
    return Grant(member.partition(":")[2], role, Resource(kind, name))


def lineage(resource: Resource, project: str) -> list[Resource]:
    """The resource and all above it; a topic, a function and the like lie in `project`."""
    if resource.kind == "project":
        return [resource]
    if resource.kind in ("table", "dataset"):
        parts = resource.name.split(".")
        above = [Resource("dataset", ".".join(parts[:2])), Resource("project", parts[0])]
        return [resource, *above] if resource.kind == "table" else above
    return [resource, Resource("project", project)]


@cache
def _roles() -> Mapping[str, frozenset[str]]:
    recorded = json.loads(ROLES.read_text("utf-8"))["roles"]
    return {role: frozenset(included) for role, included in recorded.items()}


def permissions(role: str) -> frozenset[str]:
    """All rights in a predefined role; raises KeyError for one that is not recorded."""
    return _roles()[role]
