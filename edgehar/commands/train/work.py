"""The work behind `har train`: every split with every seed, what is done kept, and all of it measured together."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from edgehar.commands.destination import Destination
from edgehar.commands.interruption import uninterrupted
from edgehar.commands.terminal_text import escape
from edgehar.commands.training_progress import watched
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.errors import BundleError, UsageError
from edgehar.pipeline.data.splits import Split
from edgehar.pipeline.evaluation import Evaluation, pool_evaluations
from edgehar.pipeline.evaluation.predictions import FOLDS_SUFFIX
from edgehar.pipeline.training.experiment import Experiment, plots_of
from edgehar.pipeline.training.starting import StartingRun

if TYPE_CHECKING:
    from edgehar.pipeline.bulk.folds import Fold

INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One model to train: a split, and a seed.

    Parameters
    ----------
    experiment
        With the seed.
    split
        Who is judged.
    place
        Where its bundle is written.
    title
        What is being trained, for people who watch.
    """

    experiment: Experiment
    split: Split
    place: Destination
    title: str


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What was asked for, all of it checked.

    Parameters
    ----------
    experiment
        What is trained, with the first seed.
    splits, seeds
        A model is trained for each of both.
    out
        Where the bundle to use is written; those of several models stand in a folder beside it.
    jobs
        How many models are trained at once, each in a process of its own; one is trained in this process.
    resume
        Whether models of an earlier run are kept.
    show_leaky
        Whether to train one more model on windows split at random.
    quiet
        Whether to show no progress.
    scheduler, data
        Address of a Dask scheduler that has the models trained, and where its workers find the recordings.
    start_run
        A kept run whose models these begin with; None where all begin as the experiment says.
    """

    experiment: Experiment
    splits: tuple[Split, ...]
    seeds: tuple[int, ...]
    out: Destination
    jobs: int
    resume: bool
    show_leaky: bool
    quiet: bool
    scheduler: str | None = None
    data: tuple[str, ...] = ()
    start_run: StartingRun | None = None

    @property
    def folds(self) -> Path:
        """The folder of the models of several splits or seeds."""
        return self.out.path.with_name(self.out.path.name + FOLDS_SUFFIX)

    def tasks(self) -> list[Task]:
        """Return every model to train, the seeds one after the other."""
        count = len(self.splits) * len(self.seeds)
        return [
            self._task(seed, split, seed_index * len(self.splits) + split_index + 1, count)
            for seed_index, seed in enumerate(self.seeds)
            for split_index, split in enumerate(self.splits)
        ]

    def say(self, sentence: str) -> None:
        """Print a sentence on stderr."""
        Console(stderr=True, highlight=False, soft_wrap=True).print(escape(sentence))

    def _task(self, seed: int, split: Split, number: int, count: int) -> Task:
        """Return one model to train."""
        experiment = self.experiment
        folder = self.folds if len(self.seeds) == 1 else self.folds / f"seed-{seed}"
        place = self.out if count == 1 else Destination(folder / split.name, may_replace=True)
        which = f" {number} of {count}" if count > 1 else ""
        with_seed = f", seed {seed}" if len(self.seeds) > 1 else ""
        title = (
            f"{experiment.architecture.name}{which}{with_seed}, {len(split.train):,} windows, "
            f"{experiment.trainer} trainer, judged on {', '.join(split.test_subjects) or 'nobody'}"
        )
        start = experiment.start if self.start_run is None else self.start_run.of(seed, split)
        return Task(replace(experiment, seed=seed, start=start), split, place, title)


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """One model, written and judged.

    Parameters
    ----------
    bundle, evaluation
        The model, and how it did on the people held out.
    probabilities : ndarray of shape (n, n_classes), float32
        What it said of their windows.
    """

    bundle: Bundle
    evaluation: Evaluation
    probabilities: NDArray[np.float32]

    @property
    def complete(self) -> bool:
        """Whether its training was not interrupted."""
        return self.bundle.manifest.provenance.complete


def earlier(work: Work, task: Task) -> Finished | None:
    """Return the model of an earlier run with the same settings, judged again; None where there is none.

    Raises
    ------
    UsageError
        If what stands there is of other data or another recipe: resuming would mix two experiments.
    """
    if not work.resume:
        return None
    try:
        bundle = read_bundle(task.place.path)
    except BundleError:
        return None
    _expect_same(task.experiment.differences(bundle, task.split), task.place.path)
    if not task.experiment.made(bundle, task.split):
        if not work.quiet:
            work.say(f"{task.title}: trained again, the one there is incomplete or of another version")
        return None
    if not work.quiet:
        work.say(f"{task.title}: kept from an earlier run")
    return judged(task, bundle)


def check_final(work: Work, first: Task) -> None:
    """Refuse to resume beside a bundle of another experiment, which would be replaced in the end.

    Raises
    ------
    UsageError
        If there is one.
    """
    try:
        bundle = read_bundle(work.out.path)
    except BundleError:
        return
    _expect_same(first.experiment.differences(bundle, first.split), work.out.path)


def _expect_same(differences: tuple[str, ...], place: Path) -> None:
    """Refuse a model that differs from the one that is asked for."""
    if differences:
        raise UsageError(
            f"{place}: expected a model of this very experiment to resume, this one differs in "
            f"{', '.join(differences)}",
            next_step="Use the settings it was trained with, or choose another --out.",
            differences=differences,
        )


def judged(task: Task, bundle: Bundle) -> Finished:
    """Judge a bundle on the people its split holds out."""
    probabilities = task.experiment.probabilities(bundle, task.split)
    return Finished(bundle, task.experiment.judge(bundle, task.split, probabilities), probabilities)


def train_task(task: Task, *, quiet: bool) -> Finished:
    """Train, compile and judge one model, and write its bundle.

    Raises
    ------
    typer.Exit
        With code 130, if interrupted where there is nothing to return.
    """
    experiment, split = task.experiment, task.split
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        with watched(task.title, epochs=experiment.recipe.total_epochs, quiet=quiet) as watcher:
            trained = experiment.train(split, watcher=watcher)
    except KeyboardInterrupt:
        console.print(
            escape(f"har: interrupted before the first epoch was done: nothing was written to {task.place.path}")
        )
        raise typer.Exit(INTERRUPTED) from None
    with uninterrupted():
        place = task.place.settled()
        if place != task.place.path:
            console.print(escape(f"{task.place.path} was made by somebody else meanwhile: writing to {place}"))
        bundle = experiment.bundle(split, trained).save(place)
    try:
        found = judged(task, bundle)
    except KeyboardInterrupt:
        console.print(
            escape(
                f"har: interrupted while the model was judged: it is in {place}; measure it with har evaluate {place}"
            )
        )
        raise typer.Exit(INTERRUPTED) from None
    plots = plots_of(trained, found.evaluation, name=experiment.architecture.name, seed=experiment.seed)
    saved = bundle.with_metrics([found.evaluation.metrics_entry()]).save(place, plots=plots)
    return replace(found, bundle=saved)


def arrived(task: Task, fold: "Fold") -> Finished:
    """Write the bundle of a model that a cluster trained."""
    saved = fold.bundle.save(task.place.settled(), plots=fold.plots)
    return Finished(saved, fold.evaluation, fold.probabilities)


def pooled(work: Work, models: list[Finished]) -> Finished:
    """Write the first model as the bundle to use, with what all of them reached together."""
    from edgehar.pipeline.evaluation.plots import confusion_files

    evaluation = pool_evaluations([each.evaluation for each in models], protocol=pooled_protocol(work))
    first, name = models[0].bundle, work.experiment.architecture.name
    pictures = confusion_files(evaluation, name=f"{name}, {len(models)} models")
    plots = {**first.plots(), **{f"pooled_{file}": content for file, content in pictures.items()}}
    bundle = first.with_metrics([evaluation.metrics_entry()]).save(work.out.settled(), plots=plots)
    return Finished(bundle, evaluation, models[0].probabilities)


def pooled_protocol(work: Work) -> str:
    """Return the sentence that says what several models are judged on."""
    count = len(work.splits) * len(work.seeds)
    of_seeds = f" ({len(work.seeds)} seeds)" if len(work.seeds) > 1 else ""
    return (
        f"Pooled over {count} models{of_seeds}, each judged on subjects it never saw; this bundle is the first of them"
    )


def leaky(work: Work) -> Evaluation | None:
    """Return what a random split makes of the same recipe; None if interrupted."""
    experiment = work.experiment
    try:
        title = f"{experiment.architecture.name}, windows split at random (leaky)"
        with watched(title, epochs=experiment.recipe.total_epochs, quiet=work.quiet) as watcher:
            return experiment.leaky(watcher=watcher)
    except KeyboardInterrupt:
        work.say("har: interrupted: the leaky number is missing, the bundle is not")
        return None
