"""What must hold between the parts of a manifest: a file may be well formed, hashed, and still contradict itself."""

from collections.abc import Iterator
from typing import Final

from edgehar.models.bundle.manifest import Manifest
from edgehar.models.errors import BundleError

UNIT: Final = "g"
"""The only unit a model takes; sources convert to it."""

_SUM_TOLERANCE: Final = 1e-6


def check_manifest(manifest: Manifest) -> None:
    """Refuse a manifest that contradicts itself.

    Raises
    ------
    BundleError
        If labels, window, normalisation, decoder or file names do not fit the architecture or each other.
    """
    for what, expected, got in _contradictions(manifest):
        raise BundleError(
            f"manifest.json: expected {expected}, got {got}",
            next_step="The bundle contradicts itself: train or export it again.",
            key=what,
        )


def _contradictions(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield the key, what was expected and what came, for everything that does not fit."""
    yield from _labels(manifest)
    yield from _window(manifest)
    yield from _normalization(manifest)
    yield from _decoder(manifest)
    yield from _files(manifest)


def _labels(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with the labels."""
    labels, classes = manifest.labels, manifest.architecture.classes
    if len(labels) != classes:
        yield "labels", f"{classes} labels, one per output of the architecture", f"{len(labels)}"
    if len(set(labels)) < len(labels) or not all(labels):
        yield "labels", "labels that all differ and are not empty", f"{list(labels)}"


def _window(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with the window."""
    window, architecture = manifest.window, manifest.architecture
    if window.length != architecture.window:
        yield "window", f"windows of {architecture.window} samples, as the architecture has them", f"{window.length}"
    if len(window.channels) != architecture.channels or len(set(window.channels)) < architecture.channels:
        yield "window", f"{architecture.channels} different channels", f"{list(window.channels)}"
    if window.hop < 1:
        yield "window", "a hop of 1 sample or more", f"{window.hop}"
    if window.rate_hz <= 0:
        yield "window", "a rate above 0 Hz", f"{window.rate_hz:g}"
    if window.unit != UNIT:
        yield "window", f"acceleration in {UNIT}", f"{window.unit!r}"


def _normalization(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with the normalisation."""
    mean, std, channels = manifest.normalization.mean_g, manifest.normalization.std_g, manifest.architecture.channels
    if not len(mean) == len(std) == channels:
        yield "normalization", f"a mean and a deviation for each of {channels} channels", f"{len(mean)} and {len(std)}"
    if not all(deviation > 0 for deviation in std):
        yield "normalization", "deviations above 0 g", f"{list(std)}"


def _decoder(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with the decoder."""
    decoder = manifest.decoder
    if decoder.smoothing_windows < 1 or decoder.minimum_dwell_windows < 0:
        counts = f"{decoder.smoothing_windows} and {decoder.minimum_dwell_windows}"
        yield "decoder", "smoothing over 1 window or more and a dwell that is not negative", counts
    if not 0 <= decoder.reject_below <= 1:
        yield "decoder", "a probability to reject below", f"{decoder.reject_below:g}"
    rows, classes = decoder.transitions, manifest.architecture.classes
    if not rows:
        return
    if len(rows) != classes or any(len(row) != classes for row in rows):
        yield (
            "decoder",
            f"{classes} x {classes} transitions",
            f"{len(rows)} rows of {sorted({len(row) for row in rows})}",
        )
    elif any(min(row) < 0 or abs(sum(row) - 1) > _SUM_TOLERANCE for row in rows):
        yield "decoder", "transitions whose rows are probabilities and add up to 1", f"{[sum(row) for row in rows]}"
    if decoder.smoothing_windows != 1:
        yield "decoder", "either transitions or a mean over windows", f"both ({decoder.smoothing_windows} windows)"


def _files(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with the list of files."""
    names = ["manifest.json", manifest.weights.file, manifest.golden.file]
    names += [entry.file for entry in manifest.artifacts]
    if len(set(names)) < len(names):
        yield "artifacts", "every file to be named once", f"{sorted(names)}"
    for entry in manifest.artifacts:
        if entry.tolerance < 0:
            yield "artifacts", f"a tolerance of {entry.file} that is not negative", f"{entry.tolerance:g}"
