"""The takes of a recording that show how the sensor is mounted: standing still, and walking straight ahead."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle import Bundle
from edgehar.models.errors import DataError, UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.mounting import STILL_S, WALKING_S, Frame, Mounting, find_mounting
from edgehar.pipeline.data.mounting_takes import SETTLING_S, stands, takes, walks
from edgehar.pipeline.data.recordings import Dataset, Recording
from edgehar.pipeline.training.personalization.wearer import PERSONALIZED

_LONGEST_S: Final = 30.0


def mounting_of(bundle: Bundle, dataset: Dataset, subject: str | None = None) -> Mounting:
    """Find how one person's sensor is mounted, from labelled takes of standing and walking.

    Parameters
    ----------
    bundle
        The model whose frame is wanted.
    dataset
        Recordings with a take whose label says that somebody stands, and one that says that they walk.
    subject
        Whose; None where there is one person only.

    Raises
    ------
    DataError
        If a take is missing, or does not show the mounting.
    UsageError
        If the subject is not there, or the model knows a mounting already.
    """
    fitted = bundle.manifest.provenance.configuration.get(PERSONALIZED)
    if isinstance(fitted, dict) and fitted.get("mounting") is not None:
        raise UsageError(
            "expected a general model, this one is turned to a wearer's mounting already",
            next_step="Use the model it was made from.",
        )
    if subject is None and len(dataset.subjects) > 1:
        names = ", ".join(printable(name, 40) for name in dataset.subjects[:6])
        raise DataError(
            f"{dataset.name}: expected the mounting of one person, got recordings of {names}",
            next_step="Leave the others' recordings out.",
        )
    wearer = dataset.subjects[0] if subject is None else subject
    recordings = dataset.of_subject(wearer)
    still, still_hz = _take(recordings, STILL_S, "standing still", stands)
    walking, rate_hz = _take(recordings, WALKING_S, "walking straight ahead", walks)
    if abs(still_hz / rate_hz - 1) > 0.02:
        raise DataError(
            f"expected standing and walking at one rate, got {still_hz:g} Hz and {rate_hz:g} Hz",
            next_step="Record both again, one after the other.",
        )
    return find_mounting(still, walking, rate_hz=rate_hz, frame=Frame.of_model(bundle.manifest), wearer=wearer)


def _take(
    recordings: tuple[Recording, ...], least_s: float, what: str, fits: Callable[[str], bool]
) -> tuple[NDArray[np.float32], float]:
    """Return the acceleration of the first take that is long enough, without its first second, and its rate."""
    for samples, rate_hz in takes(recordings, fits, least_s=least_s, most_s=_LONGEST_S):
        return samples[:, :3], rate_hz
    raise DataError(
        f"expected a take of {what}, {least_s + SETTLING_S:g} s or longer, found none",
        next_step='Record one: har record --activity "Standing:5" --activity "Walking Forward:12".',
    )
