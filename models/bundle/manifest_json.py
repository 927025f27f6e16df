"""Read a manifest from JSON: every key there, of its type, in the words of today's schema, without contradictions."""

import dataclasses
import math
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any, Final

from edgehar.models.architecture import Architecture
from edgehar.models.bundle.consistency import check_manifest
from edgehar.models.bundle.manifest import SCHEMA_MAJOR, Manifest
from edgehar.models.errors import BundleError
from edgehar.models.foreign_text import printable


def manifest_from_json(data: Mapping[str, Any]) -> Manifest:
    """Rebuild a manifest from JSON data.

    Raises
    ------
    BundleError
        If the schema's major version is unknown, a key is missing, a value has the wrong type, or the parts contradict
        each other.
    """
    _check_schema(data)
    manifest: Manifest = _from_json(Manifest, _in_todays_words(data), "manifest.json")
    check_manifest(manifest)
    return manifest


def _check_schema(data: Mapping[str, Any]) -> None:
    """Refuse a manifest of another schema generation."""
    if not isinstance(data, Mapping) or "schema" not in data:
        raise BundleError("manifest.json: the key 'schema' is missing", next_step="This is not a bundle's manifest.")
    major, _, _ = str(data["schema"]).partition(".")
    if major != str(SCHEMA_MAJOR):
        raise BundleError(
            f"manifest.json: expected schema {SCHEMA_MAJOR}.x, got {printable(repr(data['schema']), 40)}",
            next_step="Update edgehar to read this bundle, or train it again with this version.",
            schema=data["schema"],
        )


_CAME_LATER: Final[dict[str, dict[str, Any]]] = {
    "1.0": {"transitions": [], "stay_probability": 0.0, "temperature": 0.0, "push": None},
    "1.1": {"stay_probability": 0.0, "temperature": 0.0, "push": None},
}
"""What decoders did not have in earlier schemas, and the value that means without."""


def _in_todays_words(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a manifest of an earlier schema as today's says the same."""
    decoder, later = data.get("decoder"), _CAME_LATER.get(str(data["schema"]))
    if later is None or not isinstance(decoder, Mapping):
        return data
    return {**data, "decoder": {**later, **decoder}}


def _from_json(expected: Any, value: Any, where: str) -> Any:
    """Rebuild ``expected`` (a dataclass, tuple, dict or plain type) from JSON, naming the key that does not fit."""
    if expected is Architecture:
        return Architecture.from_json(_require(value, Mapping, where))
    if dataclasses.is_dataclass(expected):
        return _dataclass_from_json(expected, _require(value, Mapping, where), where)
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if origin is tuple:
        items = _require(value, list, where)
        return tuple(_from_json(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(items))
    if origin is dict:
        entries = _require(value, dict, where)
        return {key: _from_json(arguments[1], item, f"{where}.{key}") for key, item in entries.items()}
    if expected is Any:
        return value
    if types.NoneType in arguments:
        (present,) = (kind for kind in arguments if kind is not types.NoneType)
        return None if value is None else _from_json(present, value, where)
    if expected is int:
        return _whole(_require(value, int, where), where)
    if expected is float:
        return _finite(_require(value, int | float, where), where)
    return _require(value, expected, where)


def _dataclass_from_json(expected: Any, data: Mapping[str, Any], where: str) -> Any:
    """Rebuild one dataclass; every field must be there."""
    hints = typing.get_type_hints(expected)
    values = {}
    for field in dataclasses.fields(expected):
        if field.name not in data:
            raise BundleError(
                f"{where}: the key {field.name!r} is missing",
                next_step="The bundle is incomplete: train or download it again.",
                key=field.name,
            )
        values[field.name] = _from_json(hints[field.name], data[field.name], f"{where}: {field.name}")
    return expected(**values)


def _whole(value: int, where: str) -> int:
    """Return an integer that fits into 64 bits; JSON as Python reads it knows no end."""
    if value.bit_length() > 63:
        raise BundleError(
            f"{where}: expected a whole number of at most 64 bits, got one of {value.bit_length():,}",
            next_step="The manifest was altered: train or download the bundle again.",
        )
    return value


def _finite(value: int | float, where: str) -> float:
    """Return a number as float; JSON as Python reads it knows NaN, infinity and integers of any length."""
    number = float(value) if abs(value) <= sys.float_info.max else math.inf
    if not math.isfinite(number):
        raise BundleError(
            f"{where}: expected a finite number, got {str(value)[:40]}",
            next_step="The manifest was altered: train or download the bundle again.",
        )
    return number


def _require(value: Any, expected: Any, where: str) -> Any:
    """Return ``value`` if it is of the expected JSON type."""
    is_bool_by_mistake = isinstance(value, bool) and expected is not bool
    if is_bool_by_mistake or not isinstance(value, expected):
        if isinstance(expected, types.UnionType):
            name = "number"
        else:
            name = {Mapping: "object", dict: "object", list: "list", str: "string"}.get(expected, expected.__name__)
        raise BundleError(
            f"{where}: expected a {name}, got {type(value).__name__} ({printable(str(value), 40)!r})",
            next_step="The manifest was altered: train or download the bundle again.",
        )
    return value
