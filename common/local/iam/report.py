"""Which grants nothing ever needed: `python -m common.local.iam.report FILE [FILE...]`.

Stacks add to the file that the variable LOCAL_RIGHTS_USED names; several files are read as one.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from common.local.iam.grants import local_policy, recorded
from common.local.iam.policy import Grant, line
from common.settings import Settings

ROOT = Path(__file__).parents[3]
PLATFORM = ("gcp-sa-pubsub", "build@", "frontend@", "loader@", "writer-of-the-sink")
"""Members of which no call passes the local layer: Google's own agents, the build, callers."""


def used(lines: Iterable[str]) -> dict[str, set[str]]:
    """{line of a grant: the rights for which it was needed}."""
    found: dict[str, set[str]] = defaultdict(set)
    for shown in lines:
        grant, _, permission = shown.strip().rpartition(" | ")
        found[grant].add(permission)
    return dict(found)


def unused(granted: Iterable[Grant], needed: Iterable[str]) -> list[str]:
    """The lines of grants that nothing needed, sorted."""
    needed = set(needed)
    return sorted(
        text
        for grant in granted
        if (text := line(grant)) not in needed and not any(each in text for each in PLATFORM)
    )


def main(files: list[str]) -> None:
    """Prints each grant with the rights that it was needed for, then those never needed."""
    lines = [shown for file in files for shown in Path(file).read_text("utf-8").splitlines()]
    found = used(lines)
    for grant, rights in sorted(found.items()):
        print(f"{grant}: {', '.join(sorted(rights))}")
    owners = {grant.partition("@")[2].partition(".")[0] for grant in found}
    for project in sorted(owners):
        policy = local_policy(_settings(project), recorded(ROOT))
        for grant in unused(policy.grants, found):
            print(f"never needed: {grant}")


def _settings(project: str) -> Settings:
    """The names that a demo has."""
    sources = tuple(f"{project}.{name}" for name in ("crm", "hubspot", "analytics_1"))
    rates = f"{project}.crm.rates"
    return Settings(
        project=project, ga4_datasets=sources[2:], source_datasets=sources, rates_table=rates
    )


if __name__ == "__main__":
    main(sys.argv[1:])
