"""Posteriors of a whole stretch to labels: what the bundle's decoder says of them one by one, faster where it can be.

A decoder begins anew after a gap, as it does in `har live`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgehar.models.bundle.manifest import DecoderSpec, Manifest
from edgehar.models.decoder import REJECTED, UNKNOWN, Decoder, Dwell, PosteriorFilter, scaled_count


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
    spec, rejected = manifest.decoder, len(manifest.labels)
    if spec.push is not None:
        return _one_by_one(manifest, posteriors, directions, hop)
    window = manifest.window
    if spec.is_markov:
        smooth = PosteriorFilter(spec, hop=hop, spec_hop=window.hop, window_length=window.length)
        filtered = np.array([row for posterior in posteriors for row in smooth.feed(posterior)])
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


def _means(posteriors: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float64]:
    """Return the mean of every window's posterior and those of the windows before it, oldest first, as a deque has."""
    values = posteriors.astype(np.float64)
    if count <= 1 or not len(values):
        return values
    summed = np.zeros_like(values)
    for back in range(min(count, len(values)) - 1, -1, -1):
        summed[back:] += values[: len(values) - back]
    return np.asarray(summed / np.minimum(np.arange(1, len(values) + 1), count)[:, np.newaxis])


def _one_by_one(
    manifest: Manifest, posteriors: npt.NDArray[np.float32], directions: npt.NDArray[np.int8] | None, hop: int
) -> Decoded:
    """Decode as a stream is decoded."""
    decoder = Decoder.of_model(manifest, hop=hop)
    known = {name: place for place, name in enumerate(names(manifest))}
    told = np.zeros(len(posteriors), np.int8) if directions is None else directions
    found = [decoder.decode(row, int(way)) for row, way in zip(posteriors, told.tolist(), strict=True)]
    return Decoded(
        np.array([known[label.label] for label in found], np.int16),
        np.array([label.probability for label in found], np.float32),
    )
