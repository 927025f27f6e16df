"""Judging a model for programs: how well a bundle does on people it has never seen."""

import os
from collections.abc import Sequence

from edgehar.api.inference import Model, open_bundle
from edgehar.models.engines import load_engine
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.windows import make_windows
from edgehar.pipeline.evaluation import Evaluation, evaluate_windows
from edgehar.pipeline.evaluation.held_out import check_activities, choose_judged


def evaluate(
    bundle: Model,
    recordings: Dataset,
    *,
    engine: str = "auto",
    quantization: str = "float32",
    subjects: Sequence[str] | None = None,
    all_subjects: bool = False,
    common_activities: bool = False,
    hop: int | None = None,
) -> Evaluation:
    """Measure accuracy and macro-F1, per activity and per person.

    Parameters
    ----------
    bundle
        The model, or the path of one.
    recordings
        Labelled recordings.
    engine, quantization
        What computes, and which artifact of the bundle.
    subjects
        Whom to judge on. Default: whom the model has never seen. Naming somebody it learned from is possible, and the
        ``protocol`` of the result says so.
    all_subjects
        Everybody in the recordings instead.
    common_activities
        Leave out activities the model has no label for, instead of refusing.
    hop
        Samples from one window to the next. Default: the bundle's.

    Raises
    ------
    DataError
        If an activity has no label in the model, or nobody held out in training is in the recordings.
    UsageError
        If a subject, an engine or an artifact is not there.
    """
    model = open_bundle(bundle)
    check_activities(model, recordings, common_only=common_activities)
    window = model.manifest.window
    windows = make_windows(
        recordings,
        window_length=window.length,
        hop=window.hop if hop is None else hop,
        rate_hz=window.rate_hz,
        channels=len(window.channels),
        activities=model.manifest.labels,
    )
    people = choose_judged(model, recordings, windows, subjects=subjects, everyone=all_subjects)
    return evaluate_windows(
        load_engine(model, engine, quantization, threads=os.cpu_count() or 1),
        windows,
        people.indices(windows),
        protocol=people.protocol,
        train_subjects=model.manifest.provenance.configuration.get("train_subjects", ()),
    )
