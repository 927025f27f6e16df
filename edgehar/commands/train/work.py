"""The work behind `har train`: train every split, keep what is done, and measure all of it together."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer
from rich.console import Console

from edgehar.commands.interruption import uninterrupted
from edgehar.commands.terminal_text import escape
from edgehar.commands.training_progress import watched
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.errors import BundleError
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.splits import Split
from edgehar.pipeline.data.windows import Windows
from edgehar.pipeline.evaluation import Evaluation, pool_evaluations
from edgehar.pipeline.training.recipe import Recipe

if TYPE_CHECKING:
    from edgehar.pipeline.training.experiment import Experiment

INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What was asked for, all of it checked."""

    dataset: Dataset
    windows: Windows
    model: str
    recipe: Recipe
    seed: int
    splits: tuple[Split, ...]
    out: Path
    resume: bool
    show_leaky: bool
    quiet: bool

    def place(self, split: Split) -> Path:
        """Return where the bundle of a split is written; those of several stand in a folder beside the final one."""
        return self.out if len(self.splits) == 1 else self.out.with_name(f"{self.out.name}.groups") / split.name

    def title(self, split: Split) -> str:
        """Return what is being trained, for people who watch."""
        which = f" {self.splits.index(split) + 1} of {len(self.splits)}" if len(self.splits) > 1 else ""
        judged = ", ".join(split.test_subjects)
        return f"{self.model}{which}, {len(split.train):,} windows, judged on {judged}"

    def say(self, sentence: str) -> None:
        """Print a sentence on stderr."""
        Console(stderr=True, highlight=False, soft_wrap=True).print(escape(sentence))


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """One model, written and judged."""

    bundle: Bundle
    evaluation: Evaluation

    @property
    def complete(self) -> bool:
        """Whether its training was not interrupted."""
        return self.bundle.manifest.provenance.complete


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The bundle to use, and what was measured: of itself, or of all models together.

    Parameters
    ----------
    final
        The bundle, and the evaluation that counts.
    models
        Every model trained.
    leaky
        What a model trained and judged on windows split at random seems to reach, if that was asked for.
    """

    final: Finished
    models: tuple[Finished, ...]
    leaky: Evaluation | None


def carry_out(work: Work) -> Result:
    """Train every split and write the bundles; stop after a model whose training was interrupted.

    Raises
    ------
    typer.Exit
        With code 130, if interrupted where there is nothing to return.
    """
    # TensorFlow takes seconds to import: only once everything that can be refused has been.
    from edgehar.pipeline.training.experiment import Experiment

    experiment = Experiment.of(work.dataset, work.windows, model=work.model, recipe=work.recipe, seed=work.seed)
    models: list[Finished] = []
    for split in work.splits:
        models.append(_earlier(work, experiment, split) or _train(work, experiment, split))
        if not models[-1].complete:
            return Result(models[-1], tuple(models), None)
    final = models[0] if len(models) == 1 else _pooled(work, models)
    return Result(final, tuple(models), _leaky(work, experiment) if work.show_leaky else None)


def _earlier(work: Work, experiment: "Experiment", split: Split) -> Finished | None:
    """Return the model of an earlier run with the same settings, judged again; None where there is none."""
    if not work.resume:
        return None
    try:
        bundle = read_bundle(work.place(split))
    except BundleError:
        return None
    if not experiment.made(bundle, split):
        return None
    work.say(f"{work.title(split)}: kept from an earlier run")
    return Finished(bundle, experiment.judge(bundle, split))


def _train(work: Work, experiment: "Experiment", split: Split) -> Finished:
    """Train, compile and judge one model, and write its bundle."""
    from edgehar.pipeline.training.experiment import plots_of

    place = work.place(split)
    try:
        with watched(work.title(split), epochs=work.recipe.epochs, quiet=work.quiet) as watcher:
            trained = experiment.train(split, watcher=watcher)
    except KeyboardInterrupt:
        work.say(f"har: interrupted before the first epoch was done: nothing was written to {place}")
        raise typer.Exit(INTERRUPTED) from None
    with uninterrupted():
        bundle = experiment.bundle(split, trained).save(place)
    try:
        evaluation = experiment.judge(bundle, split)
    except KeyboardInterrupt:
        work.say(f"har: interrupted while the model was judged: it is in {place}; measure it with har evaluate {place}")
        raise typer.Exit(INTERRUPTED) from None
    plots = plots_of(trained, evaluation, name=work.model, seed=work.seed)
    return Finished(bundle.with_metrics([evaluation.metrics_entry()]).save(place, plots=plots), evaluation)


def _pooled(work: Work, models: list[Finished]) -> Finished:
    """Write the first model as the final bundle, with what all of them reached together."""
    from edgehar.pipeline.evaluation.plots import confusion_files

    count = len(models)
    evaluation = pool_evaluations(
        [each.evaluation for each in models],
        protocol=f"Pooled over {count} models, each judged on subjects it never saw; this bundle is the first of them",
    )
    first = models[0].bundle
    pooled = confusion_files(evaluation, name=f"{work.model}, {count} models")
    plots = {**first.plots(), **{f"pooled_{name}": content for name, content in pooled.items()}}
    return Finished(first.with_metrics([evaluation.metrics_entry()]).save(work.out, plots=plots), evaluation)


def _leaky(work: Work, experiment: "Experiment") -> Evaluation | None:
    """Return what a random split makes of the same recipe; None if interrupted."""
    try:
        title = f"{work.model}, windows split at random (leaky)"
        with watched(title, epochs=work.recipe.epochs, quiet=work.quiet) as watcher:
            return experiment.leaky(watcher=watcher)
    except KeyboardInterrupt:
        work.say("har: interrupted: the leaky number is missing, the bundle is not")
        return None
