"""Several data sets as one: subjects kept apart, activities united, and no recording twice."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from edgehar.models.contract import ACTIVITIES
from edgehar.models.errors import UsageError
from edgehar.pipeline.data.identity import fingerprint
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording, in_natural_order

_NUMBER: Final = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
"""A number: its sign is no hyphen."""
UNLABELLED: Final = ""
"""Map a label to this to leave its samples without a label."""


@dataclass(frozen=True, slots=True)
class Relabelling:
    """Data sets whose labels were renamed, and sentences about it."""

    datasets: tuple[Dataset, ...]
    activities: tuple[str, ...]
    notes: tuple[str, ...]


def mix(datasets: Sequence[Dataset], *, label_map: Mapping[str, str] | None = None) -> Dataset:
    """Return the recordings of several data sets as one data set.

    Subjects are called ``DATASET:SUBJECT``, so that equal names of different people stay apart. Labels are renamed by
    the map; labels that differ only in case, spaces or underscores are one. A recording with the same samples as an
    earlier one is left out, and said: a model must not be judged on what it learned from under another name.

    Parameters
    ----------
    datasets
        At least one; one alone keeps the names of its subjects.
    label_map
        From labels as they are (in any case, with spaces or underscores) to labels as they should be;
        ``UNLABELLED`` takes a label away.

    Raises
    ------
    UsageError
        When there is no data set, or the map names a label that no recording has.

    Examples
    --------
    >>> from edgehar.pipeline.data.synthetic import synthetic_dataset
    >>> both = mix([synthetic_dataset(seed=0), synthetic_dataset(seed=1)])
    >>> both.subjects[0], len(both.activities)
    ('synthetic:1', 12)
    """
    if not datasets:
        raise UsageError("expected at least one data set, got none", next_step="Name one with --data.")
    if len(datasets) == 1 and not label_map:
        return datasets[0]
    relabelled = relabel(datasets, label_map or {})
    if len(datasets) == 1:
        (only,) = relabelled.datasets
        return replace(only, activities=relabelled.activities, notes=(*only.notes, *relabelled.notes))
    names = _distinct([dataset.name for dataset in datasets])
    recordings, problems = _joined(relabelled.datasets, names)
    problems = [*_prefixed(names, [dataset.problems for dataset in datasets]), *problems]
    return Dataset(
        name=" + ".join(names),
        activities=relabelled.activities,
        recordings=tuple(recordings),
        problems=tuple(problems),
        notes=(*_prefixed(names, [dataset.notes for dataset in datasets]), *relabelled.notes),
        terms=" ".join(dict.fromkeys(_prefixed(names, [[d.terms] if d.terms else [] for d in datasets]))),
    )


def relabel(datasets: Sequence[Dataset], label_map: Mapping[str, str]) -> Relabelling:
    """Rename the labels of data sets, and unite those that differ only in how they are written.

    Raises
    ------
    UsageError
        When the map names a label that no data set has.
    """
    listed = list(dict.fromkeys(name for dataset in datasets for name in dataset.activities))
    names = united_spellings(listed, as_known=len(datasets) > 1)
    notes = [
        f"The labels {', '.join(repr(was) for was in written)} are taken as one, {name!r}."
        for name in dict.fromkeys(names.values())
        if len(written := [was for was, now in names.items() if now == name]) > 1
    ]
    wanted = {plain_label(was): now.strip() for was, now in label_map.items()}
    unknown = [was for was in label_map if plain_label(was) not in {plain_label(name) for name in listed}]
    if unknown:
        raise UsageError(
            f"the label {unknown[0]!r} is in none of the data; there are {', '.join(listed) or 'none'}",
            next_step="Map labels that are there: --map 'OLD=NEW'.",
            label=unknown[0],
        )
    targets = {was: wanted.get(plain_label(was), now) for was, now in names.items()}
    targeted = [now for now in targets.values() if now != UNLABELLED]
    united = united_spellings(targeted, as_known=len(datasets) > 1)
    names = {was: united.get(now, UNLABELLED) for was, now in targets.items()}
    activities = in_known_order(now for now in names.values() if now != UNLABELLED)
    return Relabelling(tuple(_renamed(d, names, activities) for d in datasets), activities, tuple(notes))


def plain_label(name: str) -> str:
    """Return a label without case, underscores, hyphens and stray spaces: what makes two spellings one.

    Examples
    --------
    >>> plain_label(" WALKING_Upstairs "), plain_label("walking  upstairs")
    ('walking upstairs', 'walking upstairs')
    >>> plain_label("-1"), plain_label("1")
    ('-1', '1')
    """
    if _NUMBER.fullmatch(name.strip()):
        return name.strip()
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())


def united_spellings(names: Iterable[str], *, as_known: bool = True) -> dict[str, str]:
    """Return for every label the spelling to use: that of the known activities, if wanted, else the first one met.

    Examples
    --------
    >>> united_spellings(["Walk", "walk ", "SITTING"])
    {'Walk': 'Walk', 'walk ': 'Walk', 'SITTING': 'Sitting'}
    """
    chosen: dict[str, str] = {}
    listed = list(names)
    known = {plain_label(name): name for name in ACTIVITIES} if as_known else {}
    for name in listed:
        chosen.setdefault(plain_label(name), known.get(plain_label(name), " ".join(name.split())))
    return {name: chosen[plain_label(name)] for name in listed}


def in_known_order(activities: Iterable[str]) -> tuple[str, ...]:
    """Return activities once each: in the order of the training defaults if all are among these, else naturally."""
    found = set(activities)
    return tuple(name for name in ACTIVITIES if name in found) if found <= set(ACTIVITIES) else in_natural_order(found)


def _renamed(dataset: Dataset, names: Mapping[str, str], activities: tuple[str, ...]) -> Dataset:
    """Return a data set with its labels renamed; neighbours that became one label are joined."""
    recordings = tuple(replace(item, labels=_labels(item.labels, names)) for item in dataset.recordings)
    return replace(dataset, recordings=recordings, activities=activities)


def _labels(labels: Iterable[LabelInterval], names: Mapping[str, str]) -> tuple[LabelInterval, ...]:
    """Return renamed intervals."""
    renamed: list[LabelInterval] = []
    for label in labels:
        name = names[label.activity]
        if name == UNLABELLED:
            continue
        if renamed and renamed[-1].activity == name and renamed[-1].stop == label.start:
            renamed[-1] = LabelInterval(renamed[-1].start, label.stop, name)
        else:
            renamed.append(LabelInterval(label.start, label.stop, name))
    return tuple(renamed)


def _joined(datasets: Sequence[Dataset], names: Sequence[str]) -> tuple[list[Recording], list[str]]:
    """Return all recordings once, renamed, and what was left out."""
    kept: list[Recording] = []
    seen: dict[str, str] = {}
    problems = []
    for name, dataset in zip(names, datasets, strict=True):
        for item in dataset.recordings:
            called = f"{name}:{item.recording_id}"
            earlier = seen.setdefault(fingerprint(item.samples), called)
            if earlier != called:
                problems.append(f"{called} was left out: it has the same samples as {earlier}.")
                continue
            origin = item.origin or (dataset.name, item.subject)
            kept.append(replace(item, recording_id=called, subject=f"{name}:{item.subject}", origin=origin))
    return kept, problems


def _distinct(names: Sequence[str]) -> list[str]:
    """Return names that differ: the second of two equal ones is numbered."""
    distinct: list[str] = []
    for name in names:
        number, called = 1, name
        while called in distinct:
            number += 1
            called = f"{name}-{number}"
        distinct.append(called)
    return distinct


def _prefixed(names: Sequence[str], sentences: Sequence[Sequence[str]]) -> list[str]:
    """Return the sentences of all data sets, each with the name of its own."""
    return [f"{name}: {sentence}" for name, said in zip(names, sentences, strict=True) for sentence in said]
