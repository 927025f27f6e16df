"""A search over units, layers and recipe: trials on a cluster, each judged on people its models never saw; it resumes.

Optuna proposes (TPE); what it has learned is in a journal in the folder of the search. A trial trains one model for
every split and seed, each of them a task of its own.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN
from edgehar.models.contract import SAMPLE_RATE_HZ, WINDOW_LENGTH
from edgehar.models.errors import HarError, UsageError
from edgehar.models.files import alone
from edgehar.pipeline.bulk.cluster import Cluster, Outcome, opened_cluster
from edgehar.pipeline.bulk.folds import shared_windows
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.splits import Split, leave_one_subject_out, subject_groups
from edgehar.pipeline.data.windows import Windows
from edgehar.pipeline.evaluation.intervals import bootstrap_intervals
from edgehar.pipeline.evaluation.metrics import Scores
from edgehar.pipeline.training.experiment import Experiment
from edgehar.pipeline.training.recipes import default_recipe
from edgehar.pipeline.training.trainers import AUTO, choose_trainer

JOURNAL: Final = "study.log"
SETTINGS: Final = "edgehar"
CELLS: Final = {"simple_rnn": (SimpleRNN, "RNN"), "lstm": (LSTM, "LSTM"), "gru": (GRU, "GRU")}
"""Models whose size can be searched."""
_UNITS: Final = (8, 64, 8)
_LAYERS: Final = (1, 3)

PersonScores = dict[str, list[list[int]]]
"""Confusion matrices by person, as lists: what travels from a worker."""


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """What stays the same over all trials.

    Parameters
    ----------
    data
        Paths of recordings, which every worker can read.
    model
        One of `CELLS`.
    groups
        How many groups of people are judged, each by a model that never saw it; None for every person by one.
    seeds
        Models of each split.
    epochs
        Of every model; None for the recipe's.
    hop
        Samples from one window to the next.
    dropout
        Whether to search recurrent dropout, which only the slower Keras trainer knows.
    """

    data: tuple[str, ...]
    model: str
    groups: int | None
    seeds: int
    epochs: int | None
    hop: int
    dropout: bool = False

    def __post_init__(self) -> None:
        if self.model not in CELLS:
            raise UsageError(
                f"model: expected one of {', '.join(CELLS)}, got {self.model!r}", next_step="Choose one of these names."
            )

    def splits(self, windows: Windows) -> tuple[Split, ...]:
        """Return who is judged by which model."""
        return leave_one_subject_out(windows) if self.groups is None else subject_groups(windows, self.groups)

    def to_json(self, content_hash: str) -> dict[str, Any]:
        """Return what results of a search depend on."""
        return {
            "data": content_hash, "model": self.model, "groups": self.groups, "seeds": self.seeds,
            "epochs": self.epochs, "hop": self.hop, "dropout": self.dropout,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class TrialResult:
    """A trial that is done.

    Parameters
    ----------
    number, parameters
        Which one, and what was tried.
    macro_f1, interval
        Over all people, mean over seeds; and where 90 % of such groups of people would lie.
    weights
        How many numbers the model has.
    """

    number: int
    parameters: dict[str, Any]
    macro_f1: float
    interval: tuple[float, float]
    weights: int

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON-ready data."""
        return {
            "trial": self.number, **self.parameters, "macro_f1": self.macro_f1, "interval": list(self.interval),
            "parameters": self.weights,
        }  # fmt: skip


def search(
    plan: SearchPlan,
    folder: Path,
    *,
    trials: int,
    scheduler: str | None = None,
    workers: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int | None], None] | None = None,
) -> list[TrialResult]:
    """Try so many settings in all, those of earlier runs in the same folder counted; return them, the best first.

    Raises
    ------
    UsageError
        When the folder holds a search of something else.
    ClusterError
        When the cluster is not there, or went away.
    """
    dataset, windows = _data(plan.data, plan.hop)
    splits = plan.splits(windows)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / JOURNAL):
        study = _study(folder, plan.to_json(dataset.content_hash), seed)
        done = _completed(study)
        if len(done) < trials:
            size = 2**40 if len(splits) * plan.seeds * (trials - len(done)) > 1 else 1
            with opened_cluster(scheduler, workers, size=size) as cluster:
                _Search(plan, study, cluster, len(splits), windows.activities, progress).run(trials - len(done))
        results = [_result(trial) for trial in _completed(study)]
    return sorted(results, key=lambda result: -result.macro_f1)


def train_and_judge(plan: SearchPlan, parameters: dict[str, Any], split: int, seed: int) -> PersonScores:
    """Train one model of a trial, and return how often it took what for what, by person."""
    dataset, windows = _data(plan.data, plan.hop)
    architecture = architecture_of(plan, parameters, len(windows.activities))
    recipe = default_recipe(plan.model).changed(
        learning_rate=parameters["learning_rate"], rotation_deg=parameters["rotation_deg"],
        offset_samples=parameters["offset_samples"], recurrent_dropout=parameters.get("recurrent_dropout", 0.0),
        epochs=plan.epochs,
    )  # fmt: skip
    if recipe.initialization == "structured" and parameters["layers"] != 2:
        recipe = replace(recipe, initialization="orthogonal")
    trainer, _ = choose_trainer(AUTO, architecture, recipe)
    experiment = Experiment(dataset, windows, architecture, recipe, seed, trainer, 1)
    chosen = plan.splits(windows)[split]
    trained = experiment.train(chosen)
    if not trained.complete:
        raise KeyboardInterrupt
    found = experiment.judge(experiment.bundle(chosen, trained), chosen)
    return {name: scores.confusion.tolist() for name, scores in found.per_subject.items()}


def architecture_of(plan: SearchPlan, parameters: Mapping[str, Any], classes: int) -> Architecture:
    """Return the stack of recurrent layers that a trial tries.

    Examples
    --------
    >>> plan = SearchPlan(("synthetic",), "lstm", 4, 1, None, 100)
    >>> architecture_of(plan, {"units": 32, "layers": 2}, 12).parameter_count
    13324
    """
    cell, prefix = CELLS[plan.model]
    depth, units = parameters["layers"], parameters["units"]
    layers = tuple(cell(f"{prefix}_{index + 1}", units, index < depth - 1) for index in range(depth))
    return Architecture(f"{plan.model}-{depth}x{units}", 200, 3, (*layers, Dense("Output", classes, "softmax")))


class _Search:
    """Trials on their way."""

    def __init__(
        self,
        plan: SearchPlan,
        study: Any,
        cluster: Cluster,
        splits: int,
        activities: tuple[str, ...],
        progress: Callable[[int, int | None], None] | None,
    ) -> None:
        self._plan, self._study, self._cluster = plan, study, cluster
        self._splits, self._activities = splits, activities
        self._progress = progress or (lambda done, total: None)
        self._open: dict[int, Any] = {}
        self._found: dict[int, dict[int, dict[str, Scores]]] = {}

    def run(self, trials: int) -> None:
        """Try so many more settings."""
        tasks = self._splits * self._plan.seeds
        ahead, left, ended = max(1, -(-self._cluster.workers // tasks)), trials, 0
        while left or self._open:
            while left and len(self._open) < ahead:
                self._begin(self._study.ask())
                left -= 1
            self._take(self._cluster.wait(), tasks)
            ended += 1
            self._progress(ended, trials * tasks)

    def _begin(self, trial: Any) -> None:
        """Propose, and begin to train."""
        parameters = {
            "units": trial.suggest_int("units", _UNITS[0], _UNITS[1], step=_UNITS[2]),
            "layers": trial.suggest_int("layers", *_LAYERS),
            "learning_rate": trial.suggest_float("learning_rate", 5e-4, 2e-2, log=True),
            "rotation_deg": trial.suggest_float("rotation_deg", 0.0, 30.0),
            "offset_samples": trial.suggest_categorical("offset_samples", [0, 50]),
        }
        if self._plan.dropout:
            parameters["recurrent_dropout"] = trial.suggest_float("recurrent_dropout", 0.0, 0.4)
        self._open[trial.number] = (trial, parameters)
        self._found[trial.number] = {seed: {} for seed in range(self._plan.seeds)}
        for seed in range(self._plan.seeds):
            for split in range(self._splits):
                name = f"{trial.number}/{seed}/{split}"
                self._cluster.submit(name, train_and_judge, self._plan, parameters, split, seed)

    def _take(self, outcome: Outcome, tasks: int) -> None:
        """Take a model's scores; the last one of a trial ends it."""
        number, seed, _ = (int(part) for part in outcome.name.split("/"))
        if outcome.error is not None:
            if isinstance(outcome.error, HarError):
                raise outcome.error
            raise HarError(
                f"trial {number}: expected a model, but training failed ({outcome.error})"
            ) from outcome.error
        found = self._found[number]
        for person, confusion in outcome.value.items():
            found[seed][person] = Scores(self._activities, np.array(confusion, np.int64))
        trial, parameters = self._open[number]
        trial.set_user_attr(f"models-{seed}", trial.user_attrs.get(f"models-{seed}", 0) + 1)
        if sum(trial.user_attrs.get(f"models-{each}", 0) for each in found) < tasks:
            return
        scores = list(found.values())
        pooled = [Scores.pooled(people.values()).macro_f1 for people in scores]
        trial.set_user_attr("interval", list(bootstrap_intervals(scores).macro_f1))
        trial.set_user_attr("weights", architecture_of(self._plan, parameters, len(self._activities)).parameter_count)
        self._study.tell(trial, float(np.mean(pooled)))
        del self._open[number], self._found[number]


def _study(folder: Path, settings: dict[str, Any], seed: int) -> Any:
    """Open the journal of a search; trials that were on their way when it was stopped are given up."""
    import optuna
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(
        storage=storage, sampler=sampler, study_name="edgehar", direction="maximize", load_if_exists=True
    )
    found = study.user_attrs.get(SETTINGS)
    if found is None:
        study.set_user_attr(SETTINGS, json.dumps(settings, sort_keys=True))
    elif json.loads(found) != settings:
        theirs = json.loads(found)
        different = ", ".join(key for key in settings if theirs.get(key) != settings[key])
        raise UsageError(
            f"{folder}: expected a search of the same kind, found one with another {different}",
            next_step="Choose another --out, or pass what that search was begun with.",
            path=str(folder),
        )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def _completed(study: Any) -> list[Any]:
    """Return the trials that are done."""
    from optuna.trial import TrialState

    return list(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))


def _result(trial: Any) -> TrialResult:
    """Return what a trial found."""
    low, high = trial.user_attrs["interval"]
    return TrialResult(trial.number, dict(trial.params), float(trial.value), (low, high), trial.user_attrs["weights"])


def _data(paths: tuple[str, ...], hop: int) -> tuple[Dataset, Windows]:
    """Return the recordings, and windows of the usual length."""
    return shared_windows(paths, WINDOW_LENGTH, hop, SAMPLE_RATE_HZ)
