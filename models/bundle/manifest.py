"""The manifest of a bundle: what a model is, what it was made from, and what was measured of it.

Every key is required and none has a default: a manifest that leaves one out is refused, never completed by a guess.
"""

import dataclasses
import math
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from edgehar.models.architecture import Architecture
from edgehar.models.bundle.consistency import check_manifest
from edgehar.models.errors import BundleError
from edgehar.models.normalization import Normalization

SCHEMA_MAJOR: Final = 1
SCHEMA_MINOR: Final = 1


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """What one input window is, so that nothing about a sensor has to be guessed."""

    length: int
    hop: int
    rate_hz: float
    channels: tuple[str, ...]
    unit: str
    axis_frame: str
    mounting: str


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Type, shape and quantization of an artifact's input or output (scale 0.0 for floats)."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of the bundle, held to its size and hash."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ArtifactEntry:
    """One compiled model: its format, quantization, the route that made it, and its hash.

    ``tolerance`` is the largest difference of a probability from the golden outputs that `har verify` accepts.
    """

    file: str
    format: str
    quantization: str
    route: str
    input: TensorSpec
    output: TensorSpec
    tolerance: float
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DecoderSpec:
    """How a stream of posteriors becomes labels (``edgehar.models.decoder``), counted in windows at the bundle's hop.

    ``transitions`` are probabilities, row by row, of going from each class to each in one hop; none for a mean.
    """

    smoothing_windows: int
    reject_below: float
    minimum_dwell_windows: int
    transitions: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class MetricsEntry:
    """What was measured, of which artifact, on whom. ``protocol`` is a sentence a reader can hold us to."""

    protocol: str
    engine: str
    artifact: str
    quantization: str
    train_subjects: tuple[str, ...]
    test_subjects: tuple[str, ...]
    windows: int
    accuracy: float
    macro_f1: float
    per_class_f1: dict[str, float]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the model came from: data, seed, versions, and the resolved configuration."""

    dataset: str
    dataset_sha256: str
    dataset_terms: str
    seed: int
    complete: bool
    created_utc: str
    versions: dict[str, str]
    configuration: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a bundle says about itself."""

    schema: str
    model_id: str
    architecture: Architecture
    labels: tuple[str, ...]
    window: WindowSpec
    normalization: Normalization
    weights: FileEntry
    golden: FileEntry
    artifacts: tuple[ArtifactEntry, ...]
    decoder: DecoderSpec
    metrics: tuple[MetricsEntry, ...]
    provenance: Provenance

    def artifact(self, *, format: str, quantization: str) -> ArtifactEntry | None:  # noqa: A002
        """Return the artifact of this format and quantization, or None."""
        for entry in self.artifacts:
            if (entry.format, entry.quantization) == (format, quantization):
                return entry
        return None

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as JSON-ready data."""
        data = {field.name: _to_json(getattr(self, field.name)) for field in dataclasses.fields(self)}
        data["architecture"] = self.architecture.to_json()
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Manifest":
        """Rebuild a manifest from JSON data.

        Raises
        ------
        BundleError
            If the schema's major version is unknown, a key is missing, a value has the wrong type, or the parts
            contradict each other.
        """
        _check_schema(data)
        manifest: Manifest = _from_json(cls, _in_todays_words(data), "manifest.json")
        check_manifest(manifest)
        return manifest


def _check_schema(data: Mapping[str, Any]) -> None:
    """Refuse a manifest of another schema generation."""
    if not isinstance(data, Mapping) or "schema" not in data:
        raise BundleError("manifest.json: the key 'schema' is missing", next_step="This is not a bundle's manifest.")
    major, _, _ = str(data["schema"]).partition(".")
    if major != str(SCHEMA_MAJOR):
        raise BundleError(
            f"manifest.json: expected schema {SCHEMA_MAJOR}.x, got {data['schema']!r}",
            next_step="Update edgehar to read this bundle, or train it again with this version.",
            schema=data["schema"],
        )


def _in_todays_words(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a manifest of schema 1.0 as 1.1 says the same: its decoders knew no transitions."""
    decoder = data.get("decoder")
    if data["schema"] != "1.0" or not isinstance(decoder, Mapping):
        return data
    return {**data, "decoder": {"transitions": [], **decoder}}


def _to_json(value: Any) -> Any:
    """Turn dataclasses into dictionaries and tuples into lists."""
    if isinstance(value, Architecture):
        return value.to_json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    return value


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
            f"{where}: expected a {name}, got {type(value).__name__} ({str(value)[:40]!r})",
            next_step="The manifest was altered: train or download the bundle again.",
        )
    return value
