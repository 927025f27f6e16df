"""The manifest of a bundle: what a model is, what it was made from, and what was measured of it.

Every key is required and none has a default: a manifest that leaves one out is refused, never completed by a guess.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

from edgehar.models.architecture import Architecture
from edgehar.models.normalization import Normalization

SCHEMA_MAJOR: Final = 1
SCHEMA_MINOR: Final = 2


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
class PushSpec:
    """How the pushes of an elevator tell its direction (``edgehar.models.decoder.push``).

    Parameters
    ----------
    up, down
        The two labels whose probability a push redistributes.
    log_odds
        By how much a push in one direction raises the log odds of its label against the other.
    smoothing_s, baseline_s
        Time constants of the smoothed length of acceleration, and of the slow baseline it is held against.
    settling_s
        How quickly the baseline follows after movement, and how long it is not yet relied on.
    longest_push_s
        What is off the baseline for longer is a new baseline: the sensor lies otherwise now.
    strong_g, weak_g
        A push is at least so strong; below the weaker bound the last one has ended.
    moving_g
        Above this mean deviation of the length the wearer moves, and no elevator is listened for.
    jump_g
        What is so far off the baseline is no elevator.
    """

    up: str
    down: str
    log_odds: float = 3.0
    smoothing_s: float = 0.5
    baseline_s: float = 20.0
    settling_s: float = 0.5
    longest_push_s: float = 4.0
    strong_g: float = 0.022
    weak_g: float = 0.008
    moving_g: float = 0.09
    jump_g: float = 0.12


@dataclass(frozen=True, slots=True)
class DecoderSpec:
    """How a stream of posteriors becomes labels (``edgehar.models.decoder``), counted in windows at the bundle's hop.

    Parameters
    ----------
    smoothing_windows
        How many posteriors a mean is taken of; 1 for none.
    reject_below, minimum_dwell_windows
        Below which probability nothing is said, and how long another label must lead.
    transitions
        Of a hidden Markov model: probabilities, row by row, of going from each class to each in one hop. Or empty.
    stay_probability
        Of a hidden Markov model that leaves every class for every other one alike: the probability of staying for a
        hop. 0 for none.
    temperature
        How many windows at the bundle's hop a hidden Markov model counts as one: windows overlap, and models are too
        sure. 0 to count by the overlap alone.
    push
        How elevators are told apart; None for labels without any.
    """

    smoothing_windows: int
    reject_below: float
    minimum_dwell_windows: int
    transitions: tuple[tuple[float, ...], ...] = ()
    stay_probability: float = 0.0
    temperature: float = 0.0
    push: PushSpec | None = None

    @property
    def is_markov(self) -> bool:
        """Whether a hidden Markov model smooths the posteriors."""
        return bool(self.transitions) or self.stay_probability > 0


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
