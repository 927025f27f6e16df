"""From a general bundle and one person's recordings to the bundle of that person, with what it gains."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from edgehar.models.bundle import WEIGHTS, Bundle
from edgehar.models.bundle.manifest import MetricsEntry
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.engines import load_engine
from edgehar.models.foreign_text import printable
from edgehar.models.mounting import Mounting
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.windows import Windows, make_windows
from edgehar.pipeline.evaluation import predict_probabilities
from edgehar.pipeline.training.personalization.figures import Figures, what_to_record
from edgehar.pipeline.training.personalization.making import Made, personal_bundle
from edgehar.pipeline.training.personalization.personal import Personal
from edgehar.pipeline.training.personalization.stages import Adaptation, Stage, adapt
from edgehar.pipeline.training.personalization.takes import first_takes, long_enough
from edgehar.pipeline.training.personalization.wearer import Wearer, check_channels, check_mounting, find_wearer

_OVERLAP: Final = 4
"""Windows to learn from begin so many times as often as those the bundle judges."""


@dataclass(frozen=True, slots=True, eq=False)
class Personalization:
    """A model fitted to a person, and what that gains.

    Parameters
    ----------
    bundle
        The new model, with every artifact made again and verified.
    wearer
        Whose it is.
    stages
        The steps that were tried.
    before, after
        What the general and the new model reach.
    protocol
        On what; one sentence.
    advice
        What to record more.
    remarks
        What else is to be said.
    """

    bundle: Bundle
    wearer: Wearer
    stages: tuple[Stage, ...]
    before: Figures
    after: Figures
    protocol: str
    advice: tuple[str, ...]
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return everything but the bundle as JSON-ready data."""
        return {
            "wearer": self.wearer.subject,
            "known_to_general_model": self.wearer.known,
            "protocol": self.protocol,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "steps": [
                {"name": stage.name, "macro_f1": stage.macro_f1, "kept": stage.kept, "reason": stage.reason}
                for stage in self.stages
            ],
            "artifacts": [entry.file for entry in self.bundle.manifest.artifacts],
            "record_more": list(self.advice),
            "remarks": list(self.remarks),
        }


def personalize(
    general: Bundle,
    dataset: Dataset,
    *,
    subject: str | None = None,
    test_later_takes: bool = False,
    mounting: Mounting | None = None,
    seed: int = 0,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Personalization:
    """Fit a model to one person.

    Parameters
    ----------
    general
        A model trained on other people.
    dataset
        Labelled recordings of the person.
    subject
        Whose, where there are several.
    test_later_takes
        Learn from the first take of each activity and test on the others, instead of learning from all of them.
    mounting
        How the sensor is mounted, where it is not as in the recordings the model was trained on.
    seed
        Of fine-tuning.
    progress
        Told how many of the models that cross-validation needs are done.

    Raises
    ------
    DataError
        If the recordings cannot be learned from: see `check_channels`, `find_wearer`, `check_mounting` and
        `long_enough`.
    UsageError
        If the model or the subject is not one that can be meant.
    CompileError
        If an artifact cannot be made again.
    """
    check_recognises_activities(general.manifest, for_what="personalize", gyroscope=True)
    check_channels(general, dataset)
    wearer = find_wearer(general, dataset, subject)
    own = replace(dataset, recordings=dataset.of_subject(wearer.subject))
    turned = own if mounting is None else _turned(own, mounting)
    spec = general.manifest.window
    often = max(1, spec.hop // _OVERLAP)
    windows = _windows(general, turned, often)
    everything = np.arange(len(windows))
    learned, remarks = long_enough(windows, first_takes(windows, everything)[0] if test_later_takes else everything)
    check_mounting(general, windows, learned, mounting)
    manifest = general.manifest
    personal = Personal(
        manifest.architecture,
        general.weights,
        manifest.normalization,
        windows,
        learned,
        seed=seed,
        threads=os.cpu_count() or 1,
    )
    adaptation = adapt(personal, progress)
    made = personal_bundle(general, adaptation, wearer, dataset, windows, learned, mounting=mounting, seed=seed)
    protocol = _protocol(wearer, test_later_takes)
    if test_later_takes:
        before, after = _tested(general, made, turned, own)
    else:
        before, after = _cross_validated(general, adaptation, windows)
    bundle = made.bundle.with_metrics([_entry(made.bundle, after, protocol, wearer, test_later_takes)])
    return Personalization(
        bundle,
        wearer,
        adaptation.stages,
        before,
        after,
        protocol,
        what_to_record(manifest, windows, learned, after.scores),
        (*wearer.remarks, *windows.notes, *remarks, *made.remarks),
    )


def _turned(dataset: Dataset, mounting: Mounting) -> Dataset:
    """Return recordings in the frame of the model."""
    recordings = tuple(replace(each, samples=mounting.apply(each.samples)) for each in dataset.recordings)
    return replace(dataset, recordings=recordings)


def _windows(bundle: Bundle, dataset: Dataset, hop: int) -> Windows:
    """Return windows of the model's activities."""
    manifest = bundle.manifest
    spec = manifest.window
    return make_windows(
        dataset,
        window_length=spec.length,
        hop=hop,
        rate_hz=spec.rate_hz,
        activities=manifest.labels,
        channels=len(spec.channels),
    )


def _tested(general: Bundle, made: Made, turned: Dataset, own: Dataset) -> tuple[Figures, Figures]:
    """Return what both models' compiled files say of the later takes; the new one is given the samples as recorded."""
    found = []
    for bundle, dataset in ((general, turned), (made.bundle, own)):
        windows = _windows(bundle, dataset, bundle.manifest.window.hop)
        _, tested = first_takes(windows, np.arange(len(windows)))
        engine = load_engine(bundle)
        said = predict_probabilities(engine, windows, tested)
        found.append(Figures.of(bundle.manifest, windows, tested, said, engine=engine))
    return found[0], found[1]


def _cross_validated(general: Bundle, adaptation: Adaptation, windows: Windows) -> tuple[Figures, Figures]:
    """Return what the general model and models fitted without a part say of that part, once every hop."""
    hop = general.manifest.window.hop
    judged = adaptation.judged
    apart = (windows.starts[judged] - windows.segment_starts[judged]) % hop == 0
    sparse = replace(windows, hop=hop)
    before, after = (
        Figures.of(general.manifest, sparse, judged[apart], said[apart])
        for said in (adaptation.before, adaptation.after)
    )
    return before, after


def _protocol(wearer: Wearer, tested: bool) -> str:
    """Return the sentence that says what was judged."""
    who = printable(wearer.subject, 60)
    known = ", whom the general model had learned from: NOT HONEST" if wearer.known else ""
    if tested:
        return f"Fitted to the first take of each activity of {who}{known}, judged on the later takes"
    return f"Cross-validated over takes of {who}{known}; says nothing about anybody else"


def _entry(bundle: Bundle, after: Figures, protocol: str, wearer: Wearer, tested: bool) -> MetricsEntry:
    """Return the figures of the new model as its bundle keeps them."""
    artifact = load_engine(bundle) if tested else None
    scores = after.scores
    return MetricsEntry(
        protocol=protocol,
        engine="numpy" if artifact is None else artifact.name,
        artifact=WEIGHTS if artifact is None else artifact.artifact,
        quantization="float32" if artifact is None else artifact.quantization,
        train_subjects=(wearer.subject,),
        test_subjects=(wearer.subject,),
        windows=scores.windows,
        accuracy=scores.accuracy,
        macro_f1=scores.macro_f1,
        per_class_f1=scores.per_class_f1,
    )
