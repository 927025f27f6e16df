"""Whom a bundle is judged on, and whether that is honest: never on people it learned from without saying so."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgehar.models.bundle import Bundle
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.errors import BundleError, DataError
from edgehar.pipeline.data.identity import Person, known_among, people_of
from edgehar.pipeline.data.recordings import Dataset, in_natural_order, unknown_subject
from edgehar.pipeline.data.splits import Split
from edgehar.pipeline.data.windows import Indices, Windows

TRAIN_SUBJECTS: Final = "train_subjects"
TRAIN_PEOPLE: Final = "train_people"
"""Keys of a bundle's configuration: whom the model learned from, by name, and by identity."""


@dataclass(frozen=True, slots=True)
class JudgedSubjects:
    """The subjects a bundle is judged on.

    Parameters
    ----------
    subjects
        In natural order.
    known
        Those of them the model learned from.
    protocol
        One sentence for a report.
    """

    subjects: tuple[str, ...]
    known: tuple[str, ...]
    protocol: str

    @property
    def is_honest(self) -> bool:
        """Whether the model learned from none of them."""
        return not self.known

    def indices(self, windows: Windows) -> Indices:
        """Return which windows are theirs."""
        return np.flatnonzero(np.isin(windows.subjects, self.subjects))


def choose_judged(
    bundle: Bundle,
    dataset: Dataset,
    windows: Windows,
    *,
    subjects: Sequence[str] | None = None,
    everyone: bool = False,
) -> JudgedSubjects:
    """Choose whom to judge a bundle on: by default people it has never seen.

    In the data set the bundle was trained on these are the subjects held out in training; in another one, everybody the
    model did not learn from. Two people are the same if data set and subject are, or if they share a recording, see
    `edgehar.pipeline.data.identity`.

    Parameters
    ----------
    bundle, dataset, windows
        The model, and the recordings and windows to judge it on.
    subjects
        These instead.
    everyone
        Everybody in the data instead.

    Raises
    ------
    UsageError
        If a subject is not in the data.
    DataError
        If the model learned from everybody in the data, or none of the subjects held out in training is in it.
    BundleError
        If the bundle does not say whom it was trained on.
    """
    there = windows.subject_names
    same_data = dataset.name == bundle.manifest.provenance.dataset
    trained = set(known_among(dataset, trained_people(bundle, needed=same_data)))
    if subjects is not None:
        for name in subjects:
            if name not in there:
                raise unknown_subject(name, there)
        chosen = in_natural_order(set(subjects))
    elif everyone:
        chosen = there
    else:
        wanted = set(_subjects_of(bundle, "held_out_subjects")) if same_data else set(there)
        chosen = tuple(name for name in there if name in wanted - trained)
        _expect_any(chosen, bundle, there, same_data=same_data)
    known = tuple(name for name in chosen if name in trained)
    return JudgedSubjects(chosen, known, _protocol(chosen, known, dataset, bundle, same_data))


def trained_people(bundle: Bundle, *, needed: bool = True) -> tuple[Person, ...]:
    """Return the people a bundle's model learned from; of an earlier version's bundle, by data set and name alone.

    Parameters
    ----------
    bundle
        The model.
    needed
        Whether a bundle that does not say so is refused; otherwise it learned from nobody that is known.

    Raises
    ------
    BundleError
        If the bundle does not say it.
    """
    origin = bundle.manifest.provenance
    entries = origin.configuration.get(TRAIN_PEOPLE)
    if isinstance(entries, list):
        return tuple(Person.from_json(entry) for entry in entries)
    if not needed and TRAIN_SUBJECTS not in origin.configuration:
        return ()
    return tuple(Person(origin.dataset, name, ()) for name in _subjects_of(bundle, TRAIN_SUBJECTS))


def check_apart(dataset: Dataset, splits: Iterable[Split]) -> None:
    """Refuse a split with the same recording on both sides, whatever the subjects are called.

    Raises
    ------
    DataError
        If there is one: a copy of a recording under another person's name, for example.
    """
    people = people_of(dataset)
    for split in splits:
        for learned, judged in itertools.product(split.train_subjects, split.test_subjects):
            if learned != judged and people[learned].is_same_as(people[judged]):
                raise DataError(
                    f"split {split.name}: expected people that share no recording, subject {learned} to learn from and "
                    f"subject {judged} to be judged on hold the same samples",
                    next_step="Remove the copy, or give both recordings the name of the person who made them.",
                    split=split.name,
                )


def check_activities(bundle: Bundle, dataset: Dataset, *, common_only: bool) -> None:
    """Refuse recordings of activities the model has no label for.

    Parameters
    ----------
    bundle, dataset
        The model, and the recordings.
    common_only
        Whether to leave such recordings out instead, as long as some activity is common.

    Raises
    ------
    DataError
        If an activity that was done is not among the bundle's labels; or none is, with ``common_only``.
    """
    check_recognises_activities(bundle.manifest, for_what="recordings", gyroscope=True)
    labels = bundle.manifest.labels
    recorded = {label.activity for recording in dataset.recordings for label in recording.labels}
    done = [activity for activity in dataset.activities if activity in recorded]
    unknown = [activity for activity in done if activity not in labels]
    common = len(done) > len(unknown)
    if unknown and not (common_only and common):
        raise DataError(
            f"{dataset.name}: expected activities among {', '.join(labels)}; got {', '.join(unknown)}",
            next_step="Leave those out with --common-activities."
            if common
            else "Use recordings of the model's activities, or train a model on these.",
            unknown=tuple(unknown),
        )


def _subjects_of(bundle: Bundle, key: str) -> tuple[str, ...]:
    """Return a list of subjects from the bundle's configuration."""
    configuration = bundle.manifest.provenance.configuration
    found = configuration.get(key)
    if not isinstance(found, list):
        raise BundleError(
            f"bundle {bundle.manifest.model_id}: expected {key} in the provenance, found none",
            next_step="Use a bundle written by har train, or train it again.",
            key=key,
        )
    return tuple(map(str, found))


def _expect_any(chosen: Sequence[str], bundle: Bundle, there: Sequence[str], *, same_data: bool) -> None:
    """Refuse to judge nobody."""
    if chosen:
        return
    names = _subjects_of(bundle, "held_out_subjects") if same_data else ()
    held_out = f" ({', '.join(names) or 'it learned from everybody'})" if same_data else ""
    raise DataError(
        f"expected subjects the model has never seen{held_out}, got recordings of {', '.join(there)}",
        next_step="Name the subjects to judge on with --subjects.",
    )


def _protocol(chosen: Sequence[str], known: Sequence[str], dataset: Dataset, bundle: Bundle, same_data: bool) -> str:
    """Return the sentence that says who was judged, and what the model knew of them."""
    who = f"subject{'s' if len(chosen) > 1 else ''} {', '.join(chosen)}"
    if known:
        return f"NOT HONEST: judged on {who}, of whom the model learned from {', '.join(known)}"
    if same_data:
        return f"Judged on {who}, never seen in training"
    return f"Judged on {who} of {dataset.name}; trained on {bundle.manifest.provenance.dataset}"
