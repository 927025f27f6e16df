"""Posteriors of a whole stretch to labels: what the bundle's decoder says of them one by one, faster where it can be.

A decoder begins anew after a gap, as it does in `har live`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.batch_decoding import forward
from edgehar.models.bundle.manifest import DecoderSpec, Manifest
from edgehar.models.decoder import REJECTED, UNKNOWN, Dwell, scaled_count
from edgehar.models.decoder.filtering import evidence_weight, transitions_of
from edgehar.models.decoder.markov import FLOOR
from edgehar.models.decoder.push import DOWN, UP

_WINDOWS_AT_A_TIME: Final = 2**15

Posteriors = npt.NDArray[Any]
Directions = npt.NDArray[np.int8]


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
    manifest: Manifest, posteriors: npt.NDArray[np.float32], directions: Directions | None, *, hop: int
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
    count = len(posteriors)
    best, peaks = np.empty(count, np.int16), np.empty(count, np.float64)
    holds = scaled_count(manifest.decoder.minimum_dwell_windows, manifest.window.hop, hop) > 1
    kept = np.empty(posteriors.shape, np.float32) if holds else None
    filtered = _forward if manifest.decoder.is_markov else _means
    at = 0
    for rows in filtered(manifest, posteriors, directions, hop):
        some = slice(at, at + len(rows))
        best[some] = rows.argmax(axis=1)
        peaks[some] = rows[np.arange(len(rows)), best[some]]
        if kept is not None:
            kept[some] = rows
        at += len(rows)
    return dwelled(best, peaks, kept, manifest, hop=hop)


def dwelled(
    best: npt.NDArray[np.signedinteger],
    peaks: npt.NDArray[np.floating],
    filtered: npt.NDArray[np.float32] | None,
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


def _means(
    manifest: Manifest, posteriors: Posteriors, directions: Directions | None, hop: int
) -> Iterator[npt.NDArray[np.float64]]:
    """Yield the mean of every window's posterior and those of the windows before it, oldest first, as a deque has."""
    count = scaled_count(manifest.decoder.smoothing_windows, manifest.window.hop, hop)
    values = _moved(manifest, posteriors, directions)
    if count <= 1 or not len(values):
        yield values
        return
    summed = np.zeros_like(values)
    for back in range(min(count, len(values)) - 1, -1, -1):
        summed[back:] += values[: len(values) - back]
    yield summed / np.minimum(np.arange(1, len(values) + 1), count)[:, np.newaxis]


def _moved(manifest: Manifest, posteriors: Posteriors, directions: Directions | None) -> npt.NDArray[np.float64]:
    """Return posteriors in which the pushes of elevators have moved probability, as `redistribute` does it."""
    push, moved = manifest.decoder.push, posteriors.astype(np.float64)
    if push is None or directions is None or not push.log_odds:
        return moved
    up, down = manifest.labels.index(push.up), manifest.labels.index(push.down)
    for direction in (UP, DOWN):
        here = np.flatnonzero((directions == direction) & (moved[:, up] + moved[:, down] > 0))
        odds = np.exp(direction * push.log_odds / 2)
        mass = moved[here, up] + moved[here, down]
        rise, fall = moved[here, up] * odds, moved[here, down] / odds
        moved[here, up], moved[here, down] = mass * rise / (rise + fall), mass * fall / (rise + fall)
    return moved


def _forward(
    manifest: Manifest, posteriors: Posteriors, directions: Directions | None, hop: int
) -> Iterator[npt.NDArray[np.float64]]:
    """Yield posteriors filtered by the hidden Markov model of the decoder."""
    spec, window = manifest.decoder, manifest.window
    transitions = transitions_of(spec, posteriors.shape[1], steps=hop / window.hop)
    weight = evidence_weight(spec, hop=hop, spec_hop=window.hop, window_length=window.length)
    belief = None
    for start in range(0, len(posteriors), _WINDOWS_AT_A_TIME):
        some = slice(start, start + _WINDOWS_AT_A_TIME)
        moved = _moved(manifest, posteriors[some], None if directions is None else directions[some])
        evidence = np.maximum(moved, FLOOR)
        # The first window repeats nothing.
        evidence[0 if start else 1 :] **= weight
        filtered, belief = forward(transitions, evidence, belief)
        yield filtered
