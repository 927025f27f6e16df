"""Whether the sensor is mounted as in training; if not, the wearer may stand still and walk, as --calibrate asks."""

import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.commands.calibration import calibrate
from edgehar.commands.start.hearing import Heard
from edgehar.commands.start.questions import Questions
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.errors import DataError

MOST_TILT_DEG: Final = 45.0
"""Between gravity here and in training; of USC-HAD's people at most 18."""
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
    mean = np.array(manifest.normalization.mean_g[:3])
    size = float(np.linalg.norm(mean) * np.linalg.norm(gravity_g))
    return math.degrees(math.acos(min(1.0, max(-1.0, float(mean @ gravity_g) / size)))) if size else 0.0


def offer_mounting(port: str, heard: Heard, model: Bundle, questions: Questions, *, place: Path) -> Path | None:
    """Let the wearer stand and walk where gravity is not as in training; return the file of the mounting, if any.

    Nobody stands still or walks for a program that takes defaults: then it is only said how gravity is.
    """
    tilt = tilt_deg(heard.gravity_g, model.manifest)
    is_turned = tilt > MOST_TILT_DEG
    why = (
        ": the sensor is worn otherwise, or nobody stands upright with it. Labels will be wrong until the mounting is "
        "found"
    )
    questions.say(
        f"Gravity is {tilt:.0f}° from where it was for the people the model learned from{why if is_turned else ''}."
    )
    if not questions.has_person:
        return None
    for _ in range(_ATTEMPTS):
        if not questions.agree("Find the mounting: stand still, then walk for 12 s?", default=is_turned):
            return None
        try:
            calibrate(
                model,
                port,
                place,
                wearer="wearer",
                unit=None if heard.is_frames else heard.unit,
                columns=heard.columns,
                baud=heard.baud,
            )
        except DataError as error:
            questions.say(str(error))
        else:
            return place
    return None
