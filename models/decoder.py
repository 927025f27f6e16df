"""From a stream of posteriors to labels a person can follow: smooth, reject, dwell. The same in tuning and live.

One window's posterior flickers. Three steps make a stream of them readable, with what a bundle's `DecoderSpec` says:

1. *Filter.* The mean of the last ``smoothing_windows`` posteriors; or, where ``transitions`` are given, the forward
   recursion of a hidden Markov model (Rabiner 1989, eq. 19-20), the posteriors standing for scaled likelihoods.
2. *Reject.* A best class below ``reject_below`` is `UNKNOWN`.
3. *Dwell.* Another label must lead for ``minimum_dwell_windows`` in a row before it replaces the one that is shown.

A spec counts windows at the bundle's hop. At another hop counts are scaled, so that the decoder spans the same time.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import DecoderSpec, Manifest
from edgehar.models.errors import UsageError

UNKNOWN: Final = "unknown"
"""The label of a stretch that no class explains well enough."""

UNDECODED: Final = DecoderSpec(smoothing_windows=1, reject_below=0.0, minimum_dwell_windows=1)
"""The decoder that changes nothing: every window's most probable class."""

REJECTED: Final = -1
"""Stands for `UNKNOWN` where labels are positions."""

_FLOOR: Final = 1e-4
"""No class is ever ruled out by one window: a softmax that says 0 is not a proof."""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedLabel:
    """What the decoder says after one window; ``probability`` is the filtered posterior of the most probable class."""

    label: str
    probability: float
    posterior: NDArray[np.float64]


class PosteriorFilter:
    """Smooth posteriors over time.

    Parameters
    ----------
    spec
        How, counted in windows at ``spec_hop``.
    hop, spec_hop, window_length
        Samples between the windows that will come, between those the spec counts, and in each of them. Windows that
        overlap repeat each other's evidence; the hidden Markov model takes each at ``hop / window_length`` of it.

    Examples
    --------
    >>> smooth = PosteriorFilter(DecoderSpec(2, 0.0, 1), hop=100, spec_hop=100, window_length=200)
    >>> [smooth.feed(np.array(row)).tolist() for row in ([1.0, 0.0], [0.5, 0.5])]
    [[1.0, 0.0], [0.75, 0.25]]
    """

    def __init__(self, spec: DecoderSpec, *, hop: int, spec_hop: int, window_length: int) -> None:
        self._kept: deque[NDArray[Any]] = deque(maxlen=scaled_count(spec.smoothing_windows, spec_hop, hop))
        self._steps = scaled_transitions(np.array(spec.transitions), hop / spec_hop) if spec.transitions else None
        self._worth = min(1.0, hop / window_length)
        self._belief: NDArray[np.float64] | None = None

    def feed(self, posterior: NDArray[Any]) -> NDArray[np.float64]:
        """Return the posterior of now, given this window and those before."""
        if self._steps is not None:
            return self._forward(posterior, self._steps)
        if self._kept.maxlen == 1:
            return np.asarray(posterior, np.float64)
        self._kept.append(posterior)
        smoothed: NDArray[np.float64] = np.mean(self._kept, axis=0, dtype=np.float64)
        return smoothed

    def restart(self) -> None:
        """Forget what was before: the stream was broken."""
        self._kept.clear()
        self._belief = None

    def _forward(self, posterior: NDArray[Any], steps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the belief after one step of the forward recursion; the first one believes the window itself."""
        evidence = np.maximum(np.asarray(posterior, np.float64), _FLOOR)
        belief = evidence if self._belief is None else (self._belief @ steps) * evidence**self._worth
        self._belief = belief / belief.sum()
        return self._belief


class Dwell:
    """Hold a label until another one has led for long enough.

    Examples
    --------
    >>> hold = Dwell(2)
    >>> [hold.feed(label) for label in (4, 7, 4, 7, 7, 7)]
    [4, 4, 4, 4, 7, 7]
    """

    def __init__(self, windows: int) -> None:
        self._needed = max(1, windows)
        self._shown: int | None = None
        self._challenger: int | None = None
        self._led = 0

    def feed(self, label: int) -> int:
        """Take the label of one window; return the one to show."""
        if self._shown is None or label == self._shown:
            self._shown, self._led = label, 0
            return label
        self._led = self._led + 1 if label == self._challenger else 1
        self._challenger = label
        if self._led >= self._needed:
            self._shown, self._led = label, 0
        return self._shown

    def restart(self) -> None:
        """Forget what was before: the next label shows at once."""
        self._shown = self._challenger = None
        self._led = 0


class Decoder:
    """Turn posteriors into labels, one window at a time.

    Parameters
    ----------
    spec, labels
        How, and the names of the classes in order.
    hop, spec_hop, window_length
        In samples; see `PosteriorFilter`.

    Examples
    --------
    >>> decoder = Decoder(DecoderSpec(1, 0.6, 2), ("sit", "walk"), hop=100, spec_hop=100, window_length=200)
    >>> rows = ([0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.5, 0.5], [0.5, 0.5])
    >>> [decoder.decode(np.array(row)).label for row in rows]
    ['sit', 'sit', 'walk', 'walk', 'unknown']
    """

    def __init__(
        self, spec: DecoderSpec, labels: tuple[str, ...], *, hop: int, spec_hop: int, window_length: int
    ) -> None:
        self.spec = spec
        self._labels = labels
        self._filter = PosteriorFilter(spec, hop=hop, spec_hop=spec_hop, window_length=window_length)
        self._dwell = Dwell(scaled_count(spec.minimum_dwell_windows, spec_hop, hop))

    @classmethod
    def of_model(cls, manifest: Manifest, *, hop: int | None = None, spec: DecoderSpec | None = None) -> "Decoder":
        """Return the decoder of a bundle, for windows ``hop`` samples apart (the bundle's own by default).

        Raises
        ------
        UsageError
            When the hop is not at least one sample.
        """
        window = manifest.window
        if hop is not None and hop < 1:
            raise UsageError(f"expected a hop of at least 1 sample, got {hop}", next_step="Pass --hop 20, for example.")
        return cls(
            manifest.decoder if spec is None else spec,
            manifest.labels,
            hop=window.hop if hop is None else hop,
            spec_hop=window.hop,
            window_length=window.length,
        )

    @property
    def changes_nothing(self) -> bool:
        """Whether every label is just the window's most probable class."""
        spec = self.spec
        return (
            not spec.transitions
            and (spec.smoothing_windows, spec.reject_below) == (1, 0.0)
            and (spec.minimum_dwell_windows <= 1)
        )

    def decode(self, posterior: NDArray[Any]) -> DecodedLabel:
        """Take the posterior of the next window.

        Parameters
        ----------
        posterior : ndarray of shape (n_classes,)
        """
        filtered = self._filter.feed(posterior)
        best = int(np.argmax(filtered))
        shown = self._dwell.feed(best if filtered[best] >= self.spec.reject_below else REJECTED)
        name = UNKNOWN if shown == REJECTED else self._labels[shown]
        return DecodedLabel(name, float(filtered[best if shown == REJECTED else shown]), filtered)

    def restart(self) -> None:
        """Forget everything: the stream was broken."""
        self._filter.restart()
        self._dwell.restart()


def scaled_count(windows: int, spec_hop: int, hop: int) -> int:
    """Return how many windows at ``hop`` span the time that so many span at ``spec_hop``; one stays one.

    Examples
    --------
    >>> scaled_count(1, 100, 20), scaled_count(3, 100, 20), scaled_count(3, 100, 200)
    (1, 11, 2)
    """
    return 1 + round((max(1, windows) - 1) * spec_hop / hop)


def scaled_transitions(matrix: NDArray[np.float64], steps: float) -> NDArray[np.float64]:
    """Return transition probabilities over ``steps`` steps, which need not be whole.

    The whole part is a matrix power; the rest moves that share of the way from staying to one step, which is exact to
    the first order in the probability of leaving and always gives probabilities.

    Examples
    --------
    >>> scaled_transitions(np.array([[0.9, 0.1], [0.2, 0.8]]), 0.5).round(3).tolist()
    [[0.95, 0.05], [0.1, 0.9]]
    """
    whole = int(steps)
    still = np.eye(len(matrix))
    moved: NDArray[np.float64] = np.linalg.matrix_power(matrix, whole) @ (still + (steps - whole) * (matrix - still))
    return moved
