"""`har train --all-people`: a model that learned from everybody, with the figures of a run that did not."""

from pathlib import Path

import numpy as np
import typer

from edgehar.commands.interruption import uninterrupted
from edgehar.commands.progress import progress_bar
from edgehar.commands.train.run import Result
from edgehar.commands.train.work import INTERRUPTED, Finished, Work
from edgehar.commands.training_progress import watched
from edgehar.models.errors import UsageError
from edgehar.pipeline.training.experiment import plots_of
from edgehar.pipeline.training.kept_run import KeptRun, read_kept_run
from edgehar.pipeline.training.release import reference_figures


def check_release(*, all_people: bool, metrics_from: Path | None, seeds: int, show_leaky: bool, resume: bool) -> None:
    """Refuse a release without figures, and what means nothing for one.

    Raises
    ------
    UsageError
        If there is no run to take figures from, or one without a release.
    """
    if all_people != (metrics_from is not None):
        raise UsageError(
            "expected --all-people and --metrics-from RUN together, got one of them: a model that learned from "
            "everybody has nobody left to be judged on",
            next_step="Train a run with --leave-one-subject-out first, and pass its folder.",
        )
    others = {"--seeds": seeds > 1, "--show-leaky": show_leaky, "--resume": resume}
    given = [option for option, is_given in others.items() if is_given]
    if all_people and given:
        raise UsageError(
            f"--all-people: expected one model to train, got {' and '.join(given)}", next_step="Leave it out."
        )


def read_reference(path: Path, work: Work) -> KeptRun:
    """Return the run that figures are taken from, once it is sure that it is of the same recipe and recordings."""
    run, experiment = read_kept_run(path), work.experiment
    run.check_data(experiment.dataset)
    run.check_recipe(experiment.architecture.name, experiment.recipe)
    return run


def carry_out_release(work: Work, run: KeptRun) -> Result:
    """Measure the run, train on everybody, and write the bundle with the figures of the run.

    Raises
    ------
    typer.Exit
        With code 130, if interrupted: a part of a training is no release.
    """
    experiment, (task,) = work.experiment, work.tasks()
    with progress_bar("measuring the run", show=not work.quiet) as advance:
        figures = reference_figures(run, experiment.dataset, experiment.windows, progress=advance)
    with watched(task.title, epochs=experiment.recipe.total_epochs, quiet=work.quiet) as watcher:
        trained = experiment.train(task.split, watcher=watcher)
    if not trained.complete:
        work.say("har: interrupted: nothing was written, a part of a training is no model to release.")
        raise typer.Exit(INTERRUPTED)
    bundle = figures.given_to(experiment.bundle(task.split, trained))
    plots = plots_of(trained, figures.evaluation, name=experiment.architecture.name, seed=experiment.seed)
    with uninterrupted():
        saved = bundle.save(task.place.settled(), plots=plots)
    nothing = np.empty((0, experiment.architecture.classes), np.float32)
    return Result(Finished(saved, figures.evaluation, nothing), ())
