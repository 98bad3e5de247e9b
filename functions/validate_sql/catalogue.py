"""Every finding there is, as the page that FINDINGS.md holds.

python -m functions.validate_sql.catalogue > functions/validate_sql/FINDINGS.md
"""

from __future__ import annotations

from common.model.findings import Rule, catalogue

_HEAD = """# Findings of validate-sql

Each finding of `POST /validate-sql` has one of these codes. An *error* keeps a query from becoming
a conversion; a *warning* does not, and is worth a look; an *info* only tells.
The examples read a table `shop.crm.orders` that is partitioned by `date`. What a program mends in
them, and the rows before and after, stands in [EXAMPLES.md](EXAMPLES.md).
"""


def page() -> str:
    """The catalogue as Markdown, one heading a code."""
    return "\n".join([_HEAD, *(_entry(code, rule) for code, rule in catalogue().items())])


def _entry(code: str, rule: Rule) -> str:
    return (
        f'## <a id="{code}"></a>{code}\n\n*{rule["severity"]}* · {rule["title"]}. {rule["why"]}\n\n'
        f"```sql\n{rule['example']}\n```\n"
    )


if __name__ == "__main__":
    print(page(), end="")
