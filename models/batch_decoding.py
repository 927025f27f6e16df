"""Recorded streams, decoded many samples and windows at a time: the bits of `edgehar.models.decoder`, by a C compiler.

Where there is no compiler, or what it made computes anything else, the decoder's own Python does it, some hundred times
as slowly.
"""

import ctypes
import functools
import logging
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import PushSpec
from edgehar.models.decoder.markov import forward_step, in_order
from edgehar.models.decoder.push import AT_REST, PushDetector, PushState, in_samples
from edgehar.models.engines.native_library import CLibrary, build_library
from edgehar.models.errors import EngineError

_log = logging.getLogger(__name__)

_LIBRARY: Final = CLibrary(
    "fast decoding", "streams", ("host",), ("host/har_streams.c",),
    # A product and a sum in one instruction are rounded once: other bits than the decoder's.
    ("-ffp-contract=off",),
    advice="decode in Python, as is done now",
)  # fmt: skip
_REMEMBERED: Final = ("length", "baseline", "deviation", "seen", "off", "direction", "rides", "is_ready")
"""Of a stream: the first three are real numbers."""
_AXES: Final = 3
_LANES: Final = 8 * _AXES
"""As in `har_streams.c`: sums that are added up side by side."""
_CHECKED_SAMPLES: Final = 3000
_CHECKED_WINDOWS: Final = 50

Floats = NDArray[np.float64]


class _Rules(ctypes.Structure):
    """`har_stream_rules`."""

    _fields_ = (
        *((name, ctypes.c_double) for name in ("strong_g", "weak_g", "moving_g", "jump_g")),
        *((name, ctypes.c_int64) for name in ("smoothing", "settling", "baseline", "longest_push")),
    )


class _State(ctypes.Structure):
    """`har_stream_state`."""

    _fields_ = (
        *((name, ctypes.c_double) for name in _REMEMBERED[:3]),
        *((name, ctypes.c_int64) for name in _REMEMBERED[3:]),
    )


def listen(
    spec: PushSpec, samples_g: NDArray[np.float32], *, rate_hz: float, state: PushState = AT_REST
) -> tuple[NDArray[np.int8], PushState]:
    """Return the direction of an elevator after each sample, as `PushDetector.feed`, and what is remembered then.

    Parameters
    ----------
    spec
        Bounds and times.
    samples_g : ndarray of shape (n, 3), float32, in g
    rate_hz
        Of the samples.
    state
        What was remembered before them.

    Examples
    --------
    >>> directions, state = listen(PushSpec("up", "down"), np.ones((4, 3), np.float32), rate_hz=100.0)
    >>> directions.tolist(), state.seen
    ([0, 0, 0, 0], 4)
    """
    library = _library()
    if library is None:
        push = PushDetector(spec, rate_hz=rate_hz, state=state)
        return push.feed(samples_g), push.state
    return _listened(library, spec, samples_g, rate_hz, state)


def forward(transitions: Floats, evidence: Floats, belief: Floats | None = None) -> tuple[Floats, Floats | None]:
    """Return the posteriors of a `MarkovFilter` without a lag, and its belief after the last window.

    Parameters
    ----------
    transitions : ndarray of shape (n_classes, n_classes)
    evidence : ndarray of shape (n_windows, n_classes)
        Posteriors of single windows, floored and weighted.
    belief : ndarray of shape (n_classes,), or None
        Of the window before them, where there is one.

    Examples
    --------
    >>> rows, belief = forward(np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[0.5, 0.5], [0.9, 0.1]]))
    >>> rows.round(2).tolist()
    [[0.5, 0.5], [0.9, 0.1]]
    """
    library = _library()
    return (
        _step_by_step(transitions, evidence, belief)
        if library is None
        else _forward(library, transitions, evidence, belief)
    )


def window_sums(
    samples_g: NDArray[np.float32], *, length: int, hop: int, squares: bool = False
) -> tuple[Floats, Floats]:
    """Return the sums of each axis over windows, and of its squares; the same bits wherever they are computed.

    Parameters
    ----------
    samples_g : ndarray of shape (n, 3), float32, in g
    length, hop
        Samples of a window, and from one to the next.
    squares
        Whether squares are wanted; without, none are returned.

    Returns
    -------
    sums, squares : ndarrays of shape (n_windows, 3), float64

    Examples
    --------
    >>> window_sums(np.full((4, 3), 2.0, np.float32), length=2, hop=2, squares=True)[1].tolist()
    [[8.0, 8.0, 8.0], [8.0, 8.0, 8.0]]
    """
    library = _library()
    samples = np.ascontiguousarray(samples_g, np.float32)
    windows = max(0, (len(samples) - length) // hop + 1)
    if library is None:
        return _summed_in_order(samples, windows, length, hop, squares)
    return _summed(library, samples, windows, length, hop, squares)


def _summed_in_order(
    samples: NDArray[np.float32], windows: int, length: int, hop: int, squares: bool
) -> tuple[Floats, Floats]:
    """Add up in Python."""
    flat = np.zeros((windows, -(-length * _AXES // _LANES) * _LANES))
    for window in range(windows):
        flat[window, : length * _AXES] = samples[window * hop : window * hop + length].reshape(-1)
    return _in_lanes(flat), _in_lanes(flat**2) if squares else np.empty((0, _AXES))


def _in_lanes(flat: Floats) -> Floats:
    """Add up rows of samples, in the order of the C code."""
    lanes = np.zeros((len(flat), _LANES))
    for first in range(0, flat.shape[1], _LANES):
        lanes += flat[:, first : first + _LANES]
    sums = lanes[:, :_AXES].copy()
    for first in range(_AXES, _LANES, _AXES):
        sums += lanes[:, first : first + _AXES]
    return sums


def _summed(
    library: ctypes.CDLL, samples: NDArray[np.float32], windows: int, length: int, hop: int, squares: bool
) -> tuple[Floats, Floats]:
    """Add up in C."""
    sums, squared = np.empty((windows, _AXES)), np.empty((windows if squares else 0, _AXES))
    library.har_streams_sums(
        samples.ctypes.data, windows, length, hop, sums.ctypes.data, squared.ctypes.data if squares else None
    )
    return sums, squared


def _step_by_step(transitions: Floats, evidence: Floats, belief: Floats | None) -> tuple[Floats, Floats | None]:
    """Go forward in Python."""
    found = np.empty_like(evidence)
    for window, row in enumerate(evidence):
        belief = forward_step(transitions, row, belief)
        found[window] = belief / in_order(belief)
    return found, belief


def _forward(
    library: ctypes.CDLL, transitions: Floats, evidence: Floats, belief: Floats | None
) -> tuple[Floats, Floats | None]:
    """Go forward in C."""
    count, classes = evidence.shape
    if not count:
        return np.empty_like(evidence), belief
    steps, rows = np.ascontiguousarray(transitions, np.float64), np.ascontiguousarray(evidence, np.float64)
    last, found = np.zeros(classes) if belief is None else belief.copy(), np.empty((count, classes))
    library.har_streams_forward(
        steps.ctypes.data, rows.ctypes.data, count, classes, last.ctypes.data, belief is not None, found.ctypes.data
    )
    return found, last


def _listened(
    library: ctypes.CDLL, spec: PushSpec, samples_g: NDArray[np.float32], rate_hz: float, state: PushState
) -> tuple[NDArray[np.int8], PushState]:
    """Listen in C."""
    samples = np.ascontiguousarray(samples_g, np.float32)
    times = (spec.smoothing_s, spec.settling_s, spec.baseline_s, spec.longest_push_s)
    rules = _Rules(
        spec.strong_g, spec.weak_g, spec.moving_g, spec.jump_g, *(in_samples(time_s, rate_hz) for time_s in times)
    )
    now = _State(**{name: getattr(state, name) for name in _REMEMBERED})
    found = np.empty(len(samples), np.int8)
    library.har_streams_listen(
        ctypes.byref(rules), ctypes.byref(now), samples.ctypes.data, len(samples), found.ctypes.data
    )
    return found, PushState(
        now.length, now.baseline, now.deviation, now.seen, now.off, now.direction, bool(now.rides), bool(now.is_ready)
    )


@functools.cache
def _library() -> ctypes.CDLL | None:
    """Return the library, held to the decoder's Python; None where there is none that computes its bits."""
    try:
        library = build_library(_LIBRARY)
    except EngineError as error:
        _log.info("%s", error)
        return None
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    library.har_streams_listen.argtypes = [pointer, pointer, pointer, size, pointer]
    library.har_streams_listen.restype = library.har_streams_forward.restype = None
    library.har_streams_sums.argtypes, library.har_streams_sums.restype = [pointer, *[size] * 3, *[pointer] * 2], None
    library.har_streams_forward.argtypes = [pointer, pointer, size, size, pointer, ctypes.c_int, pointer]
    if _is_exact(library):
        return library
    _log.warning("fast decoding: the compiler made another program of the C sources; streams are decoded in Python")
    return None


def _is_exact(library: ctypes.CDLL) -> bool:
    """Hold the library to the decoder's Python, with noise that begins and ends rides."""
    generator = np.random.default_rng(0)
    strength = np.repeat(generator.choice([0.0, 0.05, -0.05, 0.3], _CHECKED_SAMPLES // 60), 60)
    samples = np.outer(1.0 + strength + 0.01 * generator.standard_normal(len(strength)), [0.6, 0.0, 0.8])
    spec, push = PushSpec("up", "down"), PushDetector(PushSpec("up", "down"), rate_hz=50.0)
    wanted = push.feed(samples.astype(np.float32))
    directions, state = _listened(library, spec, samples.astype(np.float32), 50.0, AT_REST)
    transitions, evidence = generator.dirichlet(np.ones(12), 12), generator.dirichlet(np.ones(12), _CHECKED_WINDOWS)
    rows, _ = _forward(library, transitions, evidence, None)
    windows = (samples.astype(np.float32), 40, 50, 60, True)
    pairs: list[tuple[Any, Any]] = [
        (directions, wanted),
        (rows, _step_by_step(transitions, evidence, None)[0]),
        *zip(_summed(library, *windows), _summed_in_order(*windows), strict=True),
    ]
    same: Any = all(np.array_equal(found, right) for found, right in pairs)
    return bool(same) and state == push.state
