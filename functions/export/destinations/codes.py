"""What each platform's codes mean: one table a platform, each with its source.

A code that stands in no table is `UNLISTED`: other rows then show whether the row or the account is
at fault (see send/delivery.py), and no row is refused for good. Sources, read until 2026-11-29:
Google: enumeration ErrorReason of google-ads-datamanager 0.9.4. Meta: error reference (2025-12-11),
references of pixel and audience nodes; 613, 5 and subcodes as public reports have them. TikTok:
Events API 2.0 pages and live tests. LinkedIn: pages and live probes of 2026-08. Microsoft:
MicrosoftDocs/Advertising-docs, operation error codes (2024-11-06).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from functions.export.transport.results import Cause, Halted, Refused, Result, Retry, Unknown

Table = Mapping[str, Cause]


def table(**words: str) -> Table:
    """Codes by cause, each in one text of words, as code → cause."""
    causes = {code: Cause[name] for name, codes in words.items() for code in codes.split()}
    return MappingProxyType(causes)


def meaning(
    cause: Cause, reason: str, fix: str, failures: Mapping[int, str] | None = None
) -> Result:
    """What a request as a whole comes to when it is refused with this code."""
    match cause:
        case Cause.ACCOUNT | Cause.OURS:
            return Halted(reason, fix)
        case Cause.SLOW | Cause.AGAIN:
            return Retry(reason)
        case Cause.DOUBT:
            return Unknown(reason)
        case _:
            return Refused(reason, failures or {})


def numbered(prefix: str, codes: Iterable[Any]) -> str:
    """Codes in a row, each behind the prefix."""
    return " ".join(f"{prefix}{code}" for code in codes)


GOOGLE = table(
    ROW="""REQUIRED_FIELD_MISSING INVALID_FORMAT INVALID_HEX_ENCODING INVALID_BASE64_ENCODING
    INVALID_SHA256_FORMAT INVALID_POSTAL_CODE INVALID_REGION_CODE INVALID_NUMBER_FORMAT
    INVALID_CURRENCY_CODE INVALID_EVENT INVALID_AUDIENCE_MEMBER INVALID_AD_IDENTIFIER_FOR_ACCOUNT
    INVALID_CUSTOM_VARIABLE_VALUE INVALID_COUPON_CODE TOO_MANY_USER_IDENTIFIERS
    NO_IDENTIFIERS_PROVIDED EVENT_TIME_INVALID FIELD_VALUE_TOO_LONG FIELD_VALUE_TOO_SHORT
    TOO_MANY_ELEMENTS TOO_FEW_ELEMENTS CUSTOM_VARIABLE_VALUE_CONTAINS_PII""",
    ACCOUNT="""PERMISSION_DENIED NOT_FOUND NOT_ALLOWLISTED TERMS_AND_CONDITIONS_NOT_SIGNED
    ADVERTISER_TOS_NOT_ACCEPTED DESTINATION_ACCOUNT_TYPE_MISMATCH
    DESTINATION_ACCOUNT_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS
    DESTINATION_ACCOUNT_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS
    DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED MISMATCHED_ACCOUNT_TYPE
    INVALID_DESTINATION INVALID_CONVERSION_ACTION_ID INVALID_CONVERSION_ACTION_TYPE
    INVALID_USER_LIST_ID INVALID_USER_LIST_TYPE INVALID_MERCHANT_ID CUSTOM_VARIABLE_NOT_ENABLED
    CUSTOM_VARIABLE_NOT_FOUND OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH
    EVENT_SOURCE_AND_DESTINATION_MISMATCH ACCOUNT_INELIGIBLE_FOR_STORE_SALES
    REQUIRED_PREREQUISITE_LINK_MISSING EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED
    SENSITIVE_USER_LIST_IMMUTABLE MEMBERSHIP_DURATION_TOO_LONG UNAUTHENTICATED
    ACCESS_TOKEN_EXPIRED ACCESS_TOKEN_SCOPE_INSUFFICIENT CREDENTIALS_MISSING SERVICE_DISABLED""",
    # a new conversion action takes events after six hours
    AGAIN="CONVERSION_ACTION_TOO_RECENTLY_CREATED INTERNAL_ERROR",
    DOUBT="DEADLINE_EXCEEDED",
    SLOW="RESOURCE_EXHAUSTED RATE_LIMIT_EXCEEDED",
    OURS="""TOO_MANY_EVENTS TOO_MANY_AUDIENCE_MEMBERS TOO_MANY_DESTINATIONS
    DUPLICATE_DESTINATION_REFERENCE MULTIPLE_DATA_TYPES_NOT_ALLOWED INVALID_ENUM_VALUE""",
)

GOOGLE_FAMILIES = ("ADVERTISER_", "DESTINATION_ACCOUNT_", "LINKED_ACCOUNT_", "USER_LIST_")
"""Beginnings of reasons that all concern an account or a list."""

GOOGLE_LATER = table(
    ROW="""EVENT_TOO_OLD INVALID_GCLID INVALID_GBRAID INVALID_WBRAID INVALID_AD_IDENTIFIERS
    INVALID_CLICK CLICK_NOT_FOUND CONVERSION_PRECEDES_CLICK INVALID_EVENT INVALID_FORMAT
    INVALID_CUSTOM_VARIABLE ORIGINAL_CONVERSIONS_NOT_FOUND DENIED_CONSENT UNKNOWN_CONSENT
    MATCH_ID_NOT_FOUND USER_ID_NOT_FOUND USER_ID_NOT_FOUND_FOR_MATCH_ID
    USER_ID_NOT_FOUND_FOR_GCLID USER_ID_NOT_FOUND_FOR_DCLID USER_ID_NOT_FOUND_FOR_IMPRESSION_ID""",
    ACCOUNT="""NO_CONSENT DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED
    OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER INVALID_OPERATING_ACCOUNT_FOR_CLICK
    ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID EXTERNAL_ATTRIBUTION_DATA_MISSING
    CUSTOM_VARIABLE_NOT_ENABLED INVALID_MERCHANT_ID DECRYPTION_ERROR
    USER_IDENTIFIER_DECRYPTION_ERROR DEK_DECRYPTION_ERROR INVALID_WIP INVALID_KEK
    KEK_PERMISSION_DENIED WIP_AUTH_FAILED AWS_AUTH_FAILED""",
    AGAIN="INTERNAL_ERROR TOO_RECENT_CLICK",
    DONE="DUPLICATE_TRANSACTION_ID DUPLICATE_GCLID",
)
"""Reasons that come later, as counts of a request."""

META = table(
    ROW=numbered("100_", (2804001, 2804003, 2804007, 2804016, 2804017, 2804019, 2804048)),
    # 368, "abusive": Meta has blocked the app, which a person has to see to
    ACCOUNT="190 10 102 104 3 803 2500 100_33 100_appsecret_proof 2650 2656 471 368 "
    + numbered("", range(200, 300)),
    SLOW="4 17 32 341 613 471_1713230 429 " + numbered("", range(80000, 80015)),
    DOUBT="1 2 5000",
)
"""By code, or code_subcode. 100 alone is unlisted: it is what Meta says of anything."""

TIKTOK = table(
    ROW="40002",
    ACCOUNT="40001 40101 40102 40104 40105 40110 40300",
    # comes with HTTP 401 and means the quota, not the token
    SLOW="40100",
    DOUBT="20001",
)
"""From 50000 on all are `DOUBT`."""

LINKEDIN = table(
    ROW="invalid_event outside_90_days",
    ACCOUNT="not_authorized no_ad_accounts version_retired invalid_prefix",
    OURS="VERSION_MISSING",
)
"""By the words that `linkedin.py` makes of LinkedIn's sentences."""

MICROSOFT = table(
    ROW="5602 5603 5604 5607 5608 5609 5610 5611 " + numbered("", range(5618, 5627)),
    # 5605 and 5606 come with a row and are about its goal, so about every row of it
    ACCOUNT="5605 5606 5613 5627 105 106 109 116 208 8000 8002 8003",
    # 5615: the goal is younger than two hours
    AGAIN="5615 5612 0",
    SLOW="117 207",
    # 5600 is an empty list, 5601 one of more than 1,000
    OURS="100 201 205 5600 5601",
)
