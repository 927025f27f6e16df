"""Who a recorded person is: data set and name, and the content of the recordings; a name alone says nothing.

The wearer 7 of a capture is not subject 7 of USC-HAD; and the recordings of USC-HAD under another name are still those
of the same people. So two people are one if data set *and* subject are equal, or if any recording has the same samples.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError
from edgehar.pipeline.data.blocks import blocks_of
from edgehar.pipeline.data.recordings import Dataset

MAX_FINGERPRINTS: Final = 16
"""How many recordings of a person are remembered: those with the smallest fingerprints, which any large part shares."""

_DIGITS: Final = 24


@dataclass(frozen=True, slots=True)
class Person:
    """A person, as a bundle remembers whom it learned from.

    Parameters
    ----------
    dataset
        The name of the data set the recordings came from; also when they were mixed into another.
    subject
        The name of the person in it.
    fingerprints
        Of recordings of this person, in order; at most ``MAX_FINGERPRINTS`` of them where it is kept.

    Examples
    --------
    >>> Person("USC-HAD", "7", ()).is_same_as(Person("walks", "7", ()))
    False
    """

    dataset: str
    subject: str
    fingerprints: tuple[str, ...]

    def is_same_as(self, other: "Person") -> bool:
        """Tell whether two people are one, by data set and name, or by the content of a recording."""
        named = (self.dataset, self.subject) == (other.dataset, other.subject)
        return named or not set(self.fingerprints).isdisjoint(other.fingerprints)

    def as_json(self) -> dict[str, Any]:
        """Return what a bundle keeps of a person."""
        kept = list(self.fingerprints[:MAX_FINGERPRINTS])
        return {"dataset": self.dataset, "subject": self.subject, "fingerprints": kept}

    @classmethod
    def from_json(cls, entry: Any) -> "Person":
        """Return the person that a bundle remembers.

        Raises
        ------
        DataError
            When the entry is not one that ``as_json`` made.
        """
        wanted = {"dataset": str, "subject": str, "fingerprints": list}
        if not isinstance(entry, Mapping) or any(type(entry.get(key)) is not kind for key, kind in wanted.items()):
            raise DataError(
                f"expected a person with data set, subject and fingerprints, got {str(entry)[:60]!r}",
                next_step="Use a bundle written by har train, or train it again.",
            )
        return cls(entry["dataset"], entry["subject"], tuple(map(str, entry["fingerprints"])))


def people_of(dataset: Dataset) -> dict[str, Person]:
    """Return the people of a data set by the names their recordings carry in it, in natural order.

    Every recording is fingerprinted, so that a part of the data of somebody known is recognised as well.
    """
    prints: dict[str, set[str]] = {subject: set() for subject in dataset.subjects}
    origins: dict[str, tuple[str, str]] = {}
    for item in dataset.recordings:
        prints[item.subject].add(fingerprint(item.samples))
        origins[item.subject] = item.origin or (dataset.name, item.subject)
    return {subject: Person(*origins[subject], tuple(sorted(found))) for subject, found in prints.items()}


def known_among(dataset: Dataset, known: Iterable[Person]) -> tuple[str, ...]:
    """Return the subjects of a data set who are among these people, in natural order."""
    remembered = tuple(known)
    return tuple(
        subject
        for subject, person in people_of(dataset).items()
        if any(person.is_same_as(other) for other in remembered)
    )


def fingerprint(samples: npt.NDArray[np.float32]) -> str:
    """Return the hash of samples in g; who wore the sensor, labels and rate do not count."""
    digest = hashlib.sha256()
    for block in blocks_of(samples):
        digest.update(np.ascontiguousarray(block, dtype="<f4").data)
    return digest.hexdigest()[:_DIGITS]
