"""Run the work of `har train`: one model after the other, or several at once in processes or on a cluster."""

import concurrent.futures
import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from typing import Any

import typer

from edgehar.commands.destination import clear_folds
from edgehar.commands.interruption import uninterrupted
from edgehar.commands.train.work import (
    INTERRUPTED,
    Finished,
    Task,
    Work,
    arrived,
    check_final,
    earlier,
    leaky,
    pooled,
    pooled_protocol,
    train_task,
)
from edgehar.commands.training_progress import watched_folds
from edgehar.models.errors import HarError, TrainingError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.intervals import Intervals, bootstrap_intervals
from edgehar.pipeline.evaluation.predictions import PREDICTIONS, Predictions, PredictionsOrigin


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The bundle to use, and what was measured: of itself, or of all models together.

    Parameters
    ----------
    final
        The bundle, and the evaluation that counts.
    models
        Every model trained.
    predictions, intervals
        Of all models together; None of one alone.
    leaky
        What a model trained and judged on windows split at random seems to reach, if that was asked for.
    """

    final: Finished
    models: tuple[Finished, ...]
    predictions: Predictions | None = None
    intervals: Intervals | None = None
    leaky: Evaluation | None = None


def carry_out(work: Work) -> Result:
    """Train every model and write the bundles; stop after one whose training was interrupted.

    Raises
    ------
    typer.Exit
        With code 130, if interrupted where there is nothing to return.
    """
    tasks = work.tasks()
    if len(tasks) > 1:
        if work.resume:
            check_final(work, tasks[0])
        else:
            clear_folds(work.folds)
    kept = [earlier(work, task) for task in tasks]
    missing = [index for index, found in enumerate(kept) if found is None]
    runner = _one_by_one
    if work.scheduler is not None and missing:
        runner = _on_cluster
    elif work.jobs > 1 and len(missing) > 1:
        runner = _in_parallel
    for index, found in runner(work, tasks, missing):
        kept[index] = found
        if not found.complete:
            return Result(found, tuple(each for each in kept if each is not None))
    models = [each for each in kept if each is not None]
    leaky_evaluation = leaky(work) if work.show_leaky else None
    if len(models) == 1:
        return Result(models[0], tuple(models), leaky=leaky_evaluation)
    predictions = _predictions(work, models)
    predictions.save(work.folds / PREDICTIONS)
    intervals = bootstrap_intervals(predictions.per_subject())
    return Result(pooled(work, models), tuple(models), predictions, intervals, leaky_evaluation)


def _one_by_one(work: Work, tasks: list[Task], missing: list[int]) -> Iterator[tuple[int, Finished]]:
    """Train in this process, with the progress of every epoch."""
    for index in missing:
        yield index, train_task(tasks[index], quiet=work.quiet)


def _in_parallel(work: Work, tasks: list[Task], missing: list[int]) -> Iterator[tuple[int, Finished]]:
    """Train several models at once; what is finished when somebody interrupts is kept."""
    context = multiprocessing.get_context("spawn")
    jobs = min(work.jobs, len(missing))
    pool = concurrent.futures.ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(work,))
    futures: dict[concurrent.futures.Future[Finished], int] = {}
    done = len(tasks) - len(missing)
    try:
        with watched_folds(work.experiment.architecture.name, done=done, total=len(tasks), quiet=work.quiet) as advance:
            if not work.quiet:
                work.say(f"{work.experiment.architecture.name}: {len(missing)} models to train, {jobs} at once")
            # The processes inherit that they are not interrupted: this one decides.
            with uninterrupted():
                futures.update({pool.submit(_train_in_process, index): index for index in missing})
            for future in concurrent.futures.as_completed(futures):
                index, found = futures[future], future.result()
                advance(f"{tasks[index].title}: macro-F1 {found.evaluation.scores.macro_f1:.3f}")
                yield index, found
    except KeyboardInterrupt:
        finished = done + sum(future.done() and not future.cancelled() for future in futures)
        _end(pool)
        raise _interrupted(work, finished, len(tasks)) from None
    except BrokenProcessPool as error:
        raise TrainingError(
            "expected every training process to end with a model, one died",
            next_step="Check the memory, use fewer --jobs, and go on with --resume.",
        ) from error
    except BaseException:
        _end(pool)
        raise
    pool.shutdown()


def _on_cluster(work: Work, tasks: list[Task], missing: list[int]) -> Iterator[tuple[int, Finished]]:
    """Train on a Dask cluster; this process writes every model when it comes."""
    from edgehar.pipeline.bulk.cluster import opened_cluster
    from edgehar.pipeline.bulk.folds import FoldPlan, submit_fold

    name, done = work.experiment.architecture.name, len(tasks) - len(missing)
    plan = FoldPlan.of(work.experiment, work.data)
    try:
        with (
            opened_cluster(work.scheduler, None) as cluster,
            watched_folds(name, done=done, total=len(tasks), quiet=work.quiet) as advance,
        ):
            if not work.quiet:
                work.say(f"{name}: {len(missing)} models to train, by {cluster.workers} workers of {work.scheduler}")
            for index in missing:
                own = replace(plan, start=tasks[index].experiment.start)
                submit_fold(cluster, str(index), own, tasks[index].split, tasks[index].experiment.seed)
            for _ in missing:
                outcome = cluster.wait()
                if isinstance(outcome.error, HarError):
                    raise outcome.error
                if outcome.error is not None:
                    raise TrainingError(
                        f"expected a worker to end with a model, it failed ({printable(str(outcome.error), 200)})",
                        next_step="Look into the worker's log, and go on with --resume.",
                    ) from outcome.error
                task = tasks[int(outcome.name)]
                with uninterrupted():
                    found = arrived(task, outcome.value)
                    done += 1
                advance(f"{task.title}: macro-F1 {found.evaluation.scores.macro_f1:.3f}")
                yield int(outcome.name), found
    except KeyboardInterrupt:
        raise _interrupted(work, done, len(tasks)) from None


def _interrupted(work: Work, finished: int, models: int) -> typer.Exit:
    """Say what is complete, and return how the program ends."""
    work.say(f"har: interrupted: {finished} of {models} models are complete, in {work.folds}: go on with --resume.")
    return typer.Exit(INTERRUPTED)


def _end(pool: concurrent.futures.ProcessPoolExecutor) -> None:
    """End the processes without waiting for their models."""
    children = multiprocessing.active_children()
    pool.shutdown(wait=False, cancel_futures=True)
    for child in children:
        child.kill()
    for child in children:
        child.join()


_process_work: list[Any] = []
"""In a training process: its work, and that work's tasks."""


def _begin(work: Work) -> None:
    """Begin a training process; whether to go on when somebody interrupts is decided by the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _process_work[:] = [work.tasks()]


def _train_in_process(index: int) -> Finished:
    """Train one model in this process."""
    task: Task = _process_work[0][index]
    return train_task(task, quiet=True)


def _predictions(work: Work, models: list[Finished]) -> Predictions:
    """Return what every model said of the people it had not seen."""
    experiment, count = work.experiment, len(work.splits)
    evaluation, windows = models[0].evaluation, work.experiment.windows
    origin = PredictionsOrigin(
        model=experiment.architecture.name,
        dataset=experiment.dataset.name,
        dataset_sha256=experiment.dataset.content_hash,
        protocol=pooled_protocol(work).partition(";")[0],
        engine=evaluation.engine,
        runtime=evaluation.runtime,
        artifact=evaluation.artifact,
        quantization=evaluation.quantization,
        labels=windows.activities,
        seeds=work.seeds,
        hop=windows.hop,
        window_length=windows.window_length,
        rate_hz=windows.rate_hz,
    )
    folds = [
        (split.name, split.test, [models[seed * count + index].probabilities for seed in range(len(work.seeds))])
        for index, split in enumerate(work.splits)
    ]
    return Predictions.of(origin, windows, folds)
