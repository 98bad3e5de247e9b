"""A tiny repository with two functions, laid out as the real one is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SAYING = '''
"""What both functions need."""

def answer(text):
    return f"common says {text}"
'''

GREET = """
import threading
from pathlib import Path

import functions_framework
from common.saying import answer

@functions_framework.http
def greet(request):
    if request.path == "/deep":
        return (Path(__file__).parent / "deep.sql").read_text()
    if request.path == "/never":
        threading.Event().wait()
    if request.path == "/missing":
        return (Path(__file__).parent / "notes.txt").read_text()
    return f"{request.method} {request.path} {answer(request.get_data(as_text=True))}"

@functions_framework.http
def greet_local(request):
    import common.local.shop
    return "common.local is deployed"
"""

WORK = """
import json, os, time

import functions_framework

@functions_framework.http
def work(request):
    message = request.get_json()["message"]
    kind = message["attributes"]["kind"]
    with open(os.environ["RECEIVED"], "a+") as received:
        received.seek(0)
        seen = message["messageId"] in received.read()
        received.write(json.dumps([request.path, kind, message["messageId"]]) + "\\n")
    if kind == "slow" and not seen:
        time.sleep(60)
    return "", 204
"""

MANIFEST: dict[str, Any] = {
    "topics": ["runs", "tasks"],
    "functions": {
        "greet": {
            "source": "greet",
            "entry_point": "greet",
            "trigger": "http",
            "concurrency": 4,
            "max_instances": 1,
            "timeout_seconds": 5,
        },
        "greet-local": {
            "source": "greet",
            "entry_point": "greet_local",
            "trigger": "http",
            "concurrency": 1,
            "max_instances": 1,
            "timeout_seconds": 5,
        },
        "work": {
            "source": "work",
            "entry_point": "work",
            "trigger": "push",
            "concurrency": 2,
            "max_instances": 1,
            "timeout_seconds": 540,
        },
    },
    "subscriptions": {
        "work-runs": {"topic": "runs", "function": "work", "filter": "", "ordering": False},
        "work-tasks": {
            "topic": "tasks",
            "function": "work",
            "filter": 'attributes.kind != "ignored"',
            "ordering": True,
        },
    },
    "schedules": {
        "daily": {
            "cron": "30 5 * * *",
            "topic": "runs",
            "message": {"kind": "run"},
            "attributes": {"kind": "run"},
        }
    },
}

GRANTS = """\
serviceAccount:prod-push@shop-conversions.iam.gserviceaccount.com | roles/run.invoker | \
function conversions-prod-work
serviceAccount:service-1@gcp-sa-pubsub.iam.gserviceaccount.com | \
roles/iam.serviceAccountTokenCreator | account google_service_account.push
"""


def write_repository(root: Path) -> Path:
    """The repository under `root`."""
    files = {
        "common/saying.py": SAYING,
        "common/local/shop.py": "",
        "common/local/iam/grants.txt": GRANTS,
        "common/schemas/table.json": "{}",
        "functions/greet/main.py": GREET,
        "functions/greet/deep.sql": "SELECT 'ü'\n",
        "functions/greet/notes.txt": "not deployed",
        "functions/greet/requirements.txt": "functions-framework==3.10.2\n",
        "functions/work/main.py": WORK,
        "functions/work/requirements.txt": "functions-framework==3.10.2\n",
        "functions/manifest.json": json.dumps(MANIFEST),
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    return root
