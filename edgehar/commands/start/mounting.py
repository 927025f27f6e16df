"""Find how the sensor is mounted: the wearer stands still, then walks; the model is turned to it."""

import datetime
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.commands.start.hearing import Ear, Heard, listen_again
from edgehar.commands.start.questions import Questions
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.models.bundle import Bundle, make_bundle
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.errors import DataError
from edgehar.models.foreign_text import printable
from edgehar.models.mounting import Frame, Mounting, find_mounting, fold_mounting

MOST_TILT_DEG: Final = 45.0
"""Between gravity here and in training; of USC-HAD's people at most 18."""
_READY_S: Final = 3.0
_STILL_S: Final = 4.0
_TURN_S: Final = 1.5
_WALKING_S: Final = 11.0
_ATTEMPTS: Final = 3


def tilt_deg(gravity_g: NDArray[np.float64], manifest: Manifest) -> float:
    """Return the angle between a mean acceleration and that of the people a model learned from.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(normalization=SimpleNamespace(mean_g=(0.9, 0.0, 0.0)))
    >>> round(tilt_deg(np.array([0.0, 0.0, 1.0]), model))
    90
    """
    mean = np.array(manifest.normalization.mean_g)
    size = float(np.linalg.norm(mean) * np.linalg.norm(gravity_g))
    return math.degrees(math.acos(min(1.0, max(-1.0, float(mean @ gravity_g) / size)))) if size else 0.0


def offer_mounting(
    port: str,
    heard: Heard,
    model: Bundle,
    questions: Questions,
    *,
    folder: Path,
    stop: Callable[[], bool],
) -> Path | None:
    """Let the wearer stand and walk where gravity is not as in training; return the turned model's bundle, if any.

    Nobody stands still or walks for a program that takes defaults, so then this is only said.
    """
    tilt = tilt_deg(heard.gravity_g, model.manifest)
    if tilt <= MOST_TILT_DEG:
        questions.say(f"Gravity is {tilt:.0f}° from where it was for the people that the model learned from.")
    else:
        questions.say(
            f"Gravity is {tilt:.0f}° from where it was for the people that the model learned from: the sensor is worn "
            "otherwise, or nobody stands upright with it. Labels will be wrong until the mounting is found."
        )
    if not questions.has_person:
        return None
    wanted = tilt > MOST_TILT_DEG
    for _ in range(_ATTEMPTS):
        if not questions.agree("Find the mounting: stand still for 7 s, then walk for 12 s?", default=wanted):
            return None
        try:
            mounting = _find(port, heard, model.manifest, questions, stop)
            break
        except DataError as error:
            questions.say(str(error))
    else:
        return None
    if mounting is None:
        return None
    place = folder / f"{printable(model.manifest.model_id, 40)}-turned-{_now():%Y%m%dT%H%M%S}"
    turned_bundle(model, mounting).save(place, plots={})
    questions.say(
        f"The sensor is turned by {mounting.angle_deg:.0f}° (the walk agrees with other people's by "
        f"{mounting.agreement:.0%}). The model turned to it is {place}; har live and har start take it by that name."
    )
    return place


def turned_bundle(general: Bundle, mounting: Mounting) -> Bundle:
    """Return a model that takes what a turned sensor gives, with its file for the C engine.

    Raises
    ------
    UsageError
        When its first layer cannot take a rotation.
    CompileError
        When the file cannot be made.
    """
    from edgehar.models.portable.tables import FLOAT32
    from edgehar.pipeline.compilers import Target, compile_bundle

    manifest = general.manifest
    weights, normalization = fold_mounting(manifest.architecture, general.weights, manifest.normalization, mounting)
    axes = f"the sensor's own axes, turned by {mounting.angle_deg:.0f}° in the model"
    plain = make_bundle(
        architecture=manifest.architecture,
        labels=manifest.labels,
        window=replace(manifest.window, axis_frame=axes),
        normalization=normalization,
        weights=weights,
        decoder=manifest.decoder,
        provenance=replace(manifest.provenance, created_utc=_now().strftime("%Y-%m-%dT%H:%M:%SZ")),
    )
    return compile_bundle(plain, [Target("c", FLOAT32)])


def _find(
    port: str, heard: Heard, manifest: Manifest, questions: Questions, stop: Callable[[], bool]
) -> Mounting | None:
    """Return the mounting that standing and walking show; None where told to stop."""
    frame = Frame.of_model(manifest)
    ear = _Prompter(questions.say)
    seconds = _READY_S + _STILL_S + _TURN_S + _WALKING_S
    listen_again(port, heard, ear, seconds=seconds, model_hz=manifest.window.rate_hz, stop=stop)
    if stop():
        return None
    rate_hz = heard.rate_hz or manifest.window.rate_hz
    return find_mounting(ear.between(0), ear.between(1), rate_hz=rate_hz, frame=frame)


class _Prompter(Ear):
    """Says what to do when, and keeps what comes meanwhile."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(lambda text: None)
        self._prompt = say
        self._began_s: float | None = None
        self._said = 0
        self._blocks: list[tuple[float, NDArray[np.float32]]] = []
        still_s, walking_s = _READY_S, _READY_S + _STILL_S + _TURN_S
        self._spans = ((still_s, still_s + _STILL_S), (walking_s, walking_s + _WALKING_S))
        self._prompts = (
            (0.0, "Stand still …"),
            (_READY_S + _STILL_S, "Now walk straight ahead, at your usual pace …"),
            (walking_s + _WALKING_S - 0.5, "Done."),
        )

    def waited(self, now_s: float) -> None:
        """Say what is due."""
        self._began_s = now_s if self._began_s is None else self._began_s
        while self._said < len(self._prompts) and now_s - self._began_s >= self._prompts[self._said][0]:
            self._prompt(self._prompts[self._said][1])
            self._said += 1

    def take(self, block: SampleBlock) -> None:
        """Keep samples by the time they came."""
        super().take(block)
        if self._began_s is not None:
            self._blocks.append((time.monotonic() - self._began_s, block.samples_g))

    def between(self, span: int) -> NDArray[np.float32]:
        """Return the samples of standing (0) or walking (1)."""
        low, high = self._spans[span]
        chosen = [samples_g for at_s, samples_g in self._blocks if low <= at_s <= high]
        return np.concatenate([np.empty((0, 3), np.float32), *chosen])


def _now() -> datetime.datetime:
    """Return the time of day, everywhere the same."""
    return datetime.datetime.now(datetime.UTC)
