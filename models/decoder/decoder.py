"""The decoder of a stream of posteriors: the same in tuning, live and, in C, on a board.

One window's posterior flickers, and some activities do not differ within a window. Four steps make labels a person can
follow, with what a bundle's `DecoderSpec` says:

1. *Push.* Where there are elevators: the direction of the ride redistributes the probability of up and down (`push`).
2. *Filter.* The mean of the last posteriors, or a hidden Markov model, which may wait a fixed lag (`filtering`).
3. *Reject.* A best class below ``reject_below`` is `UNKNOWN`.
4. *Dwell.* Another label must lead for ``minimum_dwell_windows`` in a row before it replaces the one that is shown.

A spec counts windows at the bundle's hop. At another hop counts are scaled, so that the decoder spans the same time.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import DecoderSpec, Manifest
from edgehar.models.decoder.dwell import Dwell
from edgehar.models.decoder.filtering import PosteriorFilter, scaled_count
from edgehar.models.decoder.push import NEITHER, PushDetector, redistribute
from edgehar.models.errors import UsageError

UNKNOWN: Final = "unknown"
"""The label of a stretch that no class explains well enough."""

UNDECODED: Final = DecoderSpec(smoothing_windows=1, reject_below=0.0, minimum_dwell_windows=1)
"""The decoder that changes nothing: every window's most probable class."""

REJECTED: Final = -1
"""Stands for `UNKNOWN` where labels are positions."""

LONGEST_LAG_S: Final = 10.0
"""A label that comes later is no label of now."""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedLabel:
    """What the decoder says of one window; ``probability`` is the filtered posterior of the most probable class."""

    label: str
    probability: float
    posterior: NDArray[np.float64]


class Decoder:
    """Turn posteriors into labels, one window at a time.

    Parameters
    ----------
    spec, labels
        How, and the names of the classes in order.
    hop, spec_hop, window_length
        In samples; see `PosteriorFilter`.
    rate_hz
        Of the samples that `watch` will be given.
    lag_windows
        How many windows later the label of a window comes, for a hidden Markov model; 0 for at once.

    Examples
    --------
    >>> decoder = Decoder(DecoderSpec(1, 0.6, 2), ("sit", "walk"), hop=100, spec_hop=100, window_length=200)
    >>> rows = ([0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.5, 0.5], [0.5, 0.5])
    >>> [decoder.decode(np.array(row)).label for row in rows]
    ['sit', 'sit', 'walk', 'walk', 'unknown']
    """

    def __init__(
        self,
        spec: DecoderSpec,
        labels: tuple[str, ...],
        *,
        hop: int,
        spec_hop: int,
        window_length: int,
        rate_hz: float = 100.0,
        lag_windows: int = 0,
    ) -> None:
        self.spec = spec
        self.lag_windows = lag_windows if spec.is_markov else 0
        self._labels = labels
        self._filter = PosteriorFilter(
            spec, hop=hop, spec_hop=spec_hop, window_length=window_length, lag_windows=self.lag_windows
        )
        self._dwell = Dwell(scaled_count(spec.minimum_dwell_windows, spec_hop, hop))
        self._push = None if spec.push is None else PushDetector(spec.push, rate_hz=rate_hz)

    @classmethod
    def of_model(
        cls, manifest: Manifest, *, hop: int | None = None, spec: DecoderSpec | None = None, lag_s: float = 0.0
    ) -> "Decoder":
        """Return the decoder of a bundle, for windows ``hop`` samples apart (the bundle's own by default).

        Parameters
        ----------
        manifest
            Of the bundle.
        hop
            In samples.
        spec
            Another decoder than the bundle's.
        lag_s
            How long a label may wait for what comes after its window; rounded to windows.

        Raises
        ------
        UsageError
            When the hop is not at least one sample, or the lag is negative or longer than ten seconds.
        """
        window = manifest.window
        if hop is not None and hop < 1:
            raise UsageError(f"expected a hop of at least 1 sample, got {hop}", next_step="Pass --hop 20, for example.")
        chosen = window.hop if hop is None else hop
        return cls(
            manifest.decoder if spec is None else spec,
            manifest.labels,
            hop=chosen,
            spec_hop=window.hop,
            window_length=window.length,
            rate_hz=window.rate_hz,
            lag_windows=lag_in_windows(lag_s, hop=chosen, rate_hz=window.rate_hz),
        )

    @property
    def changes_nothing(self) -> bool:
        """Whether every label is just the window's most probable class."""
        spec = self.spec
        return (
            not spec.is_markov
            and spec.push is None
            and (spec.smoothing_windows, spec.reject_below) == (1, 0.0)
            and (spec.minimum_dwell_windows <= 1)
        )

    def watch(self, samples_g: NDArray[Any]) -> NDArray[np.int8]:
        """Take the samples of the stream, each once; return after each the direction of an elevator, for `feed`.

        Parameters
        ----------
        samples_g : ndarray of shape (n, 3), in g
        """
        return np.zeros(len(samples_g), np.int8) if self._push is None else self._push.feed(samples_g)

    def feed(self, posterior: NDArray[Any], direction: int = NEITHER) -> list[DecodedLabel]:
        """Take the posterior of the next window; return the label it completes, which is ``lag_windows`` older.

        Parameters
        ----------
        posterior : ndarray of shape (n_classes,)
        direction
            What `watch` returned for the window's last sample.
        """
        push = self.spec.push
        if push is not None and direction:
            up, down = self._labels.index(push.up), self._labels.index(push.down)
            posterior = redistribute(posterior, up=up, down=down, log_odds=direction * push.log_odds)
        return [self._label(row) for row in self._filter.feed(posterior)]

    def finish(self) -> list[DecodedLabel]:
        """Return the labels that still wait for their lag, and forget everything: the stream ends here."""
        found = [self._label(row) for row in self._filter.finish()]
        self.restart()
        return found

    def decode(self, posterior: NDArray[Any], direction: int = NEITHER) -> DecodedLabel:
        """Take the posterior of the next window and return its label, where there is no lag.

        Raises
        ------
        UsageError
            If the decoder has a lag: `feed` it.
        """
        if self.lag_windows:
            raise UsageError(
                f"expected a decoder without a lag, got one of {self.lag_windows} windows",
                next_step="Call Decoder.feed, and Decoder.finish at the end.",
            )
        return self.feed(posterior, direction)[0]

    def restart(self) -> None:
        """Forget everything: the stream was broken."""
        self._filter.restart()
        self._dwell.restart()
        if self._push is not None:
            self._push.restart()

    def _label(self, filtered: NDArray[np.float64]) -> DecodedLabel:
        """Reject and dwell."""
        best = int(np.argmax(filtered))
        shown = self._dwell.feed(best if filtered[best] >= self.spec.reject_below else REJECTED)
        name = UNKNOWN if shown == REJECTED else self._labels[shown]
        return DecodedLabel(name, float(filtered[best if shown == REJECTED else shown]), filtered)


def lag_in_windows(lag_s: float, *, hop: int, rate_hz: float) -> int:
    """Return how many windows a lag is.

    Raises
    ------
    UsageError
        If it is negative, or longer than ten seconds.

    Examples
    --------
    >>> lag_in_windows(2.0, hop=100, rate_hz=100.0), lag_in_windows(0.3, hop=20, rate_hz=100.0)
    (2, 2)
    """
    if not 0 <= lag_s <= LONGEST_LAG_S:
        raise UsageError(
            f"expected a lag from 0 to {LONGEST_LAG_S:g} s, got {lag_s:g}",
            next_step="Two seconds help most; labels then come two seconds later.",
        )
    return round(lag_s * rate_hz / hop)
