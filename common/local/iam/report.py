"""What each grant let through, and which let nothing: `python -m common.local.iam.report FILE...`.

Stacks add to the file that the variable LOCAL_RIGHTS_USED names; several files are read as one.
`make rights` writes one and keeps what the calls of a demo needed in tests/local/needs.txt.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.local.iam.grants import local_policy, recorded
from common.local.iam.policy import Grant, Need, Resource, line, parsed
from common.settings import Settings

ROOT = Path(__file__).parents[3]

_RUN = "https://cloud.google.com/run/docs/authenticating/service-to-service"
_IAP = "https://cloud.google.com/iap/docs/enabling-cloud-run"
_BUILD = "https://cloud.google.com/functions/docs/securing/build-custom-sa"
_SINK = "https://cloud.google.com/logging/docs/export/configure_export_v2#dest-auth"
_PUBSUB = "https://cloud.google.com/pubsub/docs/access-control"


@dataclass(frozen=True)
class Unseen:
    """Grants of which no call passes the local layer, and the document of Google's that asks for
    them."""

    member: str
    """What their account begins with."""
    role: str
    document: str


UNSEEN = (
    # the local page reaches the functions as the person at this machine, who signs nothing
    Unseen("console@", "roles/run.invoker", _RUN),
    Unseen("frontend@", "roles/run.invoker", _RUN),
    Unseen("service-123456789012@gcp-sa-iap.", "roles/run.invoker", _IAP),
    Unseen("marketing@", "roles/iap.httpsResourceAccessor", _IAP),
    # what happens before a function runs, or in a project that is not ours
    Unseen("build@", "roles/artifactregistry.writer", _BUILD),
    Unseen("build@", "roles/logging.logWriter", _BUILD),
    Unseen("build@", "roles/storage.objectViewer", _BUILD),
    # an export whose time is up asks for the rest: a demo's never are
    Unseen("export@", "roles/pubsub.publisher", _PUBSUB),
    Unseen("loader@", "roles/pubsub.publisher", _PUBSUB),
    Unseen("writer-of-the-sink", "roles/pubsub.publisher", _SINK),
)


def document(grant: Grant) -> str:
    """Google's page that asks for a grant which no call here needs; "" of every other one."""
    found = (
        it.document
        for it in UNSEEN
        if grant.account.startswith(it.member) and grant.role == it.role
    )
    return next(found, "")


def used(lines: Iterable[str]) -> dict[Grant, set[Need]]:
    """{grant: what it let through}, from the lines that stacks write."""
    found: dict[Grant, set[Need]] = defaultdict(set)
    for shown in lines:
        grant, permission, on = shown.strip().rsplit(" | ", 2)
        kind, _, name = on.partition(" ")
        found[parsed(grant)].add(Need(permission, Resource(kind, name)))
    return dict(found)


def told(granted: Iterable[Grant], found: Mapping[Grant, set[Need]]) -> list[str]:
    """A line for each grant: the rights it let through, the document that asks for it, or that
    nothing ever needed it."""
    return [f"{line(grant)}: {_use(grant, found.get(grant, set()))}" for grant in sorted(granted)]


def _use(grant: Grant, needs: set[Need]) -> str:
    if needs:
        return ", ".join(sorted({need.permission for need in needs}))
    return document(grant) or "never needed"


def main(files: list[str]) -> None:
    """Prints the grants of each project that is named in the files."""
    lines = [shown for file in files for shown in Path(file).read_text("utf-8").splitlines()]
    found = used(lines)
    for project in sorted({grant.account.partition("@")[2].partition(".")[0] for grant in found}):
        policy = local_policy(settings(project), recorded(ROOT))
        print("\n".join(told(policy.grants, found)))


def settings(project: str) -> Settings:
    """The names that a demo has."""
    return Settings(
        project=project,
        ga4_datasets=(f"{project}.analytics_1",),
        source_datasets=(f"{project}.crm", f"{project}.hubspot"),
        rates_table=f"{project}.crm.rates",
    )


if __name__ == "__main__":
    main(sys.argv[1:])
