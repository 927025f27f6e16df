"""Posteriors of a whole stretch to labels: what the bundle's decoder says of them one by one, faster where it can be.

A decoder begins anew after a gap, as it does in `har live`.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.batch_decoding import forward
from edgehar.models.bundle.manifest import DecoderSpec, Manifest, PushSpec
from edgehar.models.decoder import REJECTED, UNKNOWN, Dwell, scaled_count
from edgehar.models.decoder.filtering import evidence_weight, transitions_of
from edgehar.models.decoder.markov import FLOOR
from edgehar.models.decoder.push import DOWN, UP

_WINDOWS_AT_A_TIME: Final = 2**15

Posteriors = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Positions in `names` of the labels shown, and their probability."""

    labels: npt.NDArray[np.int16]
    probabilities: npt.NDArray[np.float32]


def names(manifest: Manifest) -> tuple[str, ...]:
    """Return what positions mean: the model's labels, then `unknown`."""
    return (*manifest.labels, UNKNOWN)


def keeps_only_the_best(spec: DecoderSpec) -> bool:
    """Whether the most probable class of a window is all that the decoder looks at."""
    counts = (spec.smoothing_windows, spec.minimum_dwell_windows)
    return not spec.is_markov and spec.push is None and max(counts) <= 1


def decode_stretch(
    manifest: Manifest, posteriors: npt.NDArray[np.float32], directions: npt.NDArray[np.int8] | None, *, hop: int
) -> Decoded:
    """Decode the posteriors of consecutive windows.

    Parameters
    ----------
    manifest
        Of the bundle; its decoder is used.
    posteriors : ndarray of shape (n, n_classes)
    directions : ndarray of shape (n,), or None
        What `Decoder.watch` said at the end of each window, for a decoder that listens for elevators.
    hop
        Samples from one window to the next.
    """
    spec, rejected, window = manifest.decoder, len(manifest.labels), manifest.window
    if spec.push is not None and directions is not None:
        posteriors = _moved(spec.push, manifest.labels, posteriors, directions)
    if spec.is_markov:
        filtered = _forward(manifest, posteriors, hop)
    else:
        filtered = _means(posteriors, scaled_count(spec.smoothing_windows, window.hop, hop))
    filtered = filtered.reshape(-1, rejected)
    best = filtered.argmax(axis=1)
    peaks = filtered[np.arange(len(filtered)), best]
    return dwelled(best, peaks, filtered, manifest, hop=hop)


def dwelled(
    best: npt.NDArray[np.intp],
    peaks: npt.NDArray[np.floating],
    filtered: npt.NDArray[np.floating] | None,
    manifest: Manifest,
    *,
    hop: int,
) -> Decoded:
    """Reject what is below the decoder's bound, and hold labels for its dwell.

    Parameters
    ----------
    best, peaks
        The most probable class of every window, and its probability.
    filtered
        All probabilities; None where only the best is known, and no label is held.
    manifest, hop
        As for `decode_stretch`.
    """
    spec, rejected = manifest.decoder, len(manifest.labels)
    wanted = np.where(peaks.astype(np.float64) >= spec.reject_below, best, REJECTED)
    dwell = scaled_count(spec.minimum_dwell_windows, manifest.window.hop, hop)
    shown = wanted
    if dwell > 1:
        hold = Dwell(dwell)
        shown = np.fromiter((hold.feed(label) for label in wanted.tolist()), np.int64, len(wanted))
    if filtered is not None and dwell > 1:
        peaks = filtered[np.arange(len(best)), np.where(shown == REJECTED, best, shown)]
    return Decoded(np.where(shown == REJECTED, rejected, shown).astype(np.int16), peaks.astype(np.float32))


def _means(posteriors: Posteriors, count: int) -> npt.NDArray[np.float64]:
    """Return the mean of every window's posterior and those of the windows before it, oldest first, as a deque has."""
    values = posteriors.astype(np.float64)
    if count <= 1 or not len(values):
        return values
    summed = np.zeros_like(values)
    for back in range(min(count, len(values)) - 1, -1, -1):
        summed[back:] += values[: len(values) - back]
    return np.asarray(summed / np.minimum(np.arange(1, len(values) + 1), count)[:, np.newaxis])


def _moved(
    push: PushSpec, labels: tuple[str, ...], posteriors: Posteriors, directions: npt.NDArray[np.int8]
) -> npt.NDArray[np.float64]:
    """Return posteriors in which the pushes of elevators have moved probability, as `redistribute` does it."""
    up, down = labels.index(push.up), labels.index(push.down)
    moved = posteriors.astype(np.float64)
    for direction in (UP, DOWN):
        odds = np.exp(direction * push.log_odds / 2)
        rise, fall = moved[:, up] * odds, moved[:, down] / odds
        mass = moved[:, up] + moved[:, down]
        here = np.flatnonzero((directions == direction) & (mass > 0) & (push.log_odds != 0))
        whole = (rise + fall)[here]
        moved[here, up], moved[here, down] = mass[here] * rise[here] / whole, mass[here] * fall[here] / whole
    return moved


def _forward(manifest: Manifest, posteriors: Posteriors, hop: int) -> npt.NDArray[np.float64]:
    """Return posteriors filtered by the hidden Markov model of the decoder."""
    spec, window = manifest.decoder, manifest.window
    transitions = transitions_of(spec, posteriors.shape[1], steps=hop / window.hop)
    weight = evidence_weight(spec, hop=hop, spec_hop=window.hop, window_length=window.length)
    filtered, belief = np.empty(posteriors.shape, np.float64), None
    for start in range(0, len(posteriors), _WINDOWS_AT_A_TIME):
        evidence = np.maximum(posteriors[start : start + _WINDOWS_AT_A_TIME].astype(np.float64), FLOOR)
        # The first window repeats nothing.
        evidence[0 if start else 1 :] **= weight
        filtered[start : start + len(evidence)], belief = forward(transitions, evidence, belief)
    return filtered
