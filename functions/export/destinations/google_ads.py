"""Google Ads: conversions are ingested, and adjusted by sending the same transaction id again.

API reference: developers.google.com/data-manager/api/reference/rest/v1/events/ingest
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from common.model import event_source
from common.untyped import JsonObject, Row
from functions.export.contract.base import (
    Built,
    Capabilities,
    Intent,
    Problem,
    Rejected,
    Trial,
    body,
    present,
)
from functions.export.contract.config import Config, DestinationConfig, Mapped
from functions.export.destinations import data_manager
from functions.export.destinations.data_manager import DataManager
from functions.export.payload import cart, identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport.calls import Request

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire


def _without_hyphens(account: Any) -> Any:
    return account.replace("-", "") if isinstance(account, str) else account


AccountNumber = Annotated[
    str, BeforeValidator(_without_hyphens), StringConstraints(pattern=r"^[0-9]{10}$")
]
"""Google Ads shows its account numbers with hyphens, which the API refuses."""

EVENT_SOURCES = {"web": 1, "app": 2, "store": 3, "phone": 4, "crm": 5, "other": 5}
"""Values of google.ads.datamanager.v1.EventSource."""


PERSONAL = frozenset(
    """email phone first_name last_name birth_date user_id client_id ip_address user_agent
    postal_code""".split()
)
"""Parameters that tell who somebody is."""

CLICK = re.compile(r"[A-Za-z0-9_-]+")
"""Letters of a click id: base64 for addresses."""


class GoogleAction(Mapped):
    """A conversion and its conversion action."""

    conversion_action_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")] = Field(
        title="Conversion action",
        description="Id of the conversion action, which must belong to the operating account.",
        examples=["987654321"],
    )


class CustomVariable(Config):
    """A custom variable of the account and the parameter that it is sent of."""

    variable: str = Field(
        min_length=1,
        max_length=100,
        title="Custom variable",
        description="Its name in Google Ads, where it must be active.",
        examples=["plan"],
    )
    parameter: str = Field(
        min_length=1,
        max_length=100,
        title="Parameter",
        description="Parameter of the conversion, never one that tells who somebody is.",
        examples=["plan"],
    )

    @field_validator("parameter")
    @classmethod
    def _impersonal(cls, name: str) -> str:
        if name in PERSONAL:
            raise ValueError("a custom variable must not tell who somebody is")
        return name


class GoogleAdsConfig(DestinationConfig):
    """A Google Ads account."""

    kind: Literal["google_ads"] = Field(
        "google_ads", title="Kind", description="Google Ads", examples=["google_ads"]
    )
    operating_account: AccountNumber = Field(
        title="Account",
        description="Ten digits: the account that owns the conversion actions.",
        examples=["1234567890"],
    )
    login_account: AccountNumber | None = Field(
        None,
        title="Manager account",
        description="Ten digits: the manager account that has access, if any.",
        examples=["9876543210"],
    )
    conversions: tuple[GoogleAction, ...] = Field(
        min_length=1,
        max_length=200,
        title="Conversions",
        description="What to send, and as which conversion action.",
        examples=[[{"conversion": "purchase", "conversion_action_id": "987654321"}]],
    )
    event_source: Literal["web", "app", "store", "phone", "crm", "other"] = Field(
        "web",
        title="Event source",
        description="Where conversions happen when the row does not say.",
        examples=["web"],
    )
    custom_variables: tuple[CustomVariable, ...] = Field(
        (),
        max_length=50,
        title="Custom variables",
        description="Which parameters are sent as which custom variables of the account.",
        examples=[[{"variable": "plan", "parameter": "plan"}]],
    )
    merchant_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")] | None = Field(
        None,
        title="Merchant Center account",
        description="Id of the account that lists the products: purchases that carry their "
        "products are sent with cart data.",
        examples=["135792468"],
    )
    merchant_feed_label: str | None = Field(
        None,
        pattern=r"^[A-Z0-9_-]{1,20}$",
        title="Feed label",
        description="Label of the feed that lists the products, most often a country.",
        examples=["DE"],
    )
    merchant_feed_language: str | None = Field(
        None,
        pattern=r"^[a-z]{2}$",
        title="Feed language",
        description="Language of the feed that lists the products (ISO 639-1).",
        examples=["de"],
    )
    transaction_id: Literal["derived", "raw"] = Field(
        "derived",
        title="Transaction id",
        description="Derived from conversion and id; or the id itself, when it must equal the id "
        "that a website tag sends.",
        examples=["derived"],
    )
    quota_project: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9:.-]{4,60}$",
        title="Quota project",
        description="Google Cloud project whose quota is used; the function's own unless given.",
        examples=["my-project"],
    )


class GoogleAds(DataManager[GoogleAdsConfig]):
    """Sends conversions to Google Ads; a second event under the same transaction id adjusts it.

    Limits: developers.google.com/data-manager/api/limits. Adjustments:
    developers.google.com/data-manager/api/devguides/events/google-ads/conversion-adjustments.
    There is no retraction: taking back means the value 0, and the count stays.
    """

    kind: ClassVar[str] = "google_ads"
    Config: ClassVar[type[DestinationConfig]] = GoogleAdsConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=2000,
        usual_batch=2000,
        max_age={"": timedelta(days=90)},
        click_window=timedelta(days=90),
        future_skew=timedelta(0),
        dedup_window=None,
        repeats="replaces",
        adjusts=frozenset({"restate", "retract"}),
        adjusts_within=timedelta(days=90),
        retraction="count_not_retracted",
        restores=True,
        names_bad_rows=True,
        trial=Trial("validated"),
        asynchronous=True,
        requests_per_second=5.0,
    )
    clicks: ClassVar[tuple[str, ...]] = ("gclid", "gbraid", "wbraid")
    clicked_at: ClassVar[str] = "google_click_at"
    kept: ClassVar[tuple[str, ...]] = ("gclid", "gbraid", "wbraid", "event_source")

    def account(self, conversion: str) -> str:
        action = self.mapped[conversion].conversion_action_id
        return f"{self.config.operating_account}/{action}"

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        click = data_manager.click_id(row)
        people = (
            data_manager.user_identifiers(row, self.config.default_country)
            if intent.with_person
            else []
        )
        if intent.op == "retract" and not click and not people:
            people = data_manager.kept_people(intent.members)
        if not click and not people:
            return Rejected("no_identifier")
        if self.config.transaction_id == "raw" and row.id.isdigit():
            return Rejected("numeric_transaction_id", "transaction_id")
        if intent.op == "retract" and intent.money is None:
            return Rejected("no_value_to_take_back", "value")
        event = present(
            transactionId=row.id if self.config.transaction_id == "raw" else intent.key,
            eventTimestamp=data_manager.timestamp(intent.occurred),
            userData={"userIdentifiers": people} if people else None,
            consent=data_manager.consent(intent.consent),
            adIdentifiers=click,
            currency=intent.money.currency if intent.money else None,
            conversionValue=float(intent.money) if intent.money else None,
            eventSource=self._source(row),
            eventDeviceInfo=device(row) if intent.with_person else None,
            cartData=cart_data(row, self.config, click) if intent.op != "retract" else None,
            customVariables=custom_variables(row, self.config.custom_variables),
        )
        # a click that Google will not know fails later and by count only: apart from all others, it
        # leaves no doubt about them
        group = "" if all(CLICK.fullmatch(value) for value in click.values()) else "odd_click"
        # what a retraction needs when the row, and with it the person, is gone
        members = () if click else data_manager.known_by(people)
        return data_manager.built(intent.key, event, group, members, intent.changed)

    def _source(self, row: ConversionRow) -> int:
        known = EVENT_SOURCES.get(event_source.read(row.event_source))
        return known or EVENT_SOURCES[self.config.event_source]

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        return self._request(self.mapped[conversion].conversion_action_id, batch)

    def trial_request(self, conversion: str, built: Built, code: str) -> Request:
        action = self.mapped[conversion].conversion_action_id
        return self._request(action, [built], validate=True)

    def _request(self, action: str, batch: Sequence[Built], *, validate: bool = False) -> Request:
        # no text of a row reads like this: quotes inside of texts are escaped
        people = any(b'"userData":' in built.payload for built in batch)
        text = body(
            "events",
            batch,
            destinations=[data_manager.destination(self.config, action)],
            **present(validateOnly=validate or None, encoding=data_manager.HEX if people else None),
        )
        return data_manager.request("/v1/events:ingest", text, self.config.quota_project)

    def check(self, wire: Wire) -> list[Problem]:
        return [
            *all_digits_warning(self.config),
            *(
                problem
                for mapped in self.config.conversions
                for problem in self._check_action(mapped.conversion_action_id, wire)
            ),
        ]

    def _check_action(self, action: str, wire: Wire) -> list[Problem]:
        """Problems of one action, by a request that Google validates and does not execute."""
        event = {
            "transactionId": "check",
            "eventTimestamp": data_manager.timestamp(datetime.now(UTC)),
            # any will do: validateOnly knows no clicks
            "adIdentifiers": {"gclid": "check"},
            "eventSource": EVENT_SOURCES["web"],
        }
        checked = data_manager.built("check", event)
        reply = self.send(self._request(action, [checked], validate=True), wire)
        return data_manager.refusals(reply, f"Conversion action {action}")


def cart_data(row: ConversionRow, config: GoogleAdsConfig, click: Row) -> JsonObject:
    """The products of the order; Google takes none beside a gbraid or wbraid.

    Source: developers.google.com/data-manager/api/reference/rest/v1/CartData.
    """
    bought = cart.products((row.params or {}).get(cart.PARAMETER)) if config.merchant_id else []
    if not bought or click.keys() & {"gbraid", "wbraid"}:
        return {}
    return present(
        merchantId=config.merchant_id,
        merchantFeedLabel=config.merchant_feed_label,
        merchantFeedLanguageCode=config.merchant_feed_language,
        items=[
            present(merchantProductId=each.id, quantity=str(each.quantity), unitPrice=each.price)
            for each in bought
        ],
    )


def custom_variables(
    row: ConversionRow, variables: Sequence[CustomVariable]
) -> list[dict[str, str]]:
    """Values of the row's parameters; one that holds an address would have the row refused."""
    known = row.params or {}
    values = ((each.variable, known.get(each.parameter, "")) for each in variables)
    return [
        {"variable": variable, "value": value}
        for variable, value in values
        if not identifiers.stands_for_nothing(value) and "@" not in value
    ]


def device(row: ConversionRow) -> dict[str, str]:
    """The browser and its address."""
    return present(userAgent=row.user_agent, ipAddress=row.ip_address)


def all_digits_warning(config: GoogleAdsConfig) -> Iterable[Problem]:
    """Google refuses live, though not when validating, transaction ids that are all digits."""
    if config.transaction_id == "raw":
        yield Problem(
            "numeric_transaction_ids",
            "Google refuses transaction ids that consist of digits only.",
            "Put a letter in front of order ids, in the website's tag and in the conversion.",
            "warning",
        )
