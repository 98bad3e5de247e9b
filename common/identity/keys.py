"""A person's key: whom a published row counts for, in the eight bytes that are read of all history.

BigQuery prunes by constants: a join skips neither partitions nor, for sure, blocks of a cluster,
and the buyers of a day are spread over all blocks. So whoever asks whether they have counted before
pays for the column of all rows, and that column is as narrow as a column can be.
Source: cloud.google.com/bigquery/docs/querying-partitioned-tables, "Use a constant filter
expression"; cloud.google.com/bigquery/docs/querying-clustered-tables, best practices.

A login counts for 180 days, and GA4 may write its day again without it: a row whose user its client
told has the key of its client as well. NULL, which most rows have there, takes no bytes.
Source: cloud.google.com/bigquery/docs/estimate-costs, "Data size calculation".
"""

from __future__ import annotations

from common.bigquery.sql import Sql, fingerprint, template

LACKING = "rows without person_key"
"""What a statement says that meets a row which a release before wrote."""


def of_person(person: str) -> str:
    """An INT64 expression: the key of a person_id, NULL of none.

    Two of n persons share a key by chance in n in 10 ** 18 cases.
    """
    return fingerprint(person)


def of_row(row: str) -> str:
    """An INT64 expression: the key that the row of a conversion has; one of nobody has one too."""
    return fingerprint(
        f"COALESCE(IF(STARTS_WITH({row}.person_id, 'user:'), {row}.person_id, NULL),"
        f" CONCAT('client:', {row}.client_id), '')"
    )


def of_client(row: str) -> str:
    """An INT64 expression: the key of the row's client where that told the user, else NULL."""
    return fingerprint(
        f"IF(STARTS_WITH({row}.person_id, 'user:') AND NOT {is_own(row)},"
        f" CONCAT('client:', {row}.client_id), NULL)"
    )


def is_own(row: str) -> str:
    """A condition: the row of a conversion names the user whom it counts for itself."""
    return f"COALESCE({row}.person_id = CONCAT('user:', {row}.user_id), FALSE)"


def before(target: Sql) -> Sql:
    """A query of `key`: whom the rows of the `target` before @start_date count for, then and today.

    After `graph.persons`. It fails with LACKING where a row has no person_key.
    """
    return template(
        __file__,
        target=target,
        lacking=f"'{LACKING}'",
        client=of_person("CONCAT('client:', linked.client_id)"),
        user=of_person("CONCAT('user:', linked.user_id)"),
    )


def lacking(target: Sql) -> Sql:
    """A query of `first_date` and `last_date` of the rows without person_key."""
    return template(__file__, "keys_lacking", target=target)


def filled(target: Sql) -> Sql:
    """The statement that gives rows from @first_date to @last_date the keys that they lack."""
    return template(
        __file__,
        "keys_filled",
        target=target,
        key=of_row("target"),
        client=of_client("target"),
    )
