"""Starts a bundle as functions-framework does, calls it once, and prints how that went as JSON.

Run in a process of its own, isolated (-I): what is not in the bundle or installed is not there.
"""

import json
import sys
import time

BROKEN = b"{"


def main(folder: str, entry_point: str) -> None:
    started = time.perf_counter()
    import functions_framework

    framework = time.perf_counter() - started
    app = functions_framework.create_app(  # type: ignore[no-untyped-call]
        target=entry_point, source=f"{folder}/main.py"
    )
    seconds, cpu = time.perf_counter() - started, time.process_time()
    loaded = sorted({name.split(".")[0] for name in sys.modules})
    answer = app.test_client().post("/", data=BROKEN, content_type="application/json")
    shown = {"status": answer.status_code, "type": answer.content_type, "body": answer.text}
    times = {"framework_seconds": framework, "seconds": seconds, "cpu_seconds": cpu}
    print(json.dumps({**times, "modules": loaded, "answer": shown}))


if __name__ == "__main__":
    main(*sys.argv[1:])
