"""Verdicts on queries of others: sources.json lists them by repository, path and hash, not by text.

git clone --bare https://github.com/OWNER/NAME CLONES/OWNER/NAME   (for each repository)
python -m tests.guard.public CLONES [--write]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common.guard.judge import Verdict, judge
from common.guard.names.scope import Scope
from functions.validate_sql.fixes.script import as_query

LIST = Path(__file__).with_name("sources.json")


def lenient(sql: str) -> Verdict:
    """The verdict when every dataset that the query names is allowed."""
    named = judge(sql, Scope("own-project", frozenset())).query
    tables = named.tables if named else ()
    datasets = frozenset(table.path.rpartition(".")[0] for table in tables)
    return judge(sql, Scope("own-project", datasets))


def verdict_of(sql: str) -> dict[str, Any]:
    """Accepted or refused, the first reason, and for a script what its suggestion is worth."""
    verdict = lenient(sql)
    codes = [finding.code for finding in verdict.findings if finding.severity == "error"]
    found: dict[str, Any] = {"verdict": "accepted" if verdict.ok else "refused"}
    if codes:
        found["reason"] = codes[0]
    if "declare" in codes:
        query = as_query(sql)
        found["suggestion"] = query is not None and lenient(query.text).ok
    return found


def texts(clones: Path, sources: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each source of which there is a clone, with its text."""
    for source in sources:
        clone = clones / source["repository"]
        if clone.is_dir():
            shown = subprocess.run(
                ["git", "-C", str(clone), "show", f"{source['commit']}:{source['path']}"],
                capture_output=True,
                check=True,
            ).stdout
            assert hashlib.sha256(shown).hexdigest()[:16] == source["sha256"], source["path"]
            yield source, shown.decode("utf-8", "replace")


def main() -> int:
    """Prints the table of verdicts; 1 when one differs from the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clones", type=Path)
    parser.add_argument("--write", action="store_true", help="keep today's verdicts in the list")
    asked = parser.parse_args()
    sources = json.loads(LIST.read_text(encoding="utf-8"))
    table: Counter[tuple[str, str, str]] = Counter()
    changed = 0
    for source, sql in texts(asked.clones, sources):
        now = verdict_of(sql)
        before = {key: source.get(key) for key in ("verdict", "reason", "suggestion")}
        if before != {key: now.get(key) for key in before}:
            changed += 1
            print(f"{source['repository']} {source['path']}: {before} -> {now}")
            source.update(now)
        suggestion = (
            "" if "suggestion" not in now else "mended" if now["suggestion"] else "told how"
        )
        table[now["verdict"], now.get("reason", ""), suggestion] += 1
    for (verdict, reason, suggestion), count in table.most_common():
        print(f"{count:5} {verdict:9} {reason:20} {suggestion}")
    if asked.write:
        lines = ",\n".join(json.dumps(source) for source in sources)
        LIST.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        return 0
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
