"""A kept run: the models of all folds, each judged on people it never saw, as `har train --groups` leaves them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgehar.models.bundle import MANIFEST, Bundle, read_bundle
from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.windows import Windows
from edgehar.pipeline.evaluation.held_out import choose_judged
from edgehar.pipeline.evaluation.predictions import FOLDS_SUFFIX, Predictions, read_predictions
from edgehar.pipeline.training.recipe import Recipe

_PATTERNS: Final = (f"*/{MANIFEST}", f"seed-*/*/{MANIFEST}")


@dataclass(frozen=True, slots=True, eq=False)
class KeptRun:
    """A run of several models.

    Parameters
    ----------
    folder
        Where it is.
    predictions
        What every model said of the people it had not seen.
    places
        Where the models are, those of one seed after the other.
    """

    folder: Path
    predictions: Predictions
    places: tuple[Path, ...]

    @property
    def models_of_a_seed(self) -> int:
        """How many models there are for each seed."""
        return len(self.places) // len(self.predictions.origin.seeds)

    def bundles(self) -> Iterator[Bundle]:
        """Read the models, one after the other."""
        return map(read_bundle, self.places)

    def folds(self, dataset: Dataset, windows: Windows) -> Iterator[tuple[Bundle, tuple[str, ...]]]:
        """Yield every model with the people it is judged on: never one it learned from.

        Raises
        ------
        DataError
            If the recordings are not those of the run.
        """
        self.check_data(dataset)
        for bundle in self.bundles():
            judged = choose_judged(bundle, dataset, windows)
            yield bundle, judged.subjects

    def check_data(self, dataset: Dataset) -> None:
        """Refuse other recordings than those of the run.

        Raises
        ------
        DataError
            If they are others.
        """
        if dataset.content_hash != self.predictions.origin.dataset_sha256:
            raise DataError(
                f"{self.folder}: expected the recordings of that run ({self.predictions.origin.dataset}), got others "
                f"({dataset.name})",
                next_step="Pass the --data that it was trained on.",
            )

    def check_recipe(self, model: str, recipe: Recipe) -> None:
        """Refuse a run of another model or recipe: its figures say nothing about this one.

        Raises
        ------
        UsageError
            If it is one.
        """
        for place, bundle in zip(self.places, self.bundles(), strict=True):
            manifest = bundle.manifest
            found = manifest.provenance.configuration.get("recipe", {})
            if manifest.architecture.name != model or Recipe.from_json(found) != recipe:
                raise UsageError(
                    f"{place}: expected a model of the same name and recipe, got {manifest.architecture.name} "
                    f"({', '.join(_differences(found, recipe)) or 'the same recipe'} differ)",
                    next_step="Train that run with the same --recipe, or name another one.",
                )


def read_kept_run(folder: Path) -> KeptRun:
    """Read a run.

    Parameters
    ----------
    folder
        Of the models and their predictions; or the file of these, or the bundle beside which the folder stands.

    Raises
    ------
    DataError
        If there are no predictions, or not a model for each fold and seed.
    """
    found = _models_of(folder)
    predictions = read_predictions(found)
    places = tuple(sorted({file.parent for pattern in _PATTERNS for file in found.glob(pattern)}))
    wanted = len(predictions.origin.seeds) * len(set(predictions.folds.tolist()))
    if len(places) != wanted:
        raise DataError(
            f"{found}: expected {wanted} models, one for each fold and seed, found {len(places)}",
            next_step="Go on with that run: har train --resume.",
        )
    return KeptRun(found, predictions, places)


def _models_of(path: Path) -> Path:
    """Return the folder of the models that somebody means."""
    if path.is_file():
        return path.parent
    return path.with_name(path.name + FOLDS_SUFFIX) if (path / MANIFEST).is_file() else path


def _differences(found: dict[str, object], recipe: Recipe) -> list[str]:
    """Return the pieces in which a recipe differs."""
    return [name.replace("_", " ") for name, value in recipe.to_json().items() if found.get(name) != value]
