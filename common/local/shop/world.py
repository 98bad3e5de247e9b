"""What the shop sells, where its people live and how they arrive: invented, and fixed."""

from __future__ import annotations

from dataclasses import dataclass

from common.local.shop.dice import Weighted


@dataclass(frozen=True)
class Product:
    """Something the shop sells, with its price in the shop's currency."""

    id: str
    name: str
    brand: str
    category: str
    room: str
    price: float


@dataclass(frozen=True)
class Place:
    """Where a person lives, with the currency and language of the place."""

    country: str
    region: str
    city: str
    currency: str
    language: str


@dataclass(frozen=True)
class Device:
    """A browser's machine, as GA4 names it."""

    category: str
    system: str
    browser: str
    brand: str | None = None


@dataclass(frozen=True)
class Channel:
    """A way to the site; `click` names the parameter that carries the click id, if any."""

    source: str
    medium: str
    campaign: str | None = None
    click: str | None = None
    group: str = "Direct"
    hubspot: str = "DIRECT_TRAFFIC"


HOST = "www.kilnandoak.example"

PRODUCTS = tuple(
    Product(f"KO-{100 + number}", name, brand, category, room, price)
    for number, (name, brand, category, room, price) in enumerate(
        [
            ("Oak dining table", "Kiln & Oak", "Tables", "Dining", 890.0),
            ("Ash side table", "Kiln & Oak", "Tables", "Living", 149.0),
            ("Walnut desk", "Holm", "Tables", "Study", 640.0),
            ("Spindle chair", "Holm", "Chairs", "Dining", 119.0),
            ("Lounge chair", "Holm", "Chairs", "Living", 459.5),
            ("Task chair", "Fjell", "Chairs", "Study", 289.0),
            ("Linen sofa", "Fjell", "Sofas", "Living", 1690.0),
            ("Day bed", "Fjell", "Sofas", "Bedroom", 780.0),
            ("Bed frame", "Kiln & Oak", "Beds", "Bedroom", 720.0),
            ("Wool blanket", "Marram", "Textiles", "Bedroom", 89.9),
            ("Linen cushion", "Marram", "Textiles", "Living", 34.5),
            ("Jute rug", "Marram", "Textiles", "Living", 210.0),
            ("Stoneware mug", "Kiln & Oak", "Ceramics", "Kitchen", 18.0),
            ("Serving bowl", "Kiln & Oak", "Ceramics", "Kitchen", 42.0),
            ("Vase", "Kiln & Oak", "Ceramics", "Living", 55.0),
            ("Pendant lamp", "Lys", "Lighting", "Dining", 179.0),
            ("Reading lamp", "Lys", "Lighting", "Bedroom", 96.0),
            ("Candle holder", "Lys", "Lighting", "Living", 24.0),
            ("Book shelf", "Holm", "Storage", "Study", 340.0),
            ("Shoe rack", "Holm", "Storage", "Hall", 75.0),
        ]
    )
)
PRODUCT = Weighted({product: 40 / product.price**0.5 for product in PRODUCTS})

PLACE = Weighted(
    {
        Place("Germany", "Berlin", "Berlin", "EUR", "de-de"): 22,
        Place("Germany", "Bavaria", "Munich", "EUR", "de-de"): 14,
        Place("Germany", "Hamburg", "Hamburg", "EUR", "de-de"): 12,
        Place("Netherlands", "North Holland", "Amsterdam", "EUR", "nl-nl"): 10,
        Place("France", "Île-de-France", "Paris", "EUR", "fr-fr"): 11,
        Place("Austria", "Vienna", "Vienna", "EUR", "de-at"): 6,
        Place("Spain", "Catalonia", "Barcelona", "EUR", "es-es"): 5,
        Place("Ireland", "Leinster", "Dublin", "EUR", "en-ie"): 4,
        Place("United Kingdom", "England", "London", "GBP", "en-gb"): 10,
        Place("United States", "New York", "New York", "USD", "en-us"): 4,
        Place("(not set)", "(not set)", "(not set)", "EUR", "en"): 2,
    }
)

DEVICE = Weighted(
    {
        Device("desktop", "Windows", "Chrome"): 26,
        Device("desktop", "Macintosh", "Safari"): 14,
        Device("desktop", "Windows", "Edge"): 8,
        Device("mobile", "iOS", "Safari", "Apple"): 27,
        Device("mobile", "Android", "Chrome", "Samsung"): 21,
        Device("tablet", "iOS", "Safari", "Apple"): 4,
    }
)

DIRECT = Channel("(direct)", "(none)")
BRAND = Channel("google", "cpc", "brand", "gclid", "Paid Search", "PAID_SEARCH")
CHANNEL = Weighted(
    {
        DIRECT: 20,
        Channel("google", "organic", None, None, "Organic Search", "ORGANIC_SEARCH"): 24,
        BRAND: 12,
        Channel("google", "cpc", "dining tables", "gclid", "Paid Search", "PAID_SEARCH"): 11,
        Channel("google", "cpc", "ios app campaign", "gbraid", "Paid Search", "PAID_SEARCH"): 1.5,
        Channel("google", "cpc", "web to app", "wbraid", "Paid Search", "PAID_SEARCH"): 1.5,
        Channel("bing", "cpc", "brand", "msclkid", "Paid Search", "PAID_SEARCH"): 3,
        Channel("facebook", "paid_social", "spring", "fbclid", "Paid Social", "PAID_SOCIAL"): 10,
        Channel("tiktok", "paid_social", "rooms", "ttclid", "Paid Social", "PAID_SOCIAL"): 4,
        Channel("linkedin", "paid_social", "offices", "li_fat_id", "Paid Social", "PAID_SOCIAL"): 4,
        Channel("dbm", "display", "lookalike", "dclid", "Display", "OTHER_CAMPAIGNS"): 2,
        Channel("newsletter", "email", "march", None, "Email", "EMAIL_MARKETING"): 7,
        Channel("archdaily.example", "referral", None, None, "Referral", "REFERRALS"): 3,
    }
)

HOUR = Weighted(
    dict(enumerate([1, 0.6, 0.4, 0.3, 0.3, 0.5, 1.2, 2.4, 3.6, 4.4, 5, 5.2, 5.4, 5.2, 5]))
    | dict(enumerate([4.9, 4.9, 5.1, 5.6, 6.2, 6.6, 6, 4.4, 2.3], start=15))
)
"""Hours of the project's day in which people visit."""
