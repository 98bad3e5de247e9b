"""Every function of GoogleSQL's own catalogue is allowed, or refused for a reason of its own."""

from __future__ import annotations

import pytest
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2

from common.guard.judge import judge
from common.guard.rules.calls import allowed
from common.local.analyzer.analysis import language
from common.local.analyzer.service import call
from tests.guard.corpus import SCOPE

_GRAMMAR = {"ARRAY", "CAST", "COLLATE", "EXISTS", "EXTRACT", "SAFE_CAST", "STRUCT", "UNNEST"}
"""What stands before a bracket and is no function of the catalogue."""
_ONLY_BIGQUERY = {"CONTAINS_SUBSTR", "MAX_BY", "MIN_BY", "NULLIFZERO", "SEARCH", "ZEROIFNULL"}
"""Functions of BigQuery's reference that this analyzer, or its chosen features, do not have."""


@pytest.fixture(scope="module")
def catalogue() -> frozenset[str]:
    """Every function's full name and its other names, in capitals."""
    options = options_pb2.ZetaSQLBuiltinFunctionOptionsProto(language_options=language())
    answer = call("GetBuiltinFunctions", options, service.GetBuiltinFunctionsResponse)
    names = {".".join(function.name_path).upper() for function in answer.function}
    names |= {function.options.alias_name.upper() for function in answer.function}
    return frozenset(name for name in names if name and not name.startswith("$"))


def test_each_function_is_allowed_or_has_its_own_reason(catalogue: frozenset[str]) -> None:
    for name in sorted(catalogue - allowed()):
        findings = judge(f"SELECT {name}(a) AS id FROM crm.o", SCOPE).findings
        words = [it.message for it in findings if it.severity == "error"]
        assert words, f"{name} passes without being on the list"
        assert not any("is not on the list of functions" in it for it in words), name


def test_what_is_allowed_is_a_function_of_googlesql(catalogue: frozenset[str]) -> None:
    assert allowed() - catalogue - _GRAMMAR - _ONLY_BIGQUERY == set()
