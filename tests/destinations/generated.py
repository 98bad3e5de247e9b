"""Generated conversions of many people, as shops and CRMs really write them down.

The same number always makes the same row, so that what is built of them can be recorded
(`recorded/`, by `pytest --update tests/destinations`).
"""

from __future__ import annotations

import hashlib
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

from functions.export.contract.base import Built, Destination, chunks
from functions.export.payload.rows import ConversionRow
from tests.destinations.harness import NOW, plain, prepare, sample_row

RECORDED = Path(__file__).with_name("recorded")
"""One file of digests a destination."""
ROWS = 600

FIRST = """Mary Ann|Jürgen|O'Neil|José María|Zoë|Иван|李|정|Mrs. Jane|J.-P.|anna|MARC|D\u2019Arcy
|Søren|Vale\u0301ry|Łukasz|Ngọc|علي|Björk|Nina Sophie|Dr. Heinz|x""".replace("\n", "").split("|")
LAST = """O'Brien|Müller-Lüdenscheidt|Smith Jr.|García López|van der Berg|Иванов|王|김|McDonald
|St. John|d'Été|Öztürk|Nguyễn|Ståhl|smith|LEE|Ō'Hara III|Weiß""".replace("\n", "").split("|")
PHONES = """+44 113 49{n:05d}|+49 (0)30 12{n:05d}|0049 30 12{n:05d}|030 12{n:05d}|+1 (212) 55{n:05d}
|(650) 55{n:05d}|+39 06 12{n:05d}|+33612{n:06d}|06 12 {n:06d}|+7 912 34{n:05d}|8 (912) 34{n:05d}
|+55 11 98{n:05d}67|+54 9 11 23{n:05d}|+4411349{n:05d}|+1-202-55{n:05d}|+999 123{n:05d}|{n}
|+44 113 49{n:05d} ext. 12|tel:+4930{n:07d}|+91 98765 {n:05d}|+3726{n:06d}|+52 1 55 12{n:06d}|-
""".replace("\n", "").split("|")
EMAILS = """Person.{n}@Example.com|first.last+shop{n}@gmail.com|p{n}@googlemail.com| p{n}@web.de
|jürgen{n}@müller.example|P {n}@example.org|no address|{hash}|a@b@c""".replace("\n", "").split("|")
COUNTRIES = "United Kingdom|DE|us|France|Italy|Россия|Brazil|Atlantis|GB|Ireland".split("|")
CITIES = "New York|München|São Paulo|St. Albans|東京|Wien|'s-Hertogenbosch".split("|")
POSTAL = "M1 1AE|80331|94035-1234|01310-100|1010|SW1A 1AA".split("|")


def row(number: int) -> ConversionRow:
    """The row of this number; about a tenth of its fields are missing."""
    chance = random.Random(number)
    created = NOW - timedelta(
        seconds=number % 86_400 + 60, microseconds=chance.choice((0, 5, 7000))
    )
    made: dict[str, Any] = {
        "id": f"order-{number}",
        "order_id": f"order-{number}",
        "client_id": f"{number}.{chance.randrange(10**9)}",
        "user_id": f"u-{number}",
        "created": created,
        "date": created.date(),
        "updated_at": created + timedelta(microseconds=chance.choice((0, 1, 250_000, 999_999))),
        "row_hash": number,
        "value": chance.choice((number % 1000 + 0.005, 0.0, 1e-7, 12.0, 123456789.125)),
        "currency": chance.choice(("EUR", "usd", "JPY", "KWD", None)),
        "email": chance.choice(EMAILS).format(n=number, hash=digest(number)),
        "phone": chance.choice(PHONES).format(n=number % 100_000),
        "first_name": chance.choice(FIRST),
        "last_name": chance.choice(LAST),
        "country": chance.choice(COUNTRIES),
        "city": chance.choice(CITIES),
        "postal_code": chance.choice(POSTAL),
        "gclid": f"Cj0-{number}",
        "fbclid": f"IwAR-{number}",
        "msclkid": f"ms-{number}",
        "ttclid": f"E.C.P.{number}",
        "page_location": f"https://shop.example.com/thanks?n={number}&q=é",
        "user_agent": 'Mozilla/5.0 (X11; "Linux")\t\u2028',
        "event_source": chance.choice(("web", "store", "crm", "phone", None)),
        "consent_ad_user_data": chance.choice(("granted", "granted", "denied", None)),
        "consent_ad_personalization": chance.choice(("granted", "granted", "denied", None)),
        "birth_date": chance.choice((None, "1997-02-16", "2/16/1997")),
    }
    kept = {"id", "created", "date", "row_hash"}
    return sample_row(
        **{
            name: value if name in kept or chance.random() > 0.1 else None
            for name, value in made.items()
        }
    )


def digest(number: int) -> str:
    """What somebody hashed before."""
    return hashlib.sha256(f"person{number}@example.com".encode()).hexdigest()


def built(kind: str, count: int = ROWS) -> tuple[Destination[Any], str, list[Built]]:
    """A destination and what it makes of so many rows, with every operation that it knows."""
    destination, conversion = plain(kind)
    ops = ("create", *sorted(destination.capabilities.adjusts))
    made = [
        prepare(destination, conversion, row(number), ops[number % len(ops)])
        for number in range(count)
    ]
    return destination, conversion, [each for each in made if isinstance(each, Built)]


def record(kind: str) -> dict[str, Any]:
    """What is recorded of a destination: its requests, byte for byte, and its fingerprints."""
    destination, conversion, rows = built(kind)
    bodies = hashlib.sha256()
    requests = [
        destination.request(conversion, batch) for batch in chunks(rows, destination.batch_size)
    ]
    for request in requests:
        bodies.update(request.body)
    prints = hashlib.sha256("".join(each.fingerprint for each in rows).encode())
    return {
        "rows": len(rows),
        "requests": len(requests),
        "bytes": sum(len(request.body) for request in requests),
        "bodies_sha256": bodies.hexdigest(),
        "fingerprints_sha256": prints.hexdigest(),
    }
