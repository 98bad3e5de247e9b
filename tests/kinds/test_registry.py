"""Nobody asks which kind a definition is: the list is the only place that names them."""

from __future__ import annotations

from common.kinds import BY_NAME, KINDS
from tests.test_rooms import MODULES, ROOT, imports


def test_no_room_but_kinds_imports_a_kind() -> None:
    homes = {kind.__module__ for kind in KINDS}
    for path in MODULES:
        if path.parts[:2] != ("common", "kinds"):
            assert not homes & set(imports(path)), f"{path} asks for a kind instead of asking it"


def test_each_kind_has_a_folder_of_its_own_name() -> None:
    for name, kind in BY_NAME.items():
        assert kind.__module__.startswith(f"common.kinds.{name}")
        assert (ROOT / "common" / "kinds" / name / f"{name}.sql").is_file()
