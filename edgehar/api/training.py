"""Training for programs: recordings in, a judged model out, with its history."""

import os
from dataclasses import dataclass

from edgehar.api.inference import save_bundle
from edgehar.api.splits import split_by_subject
from edgehar.commands.training_progress import watched
from edgehar.models.bundle import Bundle
from edgehar.models.errors import UsageError
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.splits import Split
from edgehar.pipeline.data.windows import Windows, make_windows
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.training.history import Epoch
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.recipes import default_recipe


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """A trained model and how it came about.

    Parameters
    ----------
    bundle
        The model, compiled to every float32 format its layers allow.
    evaluation
        What it reaches on the people that were held out.
    split
        Who was learned from, and who was held out.
    history
        Every epoch.
    recipe
        How it was trained.
    """

    bundle: Bundle
    evaluation: Evaluation
    split: Split
    history: tuple[Epoch, ...]
    recipe: Recipe

    def __repr__(self) -> str:
        manifest, scores = self.bundle.manifest, self.evaluation.scores
        return (
            f"<Training of {manifest.model_id}: {len(self.history)} epochs, accuracy {scores.accuracy:.3f}, "
            f"macro-F1 {scores.macro_f1:.3f}. {self.evaluation.protocol}>"
        )

    @property
    def complete(self) -> bool:
        """Whether training was not interrupted."""
        return self.bundle.manifest.provenance.complete

    def save(self, path: str | os.PathLike[str]) -> Bundle:
        """Write the bundle as a folder, with pictures of the training, and return it as found there.

        Raises
        ------
        BundleError
            If something other than a bundle stands there.
        """
        from edgehar.pipeline.evaluation.plots import confusion_files
        from edgehar.pipeline.training.learning_curves import learning_curve_files

        manifest = self.bundle.manifest
        name, kept = manifest.architecture.name, manifest.provenance.configuration["kept_epoch"]
        title = f"{name}, seed {manifest.provenance.seed}"
        curves = learning_curve_files(self.history, title=title, kept_epoch=kept)
        plots = {**curves, **confusion_files(self.evaluation, name=name)}
        return save_bundle(self.bundle, path, plots=plots)


def train(
    recordings: Dataset,
    windows: Windows | None = None,
    split: Split | None = None,
    *,
    model: str = "simple_rnn",
    epochs: int | None = None,
    seed: int = 0,
    recipe: Recipe | None = None,
    progress: bool = True,
) -> Training:
    """Train a model, compile it, and judge it on people it has never seen.

    An interruption (Ctrl-C, or a notebook's stop button) after the first epoch keeps the best epoch so far; the bundle
    says that it is not complete.

    Parameters
    ----------
    recordings
        Of at least two people.
    windows
        Cut from these recordings. Default: `edgehar.make_windows` with its defaults.
    split
        Of these windows. Default: every fourth person is held out.
    model
        A name such as ``simple_rnn``, ``lstm`` or ``gru``.
    epochs
        How often every window is seen. Default: the recipe's.
    seed
        The same seed gives the same model on the same machine.
    recipe
        How to train. Default: the measured one of the model.
    progress
        Whether to show a progress bar, on a terminal or in a notebook.

    Raises
    ------
    UsageError
        If there is no such model, or a split comes without its windows.
    DataError
        If the recordings cannot be split by subject.
    TrainingError
        If training cannot start, or diverges.
    """
    if windows is None and split is not None:
        raise UsageError(
            "train: expected the windows that the split is of, got none",
            next_step="Pass them: train(recordings, windows, split).",
        )
    windows = make_windows(recordings) if windows is None else windows
    split = split_by_subject(windows) if split is None else split
    recipe = (default_recipe(model) if recipe is None else recipe).changed(epochs=epochs)
    # TensorFlow takes seconds to import: only once everything that can be refused has been.
    from edgehar.pipeline.training.experiment import Experiment

    experiment = Experiment.of(recordings, windows, model=model, recipe=recipe, seed=seed)
    title = f"{model}, {len(split.train):,} windows, judged on {', '.join(split.test_subjects)}"
    with watched(title, epochs=recipe.total_epochs, quiet=not progress) as watcher:
        trained = experiment.train(split, watcher=watcher)
    bundle = experiment.bundle(split, trained)
    evaluation = experiment.judge(bundle, split)
    judged = bundle.with_metrics([evaluation.metrics_entry()])
    return Training(judged, evaluation, split, tuple(trained.history), recipe)
