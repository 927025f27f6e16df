"""A model that goes on from sample to sample: its state is carried until it is reset, on every engine alike."""

import importlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture.stateful import STATEFUL, stateful_obstacle, states_of
from edgehar.models.bundle import WEIGHTS, Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.engines import ENGINES, WEIGHTS_FORMAT, missing_reason
from edgehar.models.errors import DataError, EngineError, UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.inputs import are_tokens
from edgehar.models.stateful.stream import States, Stream

_log = logging.getLogger(__name__)

__all__ = ["STREAMS", "StatefulModel", "load_stateful", "stateful_runs"]


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """Where an engine's stream lives, and which artifact format it runs."""

    module: str
    attribute: str
    format: str


STREAMS: Final = {
    "litert": StreamEntry("edgehar.models.stateful.litert", "tflite_stream", STATEFUL["tflite"]),
    "native": StreamEntry("edgehar.models.stateful.native", "native_stream", "c"),
    "onnxruntime": StreamEntry("edgehar.models.stateful.onnxruntime", "onnx_stream", STATEFUL["onnx"]),
    "numpy": StreamEntry("edgehar.models.stateful.numpy", "numpy_stream", WEIGHTS_FORMAT),
}
"""Every engine that carries state, by its name in `edgehar.models.engines.ENGINES`, from the fastest to the slowest for
single samples, as measured (docs/decisions/0049-states-go-in-and-come-out.md).
"""


class StatefulModel:
    """A loaded model and the state of one stream, which goes on from call to call.

    Examples
    --------
    A stream of samples in g, as they come; `reset` where the next one does not follow the last::

        model = edgehar.load_stateful(edgehar.open_bundle("lstm"))
        for samples in blocks:  # (n, channels) each
            probabilities = model.step(samples)
    """

    def __init__(self, bundle: Bundle, stream: Stream) -> None:
        self._architecture, self._stream = bundle.manifest.architecture, stream
        self.name, self.runtime = stream.name, stream.runtime
        self.artifact, self.quantization = stream.artifact, stream.quantization
        self.labels = bundle.manifest.labels
        self._shapes = {state.name: (1, state.units) for state in states_of(self._architecture)}
        self._states: States = {}
        self.reset()

    @property
    def block(self) -> int:
        """How many samples the artifact takes at once: `step` takes a multiple of it. 1 for any number."""
        return self._stream.block

    @property
    def states(self) -> States:
        """A copy of the state after the last sample, by names such as ``LSTM_1_h``: arrays of shape (1, units)."""
        return {name: values.copy() for name, values in self._states.items()}

    @states.setter
    def states(self, states: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state, such as that of another stream.

        Raises
        ------
        DataError
            If a state is missing, unknown, of another shape or not finite. Then the present one stays.
        """
        self._states = self._checked_states(states)

    def reset(self) -> None:
        """Begin a stream: whatever went before is forgotten."""
        self._states = {name: np.zeros(shape, self._stream.state_type) for name, shape in self._shapes.items()}

    def step(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Take the next samples of the stream, and return what the model gives after the last of them.

        Parameters
        ----------
        samples : ndarray of shape (n, channels), or (channels,) for one, in g
            Any number of them from 1, or a multiple of `block`. Of a model of tokens, whole numbers of shape (n,).

        Returns
        -------
        ndarray of shape (n_classes,), float32
            Of a model with an output for every step, (n, n_classes).

        Raises
        ------
        DataError
            If the shape is not the model's, or a value is not finite. Then the state stays what it was.
        """
        outputs, states = self._stream.step(self._checked_samples(samples), self._states)
        self._states = states
        return outputs

    def _checked_samples(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Return samples as float32 (n, channels)."""
        architecture, block = self._architecture, self.block
        values = np.ascontiguousarray(samples, np.float32)
        if architecture.vocabulary is not None:
            values = values.reshape(-1, 1) if values.ndim <= 1 else values
        elif values.shape == (architecture.channels,):
            values = values[np.newaxis]
        if values.ndim != 2 or values.shape[1] != architecture.channels or len(values) % block or not len(values):
            how_many = f"n from 1, a multiple of the {block} that {self.artifact} takes" if block > 1 else "n from 1"
            raise DataError(
                f"samples: expected shape (n, {architecture.channels}), {how_many}, got {np.shape(samples)}",
                next_step="Pass the samples in the order in which they were taken.",
                shape=np.shape(samples),
            )
        if not np.isfinite(values).all():
            raise DataError(
                "samples: expected finite numbers, got NaN or infinity",
                next_step="Leave out what is missing, and reset the stream behind it.",
            )
        if architecture.vocabulary is not None and not are_tokens(values, architecture.vocabulary):
            raise DataError(f"samples: expected whole numbers from 0 to {architecture.vocabulary - 1}, got others")
        return values

    def _checked_states(self, states: Mapping[str, NDArray[Any]]) -> States:
        """Return states as a stream takes them."""
        if set(states) != set(self._shapes):
            given = printable(", ".join(map(str, states)) or "none", 200)
            raise DataError(
                f"states: expected {', '.join(self._shapes)}, got {given}",
                next_step="Pass all states of one model, as its `states` gave them.",
            )
        checked = {}
        for name, shape in self._shapes.items():
            values = _as_numbers(name, states[name], self._stream.state_type)
            if values.shape != shape:
                raise DataError(
                    f"state {name}: expected shape {shape}, got {values.shape}",
                    next_step="Pass states of this very model, as its `states` gave them.",
                    shape=values.shape,
                )
            if not np.isfinite(values).all():
                raise DataError(
                    f"state {name}: expected finite numbers, got NaN or infinity",
                    next_step="Reset the stream: what has become no number stays so.",
                )
            checked[name] = values
        return checked


def _as_numbers(name: str, values: Any, dtype: Any) -> NDArray[Any]:
    """Return a state in the numbers of an engine."""
    try:
        return np.array(values, dtype)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"state {printable(name, 60)}: expected numbers, got something else ({printable(str(error), 80)})",
            next_step="Pass all states of one model, as its `states` gave them.",
        ) from error


def load_stateful(bundle: Bundle, name: str = "auto", quantization: str = "float32") -> StatefulModel:
    """Return a model that carries its state from sample to sample.

    Stepping through the samples of a window from a fresh state gives what `load_engine` gives for the window.

    Parameters
    ----------
    bundle
        A bundle. LiteRT and ONNX Runtime run the files that ``har compile --stateful`` adds to it.
    name
        A name of `STREAMS`, or ``auto``: the fastest that is installed and has an artifact of this quantization.
    quantization
        Of the artifact.

    Raises
    ------
    UsageError
        If the model has no state, or takes windows as a whole; if there is no such engine, or no such artifact.
    EngineError
        If the engine is not installed, or refuses the artifact.
    """
    architecture = bundle.manifest.architecture
    obstacle = stateful_obstacle(architecture)
    if obstacle is not None:
        raise UsageError(
            f"{architecture.name} cannot be run as a stream: {obstacle}",
            next_step="Run it window by window, with load_engine or `har live`.",
        )
    if name not in ("auto", *STREAMS):
        raise UsageError(f"engine: expected one of auto, {', '.join(STREAMS)}, got {printable(name, 60)!r}")
    runs = [run for run in stateful_runs(bundle) if run[2] == quantization and name in ("auto", run[0])]
    if not runs:
        raise UsageError(
            f"engine {name}: expected an artifact of quantization {quantization!r} that carries state, there is none",
            next_step=f"Add it with `har compile --stateful --quantization {quantization}`.",
            quantization=quantization,
        )
    if name != "auto":
        return _opened(bundle, *runs[0][:2])
    return _first_opened(bundle, [run[:2] for run in runs])


def _first_opened(bundle: Bundle, runs: Sequence[tuple[str, str]]) -> StatefulModel:
    """Return the first that can be loaded; say which one was passed over, unless it is just not installed."""
    problem: EngineError | None = None
    for engine, file in runs:
        if missing_reason(engine) is not None:
            continue
        try:
            return _opened(bundle, engine, file)
        except EngineError as error:
            problem = error
            _log.warning("%s; trying the next engine", error.message)
    if problem is not None:
        raise problem
    raise EngineError(
        f"engine: expected one of {', '.join(engine for engine, _ in runs)} to carry state, none is installed",
        next_step=f"Install one: {ENGINES[runs[0][0]].install}.",
    )


def _opened(bundle: Bundle, engine: str, file: str) -> StatefulModel:
    """Return the model that an engine runs."""
    return StatefulModel(bundle, load_stream(bundle, engine, file))


def stateful_runs(bundle: Bundle) -> list[tuple[str, str, str]]:
    """Return every (engine, artifact file, quantization) that can carry state, installed or not."""
    found = []
    for name, entry in STREAMS.items():
        if entry.format == WEIGHTS_FORMAT:
            found.append((name, WEIGHTS, "float32"))
        found += [(name, art.file, art.quantization) for art in bundle.manifest.artifacts if art.format == entry.format]
    return found


def load_stream(bundle: Bundle, engine: str, file: str) -> Stream:
    """Return an engine's stream over one of the bundle's files.

    Raises
    ------
    EngineError
        If the model cannot be run as a stream, the engine is not installed, or it refuses the file.
    """
    obstacle = stateful_obstacle(bundle.manifest.architecture)
    if obstacle is not None:
        raise EngineError(
            f"{printable(file, 60)}: expected a model that carries state, {obstacle}",
            next_step="Do not use this file: it is of another model.",
        )
    entry = STREAMS[engine]
    artifact = next((each for each in bundle.manifest.artifacts if each.file == file), None)
    load: Callable[[Bundle, ArtifactEntry | None], Stream] = getattr(
        importlib.import_module(entry.module), entry.attribute
    )
    return load(bundle, artifact)
