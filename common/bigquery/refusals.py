"""What BigQuery refuses, by its reason, as an error that says what to do next.

The reason (`errors[0].reason`) decides and the HTTP status only where there is none: seven reasons
share 403, and the client turns a byte cap into a 500. A text decides in few places alone, each
where Google gives one reason for two causes and nothing else in the answer tells them apart; its
source stands beside it. Source: https://cloud.google.com/bigquery/docs/error-messages
"""

from __future__ import annotations

import re
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass

from google.api_core import exceptions as google_errors
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from requests import RequestException

from common.errors import (
    AccessError,
    ConflictError,
    NotFoundError,
    ProductError,
    QuotaError,
    RetryableError,
    UserError,
)
from common.untyped import JsonObject

# invalidQuery, as of a wrong name: https://cloud.google.com/bigquery/docs/troubleshoot-queries;
# resourcesExceeded, as of a query too large: m-lab/etl-gardener#293 has the words
_CONTENTION = re.compile(r"concurrent update|could not serialize|too many dml statements", re.I)
# invalid or invalidQuery: https://cloud.google.com/bigquery/docs/data-manipulation-language
_STREAMED = re.compile("streaming buffer", re.I)
# invalidQuery: GoogleCloudPlatform/cortex-dag-generator#5
_PARTITIONS = re.compile("too many partitions", re.I)
# quotaExceeded without a place: https://cloud.google.com/bigquery/docs/cost-controls, custom quotas
_NO_SOON = re.compile(r"custom quota|per ?day|daily|QueryUsage|partition modif", re.I)
_OF_A_DAY = ".long"
"""How places of quotas end that come back the next day: load_job_per_table.long (tidb2dw#91)."""
_DENIED = re.compile(r"Permission (\S+) denied on (dataset|table) ([\w-]+):([\w.-]+)")
_NO_QUERY = re.compile(r"permission to query table ([\w-]+):([\w.$*-]+?)[,.]? ")
_NO_JOBS = re.compile(r"does not have (bigquery\.jobs\.\w+) permission in project ([\w-]+)")
_CAP = re.compile(r"bytes billed: (\d+)\. (\d+) or higher required")


@dataclass(frozen=True)
class Caller:
    """Who asked, for messages about rights and limits."""

    account: str = ""
    bytes_cap: int = 0
    price_per_tebibyte: float = 0.0

    @property
    def member(self) -> str:
        """How a grant names the account."""
        return f"serviceAccount:{self.account}" if self.account else "serviceAccount:ACCOUNT"


def translate(error: BaseException, caller: Caller | None = None) -> ProductError | None:
    """The error of ours for one of Google's, or None when it is not Google's."""
    caller = caller or Caller()
    if isinstance(error, google_errors.RetryError):
        # the client has repeated it for as long as it may; what it repeated is inside
        inner = error.cause and translate(error.cause, caller)
        return inner or RetryableError(str(error), code="bigquery_unavailable")
    if isinstance(error, GoogleAuthError):
        return _of_identity(error, caller)
    if isinstance(error, (RequestException, FutureTimeout, ConnectionError)):
        # a connection that breaks is none of Google's errors, and its type is not ConnectionError
        return RetryableError(str(error), code="bigquery_unavailable")
    if not isinstance(error, google_errors.GoogleAPIError):
        return None
    text = message_of(error)
    reason = reason_of(error)
    if reason == "quotaExceeded":
        return _quota(text, str(_first(error).get("location") or ""))
    return _by_reason(reason, text, caller) or _by_status(error, text, caller)


def reason_of(error: BaseException) -> str:
    """BigQuery's `errors[0].reason`, "" when the answer has none."""
    return str(_first(error).get("reason") or "")


def message_of(error: BaseException) -> str:
    """BigQuery's own words, without the request that the client writes before them."""
    return _first(error).get("message") or getattr(error, "message", None) or str(error)


def _first(error: BaseException) -> JsonObject:
    details = getattr(error, "errors", None) or [{}]
    return details[0] if isinstance(details[0], dict) else {}


def _by_reason(reason: str, text: str, caller: Caller) -> ProductError | None:
    match reason:
        case "accessDenied" | "forbidden":
            return AccessError(text, fix=_grant(text, caller))
        case "billingNotEnabled" | "policyViolation" | "blocked":
            return AccessError(text, code=_snake(reason), fix=_OWNER[reason])
        case "rateLimitExceeded" | "jobRateLimitExceeded":
            return RetryableError(text, code="rate_limited")
        case "backendError" | "internalError" | "jobBackendError" | "jobInternalError":
            return RetryableError(text, code="backend_error")
        case "tableUnavailable":
            return RetryableError(text, code="table_unavailable")
        case "stopped":
            return RetryableError(text, code="job_stopped")
        case "bytesBilledLimitExceeded":
            return UserError(text, code="bytes_cap", fix=_raise_cap(text, caller))
        case "resourcesExceeded" if _CONTENTION.search(text):
            # the table's queue of statements is full, which no change of the query mends
            return RetryableError(text, code="contention")
        case "timeout" | "responseTooLarge" | "resourcesExceeded" | "billingTierLimitExceeded":
            return UserError(text, code=_snake(reason), fix=_LIGHTER)
        case "invalidQuery" | "invalid" | "badRequest" | "parseError":
            return _of_query(text)
        case "notImplemented":
            return UserError(text, code="not_implemented", fix=_OTHERWISE)
        case "notFound":
            return NotFoundError(text, fix=_CHECK_NAME)
        case "duplicate":
            return ConflictError(text, code="duplicate", fix=_THERE)
    return None


def _by_status(error: BaseException, text: str, caller: Caller) -> ProductError:
    match error:
        case google_errors.Forbidden() | google_errors.Unauthorized():
            return AccessError(text, fix=_grant(text, caller))
        case google_errors.NotFound():
            return NotFoundError(text, fix=_CHECK_NAME)
        case google_errors.TooManyRequests():
            return RetryableError(text, code="rate_limited")
        case google_errors.MethodNotImplemented():
            return UserError(text, code="not_implemented", fix=_OTHERWISE)
        case google_errors.Conflict():
            return ConflictError(text, code="duplicate", fix=_THERE)
        case google_errors.ClientError():
            return _of_query(text)
    return RetryableError(text, code="bigquery_unavailable")


def _of_query(text: str) -> ProductError:
    """Two statements on one table, rows that were just streamed, or a fault of the query."""
    if _CONTENTION.search(text):
        return RetryableError(text, code="contention")
    if _STREAMED.search(text):
        return RetryableError(text, code="streaming_buffer")
    if _PARTITIONS.search(text):
        return UserError(text, code="too_many_partitions", fix=_FEWER_DAYS)
    return UserError(text, code="query_failed", fix=_JUDGE)


def _quota(text: str, place: str) -> ProductError:
    if place.endswith(_OF_A_DAY) or _NO_SOON.search(text):
        return QuotaError(text, code="quota_exceeded", fix=_QUOTA)
    return RetryableError(text, code="quota_exceeded", fix=_QUOTA)


def _of_identity(error: GoogleAuthError, caller: Caller) -> ProductError:
    """An impersonated client fails before it reaches BigQuery, in an exception of its own."""
    text = str(error.args[0]) if error.args else str(error)
    if isinstance(error, TransportError):
        return RetryableError(text, code="bigquery_unavailable")
    account = caller.account or "the account that runs users' SQL"
    if not isinstance(error, RefreshError):
        return AccessError(text, code="no_credentials", fix="Run it as a service account.")
    return AccessError(
        f"No access token for {account}: {text}",
        code="impersonation_denied",
        fix=f"Grant this function's own account roles/iam.serviceAccountTokenCreator on it: gcloud "
        f"iam service-accounts add-iam-policy-binding {caller.account or 'ACCOUNT'} "
        "--member=serviceAccount:FUNCTION --role=roles/iam.serviceAccountTokenCreator",
    )


def _grant(text: str, caller: Caller) -> str:
    """The grant that is missing, as the command that makes it."""
    if found := _NO_JOBS.search(text):
        return (
            f"gcloud projects add-iam-policy-binding {found[2]} --member={caller.member} "
            "--role=roles/bigquery.jobUser --condition=None"
        )
    if found := _NO_QUERY.search(f"{text} "):
        dataset = f"{found[1]}.{found[2].partition('.')[0]}"
        return _on_schema("roles/bigquery.dataViewer", dataset, caller)
    if found := _DENIED.search(text):
        permission, kind, project, name = found.groups()
        reads = permission.rpartition(".")[2] in ("get", "getData", "list")
        role = f"roles/bigquery.{'dataViewer' if reads else 'dataEditor'}"
        if kind == "table":
            return _on_table(role, f"{project}.{name.rstrip('.')}", caller)
        return _on_schema(role, f"{project}.{name.rstrip('.')}", caller)
    return f"Grant {caller.account or 'the service account'} the role that the message names."


def _on_schema(role: str, dataset: str, caller: Caller) -> str:
    return f'GRANT `{role}` ON SCHEMA `{dataset}` TO "{caller.member}"'


def _on_table(role: str, table: str, caller: Caller) -> str:
    return f'GRANT `{role}` ON TABLE `{table}` TO "{caller.member}"'


def _raise_cap(text: str, caller: Caller) -> str:
    found = _CAP.search(text)
    needed = int(found[2]) if found else 0
    if not needed:
        return "Read fewer days or columns, or raise maximum_bytes_billed in Terraform."
    cost = needed / 2**40 * caller.price_per_tebibyte
    return (
        f"One job may bill {caller.bytes_cap:,} bytes and this one needs {needed:,}, about "
        f"{cost:.2f} USD a run. Read fewer days or columns, or set maximum_bytes_billed = {needed} "
        "in the Terraform variables."
    )


def _snake(reason: str) -> str:
    return re.sub("([A-Z])", r"_\1", reason).lower()


_JUDGE = "POST /validate-sql says where a query of yours fails, and what to write instead."
_OTHERWISE = "This engine lacks what the query uses; write that part in another way."
_CHECK_NAME = "Check the name and the location of the dataset."
_THERE = "Look at what has that name, which another attempt may have made, or choose another."
_LIGHTER = "Read fewer days or columns, or filter before joining."
_FEWER_DAYS = (
    "One job may write 4,000 partitions of a table, a day each, and no project can raise that: ask "
    "for fewer days at once."
)
_QUOTA = (
    "Wait until the quota is there again, or raise it: console.cloud.google.com/iam-admin/quotas, "
    "service BigQuery API, the quota that the message names."
)
_OWNER = {
    "billingNotEnabled": "The project's owner enables billing for it.",
    "policyViolation": "The organisation's policy forbids it: ask its administrator.",
    "blocked": "Google has blocked the project or account: ask Google Cloud support.",
}
