"""The manifest of a bundle: what a model is, what it was made from, and what was measured of it.

Every key is required and none has a default: a manifest that leaves one out is refused, never completed by a guess.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

from edgehar.models.architecture import Architecture
from edgehar.models.bundle.tasks import MULTICLASS
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
    """Everything a bundle says about itself.

    ``task`` is what the outputs are (`edgehar.models.bundle.tasks`). It is written where they are not those of one
    label of several, which is all that earlier versions knew.
    """

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
    task: str = MULTICLASS

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
        if self.task == MULTICLASS:
            del data["task"]
        return data


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
