"""Loss and gradient of a stack of recurrent layers with a softmax layer, by the trainer in C (`portable/trainer`).

The library is built for this processor when it is first used, and then held to the NumPy oracle: what a compiler made
wrong is refused, not trained with.
"""

import ctypes
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, Recurrent, SimpleRNN, Weights
from edgehar.models.engines.native_library import CLibrary, build_library
from edgehar.models.errors import EngineError
from edgehar.models.reference import forward

_LIBRARY: Final = CLibrary(
    "native trainer",
    "trainer",
    ("trainer",),
    ("trainer/har_train.c", "trainer/har_train_layer.c"),
    advice="train with --trainer keras",
)
_KINDS: Final = {SimpleRNN.kind: 0, LSTM.kind: 1, GRU.kind: 2}
_MOST_LAYERS: Final = 8
_ALIGNMENT: Final = 64
_PARTS: Final = 8
"""A batch is always added up in so many parts, however many threads there are: a seed gives the same numbers."""
_WORST_ANSWER: Final = 1e-5
_WORST_LOSS: Final = 1e-4
_WORST_SLOPE: Final = 1e-3

Floats = NDArray[np.float32]


class _Stack(ctypes.Structure):
    """`har_train_stack`."""

    _fields_ = (
        ("steps", ctypes.c_int32),
        ("channels", ctypes.c_int32),
        ("classes", ctypes.c_int32),
        ("depth", ctypes.c_int32),
        ("kinds", ctypes.c_int32 * _MOST_LAYERS),
        ("units", ctypes.c_int32 * _MOST_LAYERS),
    )


class _Answers(ctypes.Structure):
    """`har_train_answers`."""

    _fields_ = (
        ("steps", ctypes.c_void_p),
        ("shares", ctypes.c_void_p),
        ("count", ctypes.c_int32),
        ("target_sets", ctypes.c_int32),
    )


class _Result(ctypes.Structure):
    """`har_train_result`."""

    _fields_ = (("loss", ctypes.c_double), ("final_loss", ctypes.c_double), ("correct", ctypes.c_double))


@dataclass(frozen=True, slots=True, eq=False)
class BatchGradient:
    """What a batch gave.

    Parameters
    ----------
    loss
        Mean over the windows of the cross-entropies of all answers, each times its share.
    final_loss
        Mean cross-entropy of the last answer.
    correct
        Windows whose last answer is the class most wanted.
    gradient : ndarray of shape (n_parameters,), float32
        Of ``loss``.
    """

    loss: float
    final_loss: float
    correct: int
    gradient: Floats


def can_train(architecture: Architecture) -> bool:
    """Whether the trainer knows the layers: SimpleRNN, LSTM or GRU, each over the whole window, then one softmax layer.

    Examples
    --------
    >>> from edgehar.models.architecture import named_architecture
    >>> can_train(named_architecture("lstm")), can_train(named_architecture("cnn"))
    (True, False)
    """
    *layers, last = architecture.layers
    return (
        0 < len(layers) <= _MOST_LAYERS
        and isinstance(last, Dense)
        and last.activation == "softmax"
        and all(isinstance(layer, Recurrent) and layer.kind in _KINDS for layer in layers)
        and all(layer.reset_after for layer in layers if isinstance(layer, GRU))
        and all(isinstance(layer, Recurrent) and layer.return_sequences for layer in layers[:-1])
        and isinstance(layers[-1], Recurrent)
        and not layers[-1].return_sequences
    )


class StackGradients:
    """Computes losses and gradients of one architecture.

    Parameters
    ----------
    architecture
        One that `can_train` says yes to.
    threads
        How many parts of a batch are computed at once; the numbers are the same for any.
    library
        What `load_trainer` returns; loaded by default.

    Raises
    ------
    EngineError
        If the library cannot be built, or its numbers are wrong.
    """

    def __init__(self, architecture: Architecture, *, threads: int = 1, library: ctypes.CDLL | None = None) -> None:
        self._library = library = load_trainer() if library is None else library
        self.architecture = architecture
        layers = [layer for layer in architecture.layers if isinstance(layer, Recurrent)]
        self._stack = _Stack(architecture.window, architecture.channels, architecture.classes, len(layers))
        for index, layer in enumerate(layers):
            self._stack.kinds[index], self._stack.units[index] = _KINDS[layer.kind], layer.units
        self._units = [layer.units for layer in layers]
        self._lanes: int = library.har_train_lanes()
        self.parameter_count: int = library.har_train_parameters(ctypes.byref(self._stack))
        if self.parameter_count != architecture.parameter_count:
            raise EngineError(
                f"native trainer: expected {architecture.parameter_count:,} parameters of {architecture.name}, "
                f"the library has {self.parameter_count:,}",
                next_step="Train with --trainer keras.",
            )
        self._idle: list[Floats] = []
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def flatten(self, weights: Weights) -> Floats:
        """Return weights as one array, in the order of the architecture."""
        return np.concatenate([np.ravel(weights[name]) for name in self.architecture.weight_shapes()], dtype=np.float32)

    def unflatten(self, parameters: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return copies of the weights in a flat array, by name; also of a gradient."""
        shapes = self.architecture.weight_shapes()
        ends = list(itertools.accumulate(int(np.prod(shape)) for shape in shapes.values()))
        parts = np.split(parameters, ends[:-1])
        return {name: part.reshape(shape).copy() for (name, shape), part in zip(shapes.items(), parts, strict=True)}

    def gradient(
        self,
        parameters: Floats,
        windows: Floats,
        targets: Floats,
        *,
        steps: NDArray[Any],
        shares: NDArray[Any],
        masks: Sequence[Floats] | None = None,
    ) -> BatchGradient:
        """Return the loss of a batch and its gradient.

        Parameters
        ----------
        parameters : ndarray of shape (n_parameters,), float32
            As `flatten` gives them.
        windows : ndarray of shape (n, window_length, channels), float32
            In the unit the weights are for: normalised.
        targets : ndarray of shape (n, n_classes) or (n, n_steps, n_classes), float32
            What every class should get, at all steps or at each; of any sum.
        steps, shares : ndarray of shape (n_steps,)
            The steps, from 0 and increasing, at which the output layer answers, and what each answer counts.
        masks
            For every recurrent layer an array (n, units): what its state is multiplied by on its way to the next step.
        """
        count = len(windows)
        asked, counted = np.ascontiguousarray(steps, np.int32), np.ascontiguousarray(shares, np.float32)
        sets = len(asked) if targets.ndim == 3 else 1
        self._check(parameters, windows, targets.size == count * sets * self.architecture.classes)
        values, wanted = (np.ascontiguousarray(array, np.float32) for array in (windows, targets))
        answers = _Answers(asked.ctypes.data, counted.ctypes.data, len(asked), sets)
        memory_bytes = self._library.har_train_memory(ctypes.byref(self._stack), len(asked))
        parts = list(self._parts(count))
        own = np.zeros((len(parts), len(parameters)), np.float32)
        results = [_Result() for _ in parts]
        # NumPy takes microseconds to tell an address, and small models ask for many.
        at_parameters, at_values, at_wanted, at_own = (array.ctypes.data for array in (parameters, values, wanted, own))

        def compute(index: int) -> None:
            part = parts[index]
            joined = None if masks is None else np.concatenate([np.ravel(mask[part]) for mask in masks])
            self._call(
                memory_bytes,
                lambda memory: self._library.har_train_gradient(
                    ctypes.byref(self._stack),
                    memory,
                    at_parameters,
                    ctypes.byref(answers),
                    at_values + part.start * values.strides[0],
                    at_wanted + part.start * wanted.strides[0],
                    None if joined is None else joined.ctypes.data,
                    part.stop - part.start,
                    part.stop - part.start,
                    1.0 / count,
                    at_own + index * own.strides[0],
                    ctypes.byref(results[index]),
                ),
            )

        self._map(compute, range(len(parts)))
        loss, final_loss, correct = (
            sum(getattr(result, name) for result in results) for name in ("loss", "final_loss", "correct")
        )
        return BatchGradient(loss / count, final_loss / count, round(correct), functools.reduce(np.add, own))

    def logits(self, parameters: Floats, windows: Floats) -> Floats:
        """Return the logits (n, n_classes) of the last step."""
        self._check(parameters, windows, True)
        values = np.ascontiguousarray(windows, np.float32)
        logits = np.empty((len(values), self.architecture.classes), np.float32)
        memory_bytes = self._library.har_train_memory(ctypes.byref(self._stack), 1)

        def compute(part: slice) -> None:
            self._call(
                memory_bytes,
                lambda memory: self._library.har_train_logits(
                    ctypes.byref(self._stack),
                    memory,
                    parameters.ctypes.data,
                    values[part].ctypes.data,
                    part.stop - part.start,
                    logits[part].ctypes.data,
                ),
            )

        self._map(compute, list(self._parts(len(values))))
        return logits

    def _check(self, parameters: Floats, windows: Floats, targets_fit: bool) -> None:
        """Refuse arrays the library would read beyond the end of."""
        shape = (self.architecture.window, self.architecture.channels)
        is_flat = parameters.dtype == np.float32 and parameters.flags.c_contiguous
        if not is_flat or parameters.shape != (self.parameter_count,) or windows.shape[1:] != shape or not targets_fit:
            raise EngineError(
                f"native trainer: expected {self.parameter_count:,} float32 parameters, windows of {shape} and a "
                f"target for each, got {parameters.shape} and {windows.shape}",
                next_step="This is a bug in edgehar: report it.",
            )

    def _parts(self, count: int) -> Iterator[slice]:
        """Yield the parts of a batch, each of whole tiles but the last."""
        tiles = -(-count // self._lanes)
        bounds = [min(count, tiles * index // _PARTS * self._lanes) for index in range(_PARTS + 1)]
        yield from (slice(start, stop) for start, stop in itertools.pairwise(bounds) if stop > start)

    def _map(self, compute: Callable[[Any], None], parts: Sequence[Any]) -> None:
        """Compute every part, several at once where there are threads: ctypes holds no lock."""
        if self._pool is None:
            for part in parts:
                compute(part)
        else:
            list(self._pool.map(compute, parts))

    def _call(self, memory_bytes: int, function: Callable[[int], int]) -> None:
        """Call the library with memory that no other thread works in."""
        length = memory_bytes // 4 + _ALIGNMENT
        memory = self._idle.pop() if self._idle else np.empty(length, np.float32)
        if len(memory) < length:
            memory = np.empty(length, np.float32)
        status = function(memory.ctypes.data + -memory.ctypes.data % _ALIGNMENT)
        self._idle.append(memory)
        if status or not memory_bytes:
            raise EngineError(f"native trainer: the library refused the batch (status {status}), a bug in edgehar")


@functools.cache
def load_trainer() -> ctypes.CDLL:
    """Return the library, built if it was not before, and held to the oracle.

    Raises
    ------
    EngineError
        If it cannot be built, or what the compiler made computes something else.
    """
    library = build_library(_LIBRARY)
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    library.har_train_lanes.restype = library.har_train_parameters.restype = library.har_train_memory.restype = size
    library.har_train_parameters.argtypes = [pointer]
    library.har_train_memory.argtypes = [pointer, ctypes.c_int32]
    library.har_train_gradient.argtypes = [*[pointer] * 7, size, size, ctypes.c_float, pointer, pointer]
    library.har_train_logits.argtypes = [*[pointer] * 4, size, pointer]
    check_trainer(library)
    return library


def check_trainer(library: ctypes.CDLL) -> None:
    """Hold logits to the oracle's, and the slope of the loss along one direction to the gradient.

    Raises
    ------
    EngineError
        If one of them is wrong: the compiler made another program of the sources.
    """
    for kind in (SimpleRNN, LSTM, GRU):
        layers = (kind("first", 5, True), kind("second", 9), Dense("last", 3, "softmax"))
        architecture = Architecture("self-test", 7, 2, layers)
        answers, loss, slope = _deviations(library, architecture)
        if not (answers <= _WORST_ANSWER and loss <= _WORST_LOSS and slope <= _WORST_SLOPE):
            raise EngineError(
                f"native trainer: expected the gradient of a {kind.kind}, the compiled library is wrong by "
                f"{answers:.1e} in its answers, {loss:.1e} in its loss and {slope:.1e} in its slope",
                next_step="Name another compiler in CC, or train with --trainer keras.",
            )


def _deviations(library: ctypes.CDLL, architecture: Architecture) -> tuple[float, float, float]:
    """Return the errors of probabilities and of the loss, and the relative one of a slope, on a few random windows."""
    rng = np.random.default_rng(1)
    gradients = StackGradients(architecture, library=library)
    windows = rng.normal(size=(17, architecture.window, architecture.channels)).astype(np.float32)
    targets = rng.dirichlet(np.ones(architecture.classes), size=len(windows)).astype(np.float32)
    parameters = rng.normal(scale=0.4, size=gradients.parameter_count).astype(np.float32)
    direction = rng.normal(size=len(parameters))
    steps, shares = np.array([2, 6]), np.array([0.25, 0.75])

    def answers(flat: NDArray[Any], step: int) -> NDArray[Any]:
        return forward(architecture, gradients.unflatten(flat), windows[:, : step + 1])

    def loss(flat: NDArray[Any]) -> float:
        entropies = [-(targets * np.log(answers(flat, step))).sum(axis=1).mean() for step in steps.tolist()]
        return float(np.dot(entropies, shares))

    exponentials = np.exp(gradients.logits(parameters, windows).astype(np.float64))
    found = exponentials / exponentials.sum(axis=1, keepdims=True)
    batch = gradients.gradient(parameters, windows, targets, steps=steps, shares=shares)
    change = 1e-5 * direction
    slope = (loss(parameters + change) - loss(parameters - change)) / 2e-5
    size = float(np.linalg.norm(batch.gradient) * np.linalg.norm(direction)) / np.sqrt(len(direction))
    return (
        float(np.abs(found - answers(parameters, architecture.window - 1)).max()),
        abs(batch.loss - loss(parameters)),
        abs(float(batch.gradient @ direction) - slope) / max(size, 1e-30),
    )
