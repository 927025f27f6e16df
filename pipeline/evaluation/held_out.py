"""Whom a bundle is judged on, and whether that is honest: never on people it learned from without saying so."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgehar.models.bundle import Bundle
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.errors import BundleError, DataError
from edgehar.pipeline.data.recordings import Dataset, in_natural_order, unknown_subject
from edgehar.pipeline.data.windows import Indices, Windows


@dataclass(frozen=True, slots=True)
class Jury:
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


def call_jury(
    bundle: Bundle,
    dataset: Dataset,
    windows: Windows,
    *,
    subjects: Sequence[str] | None = None,
    everyone: bool = False,
) -> Jury:
    """Choose whom to judge a bundle on: by default everybody it has never seen.

    People are taken to be the same when the data set has the same name as the one the bundle was trained on: then the
    default are the subjects held out in training. In another data set it is everybody.

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
        If none of the subjects held out in training is in the data.
    BundleError
        If the bundle does not say whom it was trained on.
    """
    there = windows.subject_names
    same_people = dataset.name == bundle.manifest.provenance.dataset
    trained = _subjects_of(bundle, "train_subjects") if same_people else ()
    if subjects is not None:
        for name in subjects:
            if name not in there:
                raise unknown_subject(name, there)
        chosen = in_natural_order(set(subjects))
    elif everyone or not same_people:
        chosen = there
    else:
        chosen = tuple(name for name in _subjects_of(bundle, "held_out_subjects") if name in there)
        _expect_any(chosen, bundle, there)
    known = tuple(name for name in chosen if name in trained)
    return Jury(chosen, known, _protocol(chosen, known, dataset, bundle, same_people))


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
    check_recognises_activities(bundle.manifest, for_what="recordings")
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


def _expect_any(chosen: Sequence[str], bundle: Bundle, there: Sequence[str]) -> None:
    """Refuse to judge nobody."""
    if not chosen:
        raise DataError(
            f"expected subjects the model has never seen ({', '.join(_subjects_of(bundle, 'held_out_subjects'))}), "
            f"got recordings of {', '.join(there)}",
            next_step="Name the subjects to judge on with --subjects.",
        )


def _protocol(chosen: Sequence[str], known: Sequence[str], dataset: Dataset, bundle: Bundle, same_people: bool) -> str:
    """Return the sentence that says who was judged, and what the model knew of them."""
    who = f"subject{'s' if len(chosen) > 1 else ''} {', '.join(chosen)}"
    if known:
        return f"NOT HONEST: judged on {who}, of whom the model learned from {', '.join(known)}"
    if same_people:
        return f"Judged on {who}, never seen in training"
    return f"Judged on {who} of {dataset.name}; trained on {bundle.manifest.provenance.dataset}"
