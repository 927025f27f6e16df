"""An experiment: one architecture, one recipe and one data set, trained and judged on a split, kept as a bundle."""

import datetime
import os
import platform
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models import __version__
from edgehar.models.architecture import Architecture, named_architecture
from edgehar.models.bundle import Bundle, make_bundle
from edgehar.models.bundle.manifest import Provenance, WindowSpec
from edgehar.models.contract import CHANNELS, MOTION_UNIT
from edgehar.models.engines import load_engine
from edgehar.models.errors import UsageError
from edgehar.models.mounting import UPRIGHT
from edgehar.models.stateful.trained import CARRIES_STATE
from edgehar.pipeline.compilers import compile_bundle
from edgehar.pipeline.data.identity import people_of
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.splits import Split, random_windows
from edgehar.pipeline.data.windows import Windows
from edgehar.pipeline.evaluation import Evaluation, evaluate_windows, predict_probabilities
from edgehar.pipeline.evaluation.held_out import TRAIN_PEOPLE, TRAIN_SUBJECTS
from edgehar.pipeline.training.fit import Trained, fit
from edgehar.pipeline.training.history import Watcher
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.starting import Start
from edgehar.pipeline.training.trainers import AUTO, COUNTING, KERAS, choose_trainer, trainer_versions
from edgehar.pipeline.training.upright import upright_g
from edgehar.pipeline.tuning.roles import first_decoder


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """What stays the same over the splits of one data set.

    Parameters
    ----------
    dataset, windows
        The recordings, and the windows cut from them.
    architecture, recipe, seed
        What to train, and how.
    trainer
        ``native``, ``keras`` or ``counting``: what `edgehar.pipeline.training.trainers.choose_trainer` returns.
    threads
        How many the native trainer may use.
    start
        A trained model to begin with; None begins with random weights.
    """

    dataset: Dataset
    windows: Windows
    architecture: Architecture
    recipe: Recipe
    seed: int
    trainer: str
    threads: int = 1
    start: Start | None = None

    @classmethod
    def of(
        cls, dataset: Dataset, windows: Windows, *, model: str, recipe: Recipe, seed: int, trainer: str = AUTO
    ) -> "Experiment":
        """Return the experiment that trains a named architecture for the windows' activities, on all processors."""
        architecture = named_architecture(
            model, classes=len(windows.activities), window=windows.window_length, channels=len(windows.channels)
        )
        chosen, _ = choose_trainer(trainer, architecture, recipe)
        return cls(dataset, windows, architecture, recipe, seed, chosen, os.cpu_count() or 1)

    def train(self, split: Split, *, watcher: Watcher | None = None) -> Trained:
        """Train on a split.

        Raises
        ------
        KeyboardInterrupt
            If interrupted before the first epoch is done; later, what was trained is returned as not complete.
        """
        return fit(
            self.architecture,
            self.windows,
            self.recipe,
            train=split.train,
            seed=self.seed,
            trainer=AUTO if self.trainer == COUNTING else self.trainer,
            threads=self.threads,
            watcher=watcher,
            held_out=split.test,
            start=self.start,
        )

    def bundle(self, split: Split, trained: Trained) -> Bundle:
        """Return a trained model as a bundle, compiled to every float32 target, not yet judged."""
        bundle = make_bundle(
            architecture=self.architecture,
            labels=self.windows.activities,
            window=self._window_spec(),
            normalization=trained.normalization,
            weights=trained.weights,
            decoder=first_decoder(self.windows.activities, hop_s=self.windows.hop / self.windows.rate_hz),
            provenance=self._provenance(split, trained),
        )
        return compile_bundle(bundle)

    def probabilities(self, bundle: Bundle, split: Split) -> NDArray[np.float32]:
        """Return what a bundle's compiled file says of the windows held out, on the engine a user would get."""
        return predict_probabilities(load_engine(bundle), self.windows, split.test)

    def judge(self, bundle: Bundle, split: Split, probabilities: NDArray[np.float32] | None = None) -> Evaluation:
        """Judge a bundle's compiled file, or what it said before, on the windows a split holds out."""
        return evaluate_windows(
            load_engine(bundle),
            self.windows,
            split.test,
            protocol=split.protocol.rstrip("."),
            train_subjects=split.train_subjects,
            predicted=None if probabilities is None else probabilities.argmax(axis=1),
        )

    def leaky(self, *, watcher: Watcher | None = None) -> Evaluation:
        """Train and judge another model with windows split at random, to show how much that flatters; keep nothing.

        The windows judged are of the people learned from; most of them overlap one that was.
        """
        split = random_windows(self.windows, seed=self.seed)[0]
        return self.judge(self.bundle(split, self.train(split, watcher=watcher)), split)

    def made(self, bundle: Bundle, split: Split) -> bool:
        """Tell whether running this experiment on a split would make this very bundle again."""
        origin = bundle.manifest.provenance
        same_maker = (origin.versions, origin.configuration.get("trainer", KERAS)) == (self._versions(), self.trainer)
        return origin.complete and same_maker and not self.differences(bundle, split)

    def differences(self, bundle: Bundle, split: Split) -> tuple[str, ...]:
        """Return in what a bundle is of another experiment or split: in words, none if it is of this one."""
        manifest, origin = bundle.manifest, bundle.manifest.provenance
        try:
            recipe = Recipe.from_json(origin.configuration.get("recipe", {})).to_json()
        except UsageError:
            recipe = {}
        theirs = {**origin.configuration, "recipe": recipe}
        pairs = {
            "architecture": (manifest.architecture, self.architecture),
            "labels": (manifest.labels, self.windows.activities),
            "data": (origin.dataset_sha256, self.dataset.content_hash),
            "seed": (origin.seed, self.seed),
            **{name: (theirs.get(name), value) for name, value in self._settings(split).items()},
        }
        return tuple(name.replace("_", " ") for name, (found, expected) in pairs.items() if found != expected)

    def _settings(self, split: Split) -> dict[str, Any]:
        """Return what decides the outcome, as the bundle keeps it."""
        return {
            "recipe": self.recipe.to_json(),
            "hop": self.windows.hop,
            "split": split.name,
            TRAIN_SUBJECTS: list(split.train_subjects),
            "held_out_subjects": list(split.test_subjects),
            "start_from": None if self.start is None else self.start.model_id,
        }

    def _versions(self) -> dict[str, str]:
        """Return the versions that decide what weights come out."""
        own = {"edgehar": __version__, "python": platform.python_version(), "numpy": np.__version__}
        return {**own, **trainer_versions(self.trainer)}

    def _people(self, split: Split) -> list[dict[str, Any]]:
        """Return who is learned from, in a way that recognises them under another name."""
        people = people_of(self.dataset)
        before = [] if self.start is None else list(self.start.people)
        return [each.as_json() for each in (*before, *(people[name] for name in split.train_subjects))]

    def _upright(self, split: Split) -> dict[str, Any]:
        """Return where up is in the model's frame, if those learned from show it."""
        found = upright_g(self.windows, split.train)
        return {} if found is None else {UPRIGHT: [round(value, 4) for value in found]}

    def _window_spec(self) -> WindowSpec:
        """Return what one input window is."""
        windows = self.windows
        placements = sorted({recording.placement for recording in self.dataset.recordings} - {""})
        return WindowSpec(
            length=windows.window_length,
            hop=windows.hop,
            rate_hz=windows.rate_hz,
            channels=windows.channels,
            unit="g" if windows.channels == CHANNELS else MOTION_UNIT,
            axis_frame="the sensor's own axes, as in the training recordings",
            mounting="; ".join(placements) or "not stated by the training recordings",
        )

    def _provenance(self, split: Split, trained: Trained) -> Provenance:
        """Return where the model comes from."""
        return Provenance(
            dataset=self.dataset.name,
            dataset_sha256=self.dataset.content_hash,
            dataset_terms=self.dataset.terms or "not stated",
            seed=self.seed,
            complete=trained.complete,
            created_utc=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            versions=self._versions(),
            configuration={
                **self._settings(split),
                "trainer": self.trainer,
                TRAIN_PEOPLE: self._people(split),
                **self._upright(split),
                "validation_subjects": list(trained.validation_subjects),
                "epochs_done": len(trained.history),
                "kept_epoch": trained.kept_epoch,
                **({CARRIES_STATE: True} if trained.carries_state else {}),
                "training_s": round(sum(epoch.seconds for epoch in trained.history), 1),
                "windows_per_s": round(trained.windows_per_s),
            },
        )


def plots_of(trained: Trained, evaluation: Evaluation, *, name: str, seed: int) -> dict[str, bytes]:
    """Return the pictures a bundle keeps, and their numbers, by file name."""
    # What draws takes long to import, and is needed once all is trained.
    from edgehar.pipeline.evaluation.plots import confusion_files
    from edgehar.pipeline.training.learning_curves import learning_curve_files

    curves = learning_curve_files(trained.history, title=f"{name}, seed {seed}", kept_epoch=trained.kept_epoch)
    return {**curves, **confusion_files(evaluation, name=name)}
