"""Records the argument schema of the Google provider for the resource types in use.

The source is the PyPI wheel `cdktf-cdktf-provider-google` 16.12.1 (MPL-2.0), which HashiCorp
generated from provider hashicorp/google 6.50.0. Each of its JavaScript modules tells, for one
resource type, the name, type, nesting and requiredness of every argument; this script reads them
with regular expressions, so neither node nor jsii is needed.

    pip download --no-deps cdktf-cdktf-provider-google==16.12.1 -d FOLDER
    python tests/terraform/provider/record.py FOLDER/*.whl

Run it again when terraform/ begins to use another resource type.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

RECORDING = Path(__file__).parent / "google.json"
CONFIGURATION = Path(__file__).parents[3] / "terraform"

SCALARS = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
}
CDKTF_TYPES = {"string": "string", "number": "number", "boolean": "bool"}
CDKTF_MAPS = {"stringMap": ["map", "string"], "stringList": ["list", "string"]}

CLASS = re.compile(r"^class (\w+) extends cdktf\.(\w+)", re.M)
SCALAR = re.compile(r"get (\w+)\(\) \{\s+return (cdktf\.Fn\.tolist\()?this\.(\w+)\('(\w+)'\)")
NESTED = re.compile(
    r"// (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\s+"
    r"this\._(\w+) = new (\S+)\(this, \"\w+\"(?:, (\w+))?\)"
)
PROVIDER_ARGUMENT = re.compile(
    r"^ {12}(\w+): \{\s+value: .*,\s+isBlock: false,\s+"
    r"type: \"\w+\",\s+storageClassType: \"(\w+)\"",
    re.M,
)


def main(wheel: Path) -> None:
    """Write google.json beside this script for the types that terraform/ uses."""
    package = _package(wheel)
    recording = {
        "source": "cdktf-cdktf-provider-google 16.12.1, hashicorp/google 6.50.0, MPL-2.0",
        "provider": _provider(_module(package, "provider")),
        "resources": {
            name: _described(package, name.removeprefix("google_")) for name in used("resource")
        },
        "data_sources": {name: _described(package, f"data_{name}") for name in used("data")},
    }
    RECORDING.write_text(_one_type_a_line(recording))
    print(f"{RECORDING}: {RECORDING.stat().st_size:,} bytes")


def used(kind: str) -> list[str]:
    """Google's resource types (or data sources) that the configuration declares."""
    declaration = re.compile(rf'^{kind} "(google_\w+)"', re.M)
    files = CONFIGURATION.rglob("*.tf")
    return sorted({name for file in files for name in declaration.findall(file.read_text())})


def _one_type_a_line(recording: dict[str, Any]) -> str:
    def lines(types: dict[str, Any]) -> str:
        return ",\n".join(f"  {json.dumps(name)}: {json.dumps(types[name])}" for name in types)

    return (
        f'{{\n "source": {json.dumps(recording["source"])},\n'
        f' "provider": {json.dumps(recording["provider"])},\n'
        f' "resources": {{\n{lines(recording["resources"])}\n }},\n'
        f' "data_sources": {{\n{lines(recording["data_sources"])}\n }}\n}}\n'
    )


def _package(wheel: Path) -> tarfile.TarFile:
    with zipfile.ZipFile(wheel) as archive:
        inner = next(name for name in archive.namelist() if name.endswith(".jsii.tgz"))
        return tarfile.open(fileobj=io.BytesIO(archive.read(inner)), mode="r:gz")


def _module(package: tarfile.TarFile, folder: str) -> str:
    member = package.extractfile(f"package/lib/{folder}/index.js")
    assert member is not None
    return member.read().decode().split("//# sourceMappingURL")[0]


def _described(package: tarfile.TarFile, name: str) -> dict[str, Any]:
    module = _module(package, name.replace("_", "-"))
    classes = _classes(module)
    roots = ("TerraformResource", "TerraformDataSource")
    root = next(name for name, (base, _) in classes.items() if base in roots)
    return _block(classes, root)


def _classes(module: str) -> dict[str, tuple[str, str]]:
    starts = list(CLASS.finditer(module))
    ends = [match.start() for match in starts[1:]] + [len(module)]
    return {
        match[1]: (match[2], module[match.start() : end])
        for match, end in zip(starts, ends, strict=True)
    }


def _block(classes: dict[str, tuple[str, str]], name: str) -> dict[str, Any]:
    """Attributes as {name: [type, required|optional|computed]}, blocks as {name: block}."""
    body = classes[name][1]
    attributes = {
        attribute: [_scalar_type(method, bool(is_set)), _presence(body, camel)]
        for camel, is_set, method, attribute in SCALAR.findall(body)
    }
    blocks = {}
    for attribute, computed, _, _, camel, kind, is_set in NESTED.findall(body):
        if kind.startswith("cdktf."):
            attributes[attribute] = [["map", "string"], "computed"]
        elif computed == "true":
            attributes[attribute] = [["list", _object(classes, _element(kind))], "computed"]
        else:
            blocks[attribute] = _nested(classes, kind, is_set == "true", _presence(body, camel))
    return {"attributes": attributes, "blocks": blocks}


def _scalar_type(method: str, is_set: bool) -> Any:
    kind = SCALARS[method]
    return ["set", kind[1]] if is_set else kind


def _presence(body: str, camel: str) -> str:
    """Optional arguments can be reset, computed ones cannot even be set."""
    capital = camel[0].upper() + camel[1:]
    if f"reset{capital}()" in body:
        return "optional"
    settable = f"set {camel}(" in body or f"put{capital}(" in body
    return "required" if settable else "computed"


def _nested(
    classes: dict[str, tuple[str, str]], kind: str, is_set: bool, presence: str
) -> dict[str, Any]:
    nested = _block(classes, _element(kind))
    if kind.endswith("TimeoutsOutputReference"):
        return {**nested, "nesting": "single"}
    return {
        **nested,
        "nesting": "set" if is_set else "list",
        "min": 1 if presence == "required" else 0,
        "max": 0 if kind.endswith("List") else 1,
    }


def _object(classes: dict[str, tuple[str, str]], name: str) -> list[Any]:
    block = _block(classes, name)
    return ["object", {attribute: kind for attribute, (kind, _) in block["attributes"].items()}]


def _element(kind: str) -> str:
    return kind.removesuffix("List") + "OutputReference" if kind.endswith("List") else kind


def _provider(module: str) -> dict[str, Any]:
    attributes = {
        name: [CDKTF_TYPES.get(kind) or CDKTF_MAPS[kind], "optional"]
        for name, kind in PROVIDER_ARGUMENT.findall(module)
        if not name.endswith("_custom_endpoint") and name != "alias"
    }
    return {"attributes": attributes, "blocks": {}}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
