"""What must hold between the parts of a manifest: a file may be well formed, hashed, and still contradict itself."""

from collections.abc import Iterator
from typing import Final

from edgehar.models.bundle.manifest import DecoderSpec, Manifest, PushSpec
from edgehar.models.bundle.names import CARD, GOLDEN, MANIFEST, PLAIN_NAME, PLOTS, WEIGHTS
from edgehar.models.bundle.tasks import TASKS
from edgehar.models.bundle.text import LONGEST_TEXT, hostile_texts
from edgehar.models.contract import MOTION_CHANNELS, MOTION_UNIT
from edgehar.models.errors import BundleError

UNIT: Final = "g"
"""The unit of acceleration; sources convert to it."""

AS_TRAINED: Final = "as trained"
"""Unit of an imported model's features, where nobody knows it: whatever the model was trained on."""

LARGEST_COUNT: Final = 1_000_000
"""Samples of a hop, or windows of a decoder: hours, at any rate."""

RATES_HZ: Final = (0.01, 100_000.0)
"""Sampling rates that are believed: from one sample in minutes to ultrasound."""

LARGEST_LOG_ODDS: Final = 30.0
"""Of a push: beyond it, float arithmetic holds the other label for impossible."""

STRONGEST_PUSH_G: Final = 16.0
LONGEST_TIME_S: Final = 3600.0

_AXES: Final = 3
_SUM_TOLERANCE: Final = 1e-6


def check_manifest(manifest: Manifest) -> None:
    """Refuse a manifest that contradicts itself.

    Raises
    ------
    BundleError
        If labels, window, normalisation, decoder or file names do not fit the architecture or each other, a number is
        beyond what can be meant, or a text holds characters that are never shown.
    """
    for where, why in hostile_texts(manifest):
        raise BundleError(
            f"manifest.json: expected {where} of at most {LONGEST_TEXT:,} characters that can be shown, got {why}",
            next_step="Name it otherwise; do not use a stranger's bundle that holds such texts.",
            key=where,
        )
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
    if manifest.task not in TASKS:
        yield "task", f"a task of {', '.join(TASKS)}", f"{manifest.task!r:.40}"


def _window(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with the window."""
    window, architecture = manifest.window, manifest.architecture
    if window.length != architecture.window:
        yield "window", f"windows of {architecture.window} samples, as the architecture has them", f"{window.length}"
    if len(window.channels) != architecture.channels or len(set(window.channels)) < architecture.channels:
        yield "window", f"{architecture.channels} different channels", f"{list(window.channels)}"
    if not 1 <= window.hop <= LARGEST_COUNT:
        yield "window", f"a hop from 1 to {LARGEST_COUNT:,} samples", f"{window.hop}"
    if not RATES_HZ[0] <= window.rate_hz <= RATES_HZ[1]:
        yield "window", f"a rate from {RATES_HZ[0]:g} to {RATES_HZ[1]:g} Hz", f"{window.rate_hz:g}"
    if window.unit not in (UNIT, MOTION_UNIT, AS_TRAINED):
        expected = f"acceleration in {UNIT}, motion in {MOTION_UNIT}, or features {AS_TRAINED}"
        yield "window", expected, f"{window.unit!r}"
    if window.unit == MOTION_UNIT and window.channels != MOTION_CHANNELS:
        yield "window", f"the channels {', '.join(MOTION_CHANNELS)} in {MOTION_UNIT}", f"{list(window.channels)}"


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
    if not (1 <= decoder.smoothing_windows <= LARGEST_COUNT and 0 <= decoder.minimum_dwell_windows <= LARGEST_COUNT):
        counts = f"{decoder.smoothing_windows} and {decoder.minimum_dwell_windows}"
        yield "decoder", "smoothing over 1 window or more and a dwell that is not negative", counts
    if not 0 <= decoder.reject_below <= 1:
        yield "decoder", "a probability to reject below", f"{decoder.reject_below:g}"
    yield from _markov(decoder, manifest.architecture.classes)
    if decoder.push is not None:
        yield from _push(decoder.push, manifest)


def _markov(decoder: DecoderSpec, classes: int) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with the hidden Markov model."""
    rows, stay = decoder.transitions, decoder.stay_probability
    if not 0 <= decoder.temperature <= LARGEST_COUNT or (decoder.temperature and not decoder.is_markov):
        yield "decoder", "a temperature of a hidden Markov model, or 0", f"{decoder.temperature:g}"
    if stay and not 1 / classes <= stay < 1:
        yield "decoder", f"a probability of staying from 1/{classes} to below 1, or 0", f"{stay:g}"
    if decoder.is_markov and decoder.smoothing_windows != 1:
        yield "decoder", "either transitions or a mean over windows", f"both ({decoder.smoothing_windows} windows)"
    if not rows:
        return
    if stay:
        yield "decoder", "either transitions or a probability of staying", "both"
    if len(rows) != classes or any(len(row) != classes for row in rows):
        yield (
            "decoder",
            f"{classes} x {classes} transitions",
            f"{len(rows)} rows of {sorted({len(row) for row in rows})}",
        )
    elif any(min(row) < 0 or abs(sum(row) - 1) > _SUM_TOLERANCE for row in rows):
        yield "decoder", "transitions whose rows are probabilities and add up to 1", f"{[sum(row) for row in rows]}"


def _push(push: PushSpec, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with how elevators are told apart."""
    if push.up == push.down or not {push.up, push.down} <= set(manifest.labels):
        yield "decoder", "a push of two different labels of the model", f"{push.up!r} and {push.down!r}"
    if manifest.architecture.channels != _AXES and manifest.window.unit != MOTION_UNIT:
        yield "decoder", f"a push of acceleration in {_AXES} axes", f"{manifest.architecture.channels}"
    if not 0 < push.log_odds <= LARGEST_LOG_ODDS:
        yield "decoder", f"log odds of a push above 0 and up to {LARGEST_LOG_ODDS:g}", f"{push.log_odds:g}"
    if not 0 < push.weak_g <= push.strong_g <= push.jump_g <= STRONGEST_PUSH_G or not push.moving_g > 0:
        bounds = (push.weak_g, push.strong_g, push.jump_g, push.moving_g)
        yield (
            "decoder",
            f"a push with 0 < weak <= strong <= jump <= {STRONGEST_PUSH_G:g} g, and movement above 0 g",
            ", ".join(f"{bound:g}" for bound in bounds),
        )
    times = (push.smoothing_s, push.settling_s, push.longest_push_s, push.baseline_s)
    if not all(0 < time_s <= LONGEST_TIME_S for time_s in times) or push.settling_s > push.baseline_s:
        yield (
            "decoder",
            f"times of a push above 0 and up to {LONGEST_TIME_S:g} s, settling before the baseline",
            ", ".join(f"{time_s:g}" for time_s in times),
        )


def _files(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with the list of files."""
    for key, file, name in (("weights", manifest.weights.file, WEIGHTS), ("golden", manifest.golden.file, GOLDEN)):
        if file != name and PLAIN_NAME.fullmatch(file):
            yield key, f"the {key} in {name}", f"{file!r}"
    names = [MANIFEST, CARD, PLOTS, manifest.weights.file, manifest.golden.file]
    names += [entry.file for entry in manifest.artifacts]
    if len(set(names)) < len(names):
        yield "artifacts", "every file to be named once", f"{sorted(names)}"
    for entry in manifest.artifacts:
        if entry.tolerance < 0:
            yield "artifacts", f"a tolerance of {entry.file} that is not negative", f"{entry.tolerance:g}"
