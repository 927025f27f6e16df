"""Smoothing of posteriors over time: a mean, a hidden Markov model, or nothing, as a bundle's decoder says."""

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.models.decoder.markov import MarkovFilter, scaled_transitions, uniform_transitions


class PosteriorFilter:
    """Smooth posteriors over time.

    Parameters
    ----------
    spec
        How, counted in windows at ``spec_hop``.
    hop, spec_hop, window_length
        Samples between the windows that will come, between those the spec counts, and in each of them. Windows that
        overlap repeat each other's evidence; the hidden Markov model takes each at ``hop / window_length`` of it, or as
        the spec's temperature says.
    lag_windows
        How many later windows a hidden Markov model waits for, at ``hop``; a mean waits for none.

    Examples
    --------
    >>> smooth = PosteriorFilter(DecoderSpec(2, 0.0, 1), hop=100, spec_hop=100, window_length=200)
    >>> [row.tolist() for posterior in ([1.0, 0.0], [0.5, 0.5]) for row in smooth.feed(np.array(posterior))]
    [[1.0, 0.0], [0.75, 0.25]]
    """

    def __init__(self, spec: DecoderSpec, *, hop: int, spec_hop: int, window_length: int, lag_windows: int = 0) -> None:
        self._spec = spec
        self._steps = hop / spec_hop
        self._weight = evidence_weight(spec, hop=hop, spec_hop=spec_hop, window_length=window_length)
        self._lag = lag_windows
        self._kept: deque[NDArray[Any]] = deque(maxlen=scaled_count(spec.smoothing_windows, spec_hop, hop))
        self._markov: MarkovFilter | None = None

    def feed(self, posterior: NDArray[Any]) -> list[NDArray[np.float64]]:
        """Take the next window's posterior; return the smoothed one that it completes, if there is one."""
        if self._spec.is_markov:
            self._markov = self._markov or MarkovFilter(
                transitions_of(self._spec, len(posterior), steps=self._steps),
                weight=self._weight,
                lag_windows=self._lag,
            )
            return self._markov.feed(posterior)
        if self._kept.maxlen == 1:
            return [np.asarray(posterior, np.float64)]
        self._kept.append(posterior)
        return [np.mean(self._kept, axis=0, dtype=np.float64)]

    def finish(self) -> list[NDArray[np.float64]]:
        """Return the posteriors that still wait for their lag, and forget what was before."""
        rows = self._markov.finish() if self._markov is not None else []
        self.restart()
        return rows

    def restart(self) -> None:
        """Forget what was before: the stream was broken."""
        self._kept.clear()
        self._markov = None


def transitions_of(spec: DecoderSpec, classes: int, *, steps: float) -> NDArray[np.float64]:
    """Return the transition probabilities of a hidden Markov model over ``steps`` of the windows that the spec counts.

    Examples
    --------
    >>> transitions_of(DecoderSpec(1, 0.0, 1, stay_probability=0.9), 2, steps=1.0).round(3).tolist()
    [[0.9, 0.1], [0.1, 0.9]]
    """
    if spec.transitions:
        return scaled_transitions(np.array(spec.transitions), steps)
    return uniform_transitions(classes, spec.stay_probability, steps)


def evidence_weight(spec: DecoderSpec, *, hop: int, spec_hop: int, window_length: int) -> float:
    """Return the exponent at which a hidden Markov model takes the posterior of each window.

    Examples
    --------
    >>> spec = DecoderSpec(1, 0.0, 1, stay_probability=0.9, temperature=2.5)
    >>> [evidence_weight(spec, hop=hop, spec_hop=100, window_length=200) for hop in (50, 100, 500)]
    [0.2, 0.4, 1.0]
    """
    return min(1.0, hop / (spec_hop * spec.temperature if spec.temperature else window_length))


def scaled_count(windows: int, spec_hop: int, hop: int) -> int:
    """Return how many windows at ``hop`` span the time that so many span at ``spec_hop``; one stays one.

    Examples
    --------
    >>> scaled_count(1, 100, 20), scaled_count(3, 100, 20), scaled_count(3, 100, 200)
    (1, 11, 2)
    """
    return 1 + round((max(1, windows) - 1) * spec_hop / hop)
