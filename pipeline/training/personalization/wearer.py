"""What recordings must be to fit a model to the person who made them: one person, worn as the model knows it."""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgehar.models.bundle import Bundle
from edgehar.models.errors import DataError, UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.mounting import Mounting
from edgehar.pipeline.data.identity import Person, people_of
from edgehar.pipeline.data.recordings import Dataset, Recording, unknown_subject
from edgehar.pipeline.data.windows import Indices, Windows
from edgehar.pipeline.evaluation.held_out import trained_people

PERSONALIZED: Final = "personalized"
"""Key of a bundle's configuration: what was fitted to whom, and from what."""

LARGEST_TILT_DEG: Final = 45.0
"""Between the mean acceleration of a person and that of the people the model knows; of USC-HAD's people at most 18."""

_SLOWEST: Final = 0.5
"""Share of the model's rate below which recordings lack what the model looks for."""
_FILLING: Final = frozenset(
    ("the", "and", "its", "with", "sensor", "person", "virtual", "front", "right", "left", "not", "stated")
)


@dataclass(frozen=True, slots=True)
class Wearer:
    """Whose recordings these are.

    Parameters
    ----------
    subject
        Their name in the recordings.
    person
        Their identity.
    known
        Whether the model learned from this person before: then nothing that is measured here is honest.
    remarks
        What is to be said of the recordings.
    """

    subject: str
    person: Person
    known: bool
    remarks: tuple[str, ...]


def find_wearer(bundle: Bundle, dataset: Dataset, subject: str | None) -> Wearer:
    """Return the one person to fit the model to.

    Parameters
    ----------
    bundle
        The general model.
    dataset
        Recordings.
    subject
        Whose; None where there is one person only.

    Raises
    ------
    DataError
        If the recordings are of several people, worn elsewhere, of a rate too low, or of no activity of the model.
    UsageError
        If the subject is not there, or the model is fitted to somebody else already.
    """
    if subject is None:
        if len(dataset.subjects) > 1:
            raise DataError(
                f"{dataset.name}: expected the recordings of one person, got those of {_listed(dataset.subjects)}",
                next_step="Name one with --from, or leave the others' recordings out.",
            )
        subject = dataset.subjects[0]
    if subject not in dataset.subjects:
        raise unknown_subject(subject, dataset.subjects)
    person = people_of(dataset)[subject]
    _check_general(bundle, person)
    recordings = [each for each in dataset.of_subject(subject) if each.labels]
    _check_activities(bundle, dataset, recordings)
    remarks = (*_placements(bundle, recordings), *_rates(bundle, recordings))
    known = any(person.is_same_as(other) for other in trained_people(bundle, needed=False))
    return Wearer(subject, person, known, remarks)


def check_channels(bundle: Bundle, dataset: Dataset) -> None:
    """Refuse recordings of acceleration alone for a model that takes the turning rate as well.

    The other way round there is nothing to refuse: recordings with a gyroscope hold the acceleration too.

    Raises
    ------
    DataError
        If the recordings lack channels that the model takes.
    """
    wanted = bundle.manifest.window.channels
    if len(dataset.channels) < len(wanted):
        raise DataError(
            f"{dataset.name}: expected recordings of {', '.join(wanted)} for {bundle.manifest.model_id}, got "
            f"{', '.join(dataset.channels)}",
            next_step="Record with the gyroscope, import with --channels accelerometer,gyroscope, or use a model of "
            "acceleration alone.",
            channels=dataset.channels,
        )


def check_mounting(bundle: Bundle, windows: Windows, indices: Indices, mounting: Mounting | None) -> None:
    """Refuse recordings in which gravity points elsewhere than in those the model learned from.

    Parameters
    ----------
    bundle
        The general model.
    windows, indices
        The person's, turned by the mounting already.
    mounting
        Where one was found.

    Raises
    ------
    DataError
        If the mean over activities of the mean acceleration is turned by more than `LARGEST_TILT_DEG`.
    """
    labels, means = windows.labels[indices], windows.batch(indices)[:, :, :3].mean(axis=1, dtype=np.float64)
    own = np.mean([means[labels == label].mean(axis=0) for label in np.unique(labels)], axis=0)
    general = np.array(bundle.manifest.normalization.mean_g[:3])
    lengths = float(np.linalg.norm(own) * np.linalg.norm(general))
    tilt_deg = float(np.degrees(np.arccos(np.clip(own @ general / lengths, -1, 1)))) if lengths else 0.0
    if tilt_deg > LARGEST_TILT_DEG:
        advice = (
            "Find it: record standing still, then ten seconds of walking, and pass --mounting CAPTURE."
            if mounting is None
            else "Record the mounting again: stand still, then walk ten seconds straight ahead."
        )
        raise DataError(
            f"expected a sensor mounted as in the training recordings ({printable(bundle.manifest.window.mounting, 80)}"
            f"), here gravity is turned by {tilt_deg:.0f}°",
            next_step=advice,
            tilt_deg=tilt_deg,
        )


def _check_general(bundle: Bundle, person: Person) -> None:
    """Refuse a model that is fitted to somebody else."""
    fitted = bundle.manifest.provenance.configuration.get(PERSONALIZED)
    if fitted is None:
        return
    other = Person.from_json(fitted.get("person") if isinstance(fitted, dict) else None)
    if not person.is_same_as(other):
        raise UsageError(
            f"expected a general model, this one is fitted to {printable(other.subject, 60)} of "
            f"{printable(other.dataset, 60)}, and the recordings are of {printable(person.subject, 60)}",
            next_step="Personalize the model it was made from.",
        )


def _check_activities(bundle: Bundle, dataset: Dataset, recordings: list[Recording]) -> None:
    """Refuse recordings of nothing the model tells apart."""
    done = {label.activity for each in recordings for label in each.labels}
    if not done & set(bundle.manifest.labels):
        got = _listed(tuple(sorted(done))) if done else "no label"
        raise DataError(
            f"{dataset.name}: expected labels among {', '.join(bundle.manifest.labels)}; got {got}",
            next_step="Name the activities as the model does, or train a model on these: har train.",
        )


def _placements(bundle: Bundle, recordings: list[Recording]) -> list[str]:
    """Refuse recordings of another part of the body; return what to say where none is named."""
    there = bundle.manifest.window.mounting
    known = _places(there)
    named = {each.placement for each in recordings if each.placement}
    for placement in sorted(named):
        if known and _places(placement) and not _places(placement) & known:
            raise DataError(
                f"expected recordings of a sensor worn as the model knows it ({printable(there, 80)}), got "
                f"{printable(placement, 80)}",
                next_step="Wear it there, or train a model on these recordings: har train.",
            )
    if len(named) == 0 or any(not each.placement for each in recordings):
        return [f"The recordings do not say where the sensor was worn; the model expects: {printable(there, 80)}."]
    return []


def _places(text: str) -> set[str]:
    """Return the words that may name a part of the body."""
    words = set(re.findall(r"[^\W\d_]{3,}", text.lower().partition(",")[0]))
    return words - _FILLING


def _rates(bundle: Bundle, recordings: list[Recording]) -> list[str]:
    """Refuse rates that are too low; return what to say of others than the model's."""
    wanted = bundle.manifest.window.rate_hz
    remarks = []
    for rate_hz in sorted({each.rate_hz for each in recordings}):
        if rate_hz < _SLOWEST * wanted:
            raise DataError(
                f"expected recordings at {wanted:g} Hz, the model's rate, or half of it at least, got {rate_hz:g} Hz",
                next_step="Let the sensor send faster, and record again.",
            )
        if abs(rate_hz / wanted - 1) > 0.02:
            remarks.append(f"Recorded at {rate_hz:g} Hz, resampled to {wanted:g} Hz: use the sensor at this rate live.")
    return remarks


def _listed(names: tuple[str, ...]) -> str:
    """Return a few of the names."""
    shown = ", ".join(printable(name, 40) for name in names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown
