"""Print the statements of a daily run of the definitions in a YAML file.

python -m functions.materialize.paper DEFINITION.yaml EXPORT_SCHEMA.json [--step NAME] [--date DAY]

The environment is that of the function; nothing is sent anywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import yaml
from pydantic import ValidationError

from common.errors import ProductError, UserError
from common.kinds import CONVERSION
from common.model.validation_messages import messages_of
from common.settings import Settings
from common.untyped import Row
from functions.materialize.paper.statements import steps, text_of

STANDARD_INPUT = Path("-")


def main() -> int:
    """0 when every definition was printed; the reason on standard error otherwise."""
    chosen = _arguments()
    export = json.loads(chosen.export.read_text(encoding="utf-8"))
    settings = Settings.from_environment(os.environ)
    day = chosen.date or datetime.now(UTC).date() - timedelta(days=1)
    try:
        for definition in definitions(chosen.file):
            found = list(steps(definition, settings, export, day))
            wanted = [step for step in found if chosen.step in (step.name, "")]
            if not wanted:
                names = ", ".join(dict.fromkeys(step.name for step in found))
                print(f"There is no step {chosen.step!r}; there are {names}.", file=sys.stderr)
                return 1
            print("\n".join(map(text_of, wanted)))
    except ValidationError as error:
        for message in messages_of(error, definition, CONVERSION):
            place = f"definition {definition['id']}: {message['field'] or 'it'}"
            print(f"{place}: {message['message']}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # a reader such as `head` has seen enough; Python would fail at its exit for the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, yaml.YAMLError, ProductError) as error:
        place = "" if chosen.file == STANDARD_INPUT else f"{chosen.file}: "
        print(f"{place}{error}", file=sys.stderr)
        return 1
    return 0


def definitions(file: Path) -> list[Row]:
    """Those of a YAML file, one or a list, or of standard input where the file is called "-".

    Raises UserError for anything else.
    """
    text = sys.stdin.read() if file == STANDARD_INPUT else file.read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    listed = content if isinstance(content, list) and content else [content]
    for number, definition in enumerate(listed, 1):
        if not isinstance(definition, dict) or not definition.get("id"):
            raise UserError(f"Definition {number} of the file has no id; write `id: a_name`.")
    return listed


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("export", type=Path)
    parser.add_argument("--step", default="")
    parser.add_argument("--date", type=date.fromisoformat)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
