"""The statements of one transaction, told apart so that they run as ours do.

Seen in 1.4.0: a script knows neither the job's parameters nor our translations, and a transaction
in it is a copy of each table while everybody sees what is half done.
"""

from __future__ import annotations

import re
from functools import lru_cache

from bqemulator.domain.errors import DomainError
from bqemulator.scripting.ast import SqlStmt
from bqemulator.scripting.parser import parse_script

from common.local.analyzer import standins
from common.local.emulator_patches.expressions import literals

_BEGIN = re.compile(r"\s*BEGIN\s+TRANSACTION\s*;", re.I)
_COMMIT = re.compile(r"COMMIT(\s+TRANSACTION)?", re.I)


def parts(sql: str) -> tuple[str, ...]:
    """The statements between BEGIN TRANSACTION and COMMIT TRANSACTION; () of any other text."""
    if not _BEGIN.match(sql):
        return ()
    general, names = standins.replaced(literals.plain(sql))
    return tuple(standins.restored(part, names) for part in _parts(general))


@lru_cache(maxsize=128)
def _parts(general: str) -> tuple[str, ...]:
    try:
        script = parse_script(general)
    except DomainError:
        return ()
    texts = [each.sql.strip() for each in script.statements if isinstance(each, SqlStmt)]
    whole = len(texts) == len(script.statements) and _COMMIT.fullmatch(texts[-1])
    return tuple(texts[1:-1]) if whole else ()
