"""Pictures for programs and notebooks: of a recording, a data set, a training, an evaluation."""

from functools import singledispatch
from itertools import pairwise
from typing import Any, Final

import numpy as np

from edgehar.api.training import Training
from edgehar.pipeline.data.recordings import Dataset, Recording
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.plots import FAINT, INK, Picture, confusion_figure
from edgehar.pipeline.training.learning_curves import learning_curves_figure

_AXES: Final = (("x", "#2066a8"), ("y", "#c2571a"), ("z", "#2f855a"))
_BANDS: Final = ("#e8eef5", "#f7efe6")
_MOST_POINTS: Final = 4000
"""Points of a line; a picture is not wider."""


@singledispatch
def plot(subject: Any) -> Picture:
    """Return a picture of a recording, a data set, a training or an evaluation.

    Parameters
    ----------
    subject
        A `Recording` (its signal, with its labels and gaps), a `Dataset` (who did what for how long), a `Training`
        (its learning curves), or an `Evaluation` (its confusion matrix).

    Returns
    -------
    Picture
        A matplotlib figure. A notebook shows it; ``.savefig("name.png")`` keeps it.

    Raises
    ------
    TypeError
        If it is none of these.

    Examples
    --------
    >>> import edgehar
    >>> recordings = edgehar.load_recordings("synthetic", progress=False)
    >>> picture = edgehar.plot(recordings.recordings[0])
    >>> picture.axes[0].get_ylabel()
    'acceleration, g'
    """
    raise TypeError(f"plot: expected a Recording, Dataset, Training or Evaluation, got {type(subject).__name__}")


@plot.register
def _(recording: Recording) -> Picture:
    """Draw the signal over time, its labels as bands and its gaps as lines."""
    picture = Picture(figsize=(11.0, 3.6), layout="constrained")
    axes = picture.subplots()
    stamps = recording.timestamps_s
    times = np.arange(len(recording)) / recording.rate_hz if stamps is None else stamps - stamps[0]
    edges = [0, *recording.gaps, len(recording)]
    step = max(1, len(recording) // _MOST_POINTS)
    for place, (name, colour) in enumerate(_AXES):
        for start, stop in pairwise(edges):
            own = slice(start, stop, step)
            # A name that begins with an underscore stays out of the legend.
            label = name if start == 0 else f"_{name}"
            axes.plot(times[own], recording.samples[own, place], color=colour, linewidth=0.8, label=label)
    for gap in recording.gaps:
        axes.axvline(times[gap], color=FAINT, linewidth=1, linestyle=(0, (3, 3)))
    for index, interval in enumerate(recording.labels):
        begin, end = float(times[interval.start]), float(times[interval.stop - 1])
        axes.axvspan(begin, end, color=_BANDS[index % 2], zorder=0)
        where = ((begin + end) / 2, 1.02)
        axes.annotate(interval.activity, where, xycoords=("data", "axes fraction"), ha="center", fontsize=8, color=INK)
    axes.set_xlim(times[0], times[-1])
    axes.set_xlabel("seconds")
    axes.set_ylabel("acceleration, g")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="lower right")
    _title(picture, f"{recording.recording_id}, subject {recording.subject}, {recording.rate_hz:g} Hz")
    return picture


@plot.register
def _(dataset: Dataset) -> Picture:
    """Draw how many minutes each person did each activity."""
    seconds, people, activities = dataset.seconds(), dataset.subjects, dataset.activities
    minutes = np.array([[seconds.get((who, what), 0.0) / 60 for who in people] for what in activities])
    size = (2.6 + 0.55 * len(people), 1.2 + 0.36 * len(activities))
    picture = Picture(figsize=size, layout="constrained")
    axes = picture.subplots()
    axes.imshow(minutes, cmap="Blues", vmin=0.0, aspect="auto")
    for row, column in np.ndindex(*minutes.shape):
        if minutes[row, column]:
            ink = "white" if minutes[row, column] > 0.6 * minutes.max() else INK
            text = f"{minutes[row, column]:.1f}"
            axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=8)
    axes.set_xticks(range(len(people)), people)
    axes.set_yticks(range(len(activities)), activities)
    axes.set_xlabel("subject")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _title(picture, f"{dataset.name}: labelled minutes")
    return picture


@plot.register
def _(training: Training) -> Picture:
    """Draw loss and accuracy over the epochs."""
    manifest = training.bundle.manifest
    title = f"{manifest.architecture.name}, seed {manifest.provenance.seed}"
    kept: int = manifest.provenance.configuration["kept_epoch"]
    return learning_curves_figure(training.history, title=title, kept_epoch=kept)


@plot.register
def _(evaluation: Evaluation) -> Picture:
    """Draw the confusion matrix."""
    title = f"{evaluation.artifact} on {evaluation.engine}"
    return confusion_figure(evaluation.scores, title=title, subtitle=evaluation.protocol)


def _title(picture: Picture, text: str) -> None:
    """Write what the picture shows above it."""
    picture.suptitle(text, x=0.01, ha="left", fontsize=10, color=INK)
