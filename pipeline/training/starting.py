"""Training that begins with another model's weights instead of random ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture
from edgehar.models.bundle import Bundle
from edgehar.models.errors import UsageError
from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.identity import Person, known_among
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.splits import Split
from edgehar.pipeline.evaluation.held_out import trained_people
from edgehar.pipeline.training.kept_run import read_kept_run


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A trained model to begin with.

    Its normalisation is kept, because its weights mean nothing under another one. Its output layer is kept where the
    activities are the same, in the same order; else it begins anew.

    Parameters
    ----------
    bundle
        The model.
    """

    bundle: Bundle

    @property
    def model_id(self) -> str:
        """What the new model's bundle calls it."""
        return self.bundle.manifest.model_id

    @property
    def normalization(self) -> Normalization:
        """Of the inputs that the weights were trained with."""
        return self.bundle.manifest.normalization

    @property
    def people(self) -> tuple[Person, ...]:
        """Whom it has learned from."""
        return tuple(trained_people(self.bundle))

    def first_weights(
        self, architecture: Architecture, labels: tuple[str, ...], initial: dict[str, NDArray[np.float32]]
    ) -> dict[str, NDArray[np.float32]]:
        """Return weights to begin with: those of the model, and ``initial`` ones for another output layer.

        Raises
        ------
        UsageError
            If the model has other layers, or takes other windows.
        """
        manifest = self.bundle.manifest
        theirs, output = self.bundle.weights, architecture.layers[-1].name
        kept = {name: value for name, value in theirs.items() if not name.startswith(f"{output}/")}
        wanted = {name: value.shape for name, value in initial.items() if not name.startswith(f"{output}/")}
        if {name: value.shape for name, value in kept.items()} != wanted or (
            manifest.architecture.input_shape != architecture.input_shape
        ):
            raise UsageError(
                f"--start-from: expected a model with the layers and windows of {architecture.name}, got "
                f"{manifest.architecture.name} of {self.model_id}",
                next_step="Train the same architecture, or leave --start-from out.",
            )
        same = manifest.labels == labels
        own = {name: value for name, value in theirs.items() if same and name.startswith(f"{output}/")}
        return {name: np.array(value) for name, value in {**initial, **kept, **own}.items()}

    def check_apart(self, dataset: Dataset, split: Split) -> None:
        """Refuse a split that judges people whom the model has learned from.

        Raises
        ------
        UsageError
            If there are some.
        """
        known = set(known_among(dataset, self.people)) & set(split.test_subjects)
        if known:
            raise UsageError(
                f"--start-from: expected a model that has not learned from those who are judged, {self.model_id} knows "
                f"{', '.join(sorted(known))}",
                next_step="Start from a model of other people, or judge others with --holdout-subjects.",
            )


@dataclass(frozen=True, slots=True, eq=False)
class StartingRun:
    """A kept run to begin with: each model begins with the one of the same seed and split, which knows nobody judged.

    Parameters
    ----------
    folder
        Of the run.
    starts
        By seed and name of the split.
    """

    folder: Path
    starts: Mapping[tuple[int, str], Start]

    @classmethod
    def read(cls, folder: Path) -> "StartingRun":
        """Read a run.

        Raises
        ------
        DataError
            If it is not complete.
        """
        run = read_kept_run(folder)
        origins = [(Start(bundle), bundle.manifest.provenance) for bundle in run.bundles()]
        starts = {(origin.seed, str(origin.configuration.get("split"))): start for start, origin in origins}
        return cls(run.folder, starts)

    def of(self, seed: int, split: Split) -> Start:
        """Return the model that one of a seed and a split begins with.

        Raises
        ------
        UsageError
            If there is none.
        """
        found = self.starts.get((seed, split.name))
        if found is None:
            there = ", ".join(sorted({f"seed {each}, {name}" for each, name in self.starts})[:4])
            raise UsageError(
                f"--start-from {self.folder}: expected a model of seed {seed}, {split.name}, found {there}, ...",
                next_step="Split and seed as that run did, or start from one model.",
            )
        return found
