"""Models of several splits and seeds, trained by a cluster: a task is one model, and returns it compiled and judged.

Workers read the recordings themselves, once in every process, and write nothing.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from edgehar.models.architecture import Architecture
from edgehar.models.bundle import Bundle
from edgehar.models.errors import DataError
from edgehar.pipeline.bulk.cluster import Cluster
from edgehar.pipeline.data.mixing import mix
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.splits import Split
from edgehar.pipeline.data.windows import Windows, make_windows
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.training.experiment import Experiment, plots_of
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.starting import Start


@dataclass(frozen=True, slots=True, eq=False)
class FoldPlan:
    """What is the same for all models: an `Experiment`, with where its recordings are instead of them.

    Parameters
    ----------
    data
        Paths of recordings, which every worker can read.
    content_hash
        Of the recordings, so that no worker learns from others.
    window_length, hop, rate_hz
        Of the windows.
    architecture, recipe, trainer, start
        As in `Experiment`.
    """

    data: tuple[str, ...]
    content_hash: str
    window_length: int
    hop: int
    rate_hz: float
    architecture: Architecture
    recipe: Recipe
    trainer: str
    start: Start | None = None

    @classmethod
    def of(cls, experiment: Experiment, data: tuple[str, ...]) -> "FoldPlan":
        """Return the plan of an experiment whose recordings are at some paths."""
        windows = experiment.windows
        return cls(
            data, experiment.dataset.content_hash, windows.window_length, windows.hop, windows.rate_hz,
            experiment.architecture, experiment.recipe, experiment.trainer, experiment.start,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """A model as it comes from a worker.

    Parameters
    ----------
    bundle, evaluation
        The model, with what it reaches.
    probabilities : ndarray of shape (n, n_classes), float32
        What it says of the windows held out.
    plots
        Pictures of its training, by file name.
    """

    bundle: Bundle
    evaluation: Evaluation
    probabilities: npt.NDArray[np.float32]
    plots: dict[str, bytes]


def submit_fold(cluster: Cluster, name: str, plan: FoldPlan, split: Split, seed: int) -> Any:
    """Begin to train a model; its `Fold` comes with `Cluster.wait`."""
    return cluster.submit(name, train_fold, plan, split, seed)


def train_fold(plan: FoldPlan, split: Split, seed: int) -> Fold:
    """Train, compile and judge one model.

    Raises
    ------
    DataError
        When this process reads other recordings at these paths than the plan is of.
    """
    dataset, windows = shared_windows(plan.data, plan.window_length, plan.hop, plan.rate_hz)
    if dataset.content_hash != plan.content_hash:
        raise DataError(
            f"{', '.join(plan.data)}: expected a worker to read the same recordings as the machine that asks for a "
            f"model, it reads others ({dataset.name})",
            next_step="Put the same files at the same paths on all machines, or a store on a disk that they share.",
        )
    experiment = Experiment(dataset, windows, plan.architecture, plan.recipe, seed, plan.trainer, 1, plan.start)
    trained = experiment.train(split)
    if not trained.complete:
        raise KeyboardInterrupt
    bundle = experiment.bundle(split, trained)
    probabilities = experiment.probabilities(bundle, split)
    evaluation = experiment.judge(bundle, split, probabilities)
    plots = plots_of(trained, evaluation, name=plan.architecture.name, seed=seed)
    return Fold(bundle.with_metrics([evaluation.metrics_entry()]), evaluation, probabilities, plots)


@lru_cache(maxsize=1)
def shared_windows(paths: tuple[str, ...], window_length: int, hop: int, rate_hz: float) -> tuple[Dataset, Windows]:
    """Read recordings and cut their windows, once in every process."""
    dataset = mix([load_dataset(path) for path in paths])
    return dataset, make_windows(dataset, window_length=window_length, hop=hop, rate_hz=rate_hz)
