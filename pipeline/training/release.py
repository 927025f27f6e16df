"""A model to be released: it learned from everybody, and its figures are those of a kept run of the same recipe."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle import Bundle
from edgehar.models.engines import Engine, load_engine
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.windows import Indices, Windows, evenly_spread
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.metrics import Scores, mean_and_deviation
from edgehar.pipeline.evaluation.robustness import PERTURBATIONS, perturbed
from edgehar.pipeline.training.kept_run import KeptRun
from edgehar.pipeline.training.out_of_fold import Advance, ContinuousFigures, continuous_figures

ROBUSTNESS: Final = "robustness"
REFERENCE: Final = "metrics_from"
"""Keys of a bundle's configuration."""

_UNCHANGED: Final = "as recorded"
_PERTURBED_WINDOWS: Final = 6000
"""Of all folds together, evenly spread: each perturbation is tried on the same."""


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceFigures:
    """What is known of a recipe, from models that were judged on people they never saw.

    Parameters
    ----------
    evaluation
        Of single windows.
    continuous
        Of streams, and the decoder that is chosen on them.
    robustness
        Macro-F1 by perturbation, the first is of windows as recorded.
    run
        What was read.
    """

    evaluation: Evaluation
    continuous: ContinuousFigures
    robustness: dict[str, float]
    run: KeptRun

    def given_to(self, bundle: Bundle) -> Bundle:
        """Return a bundle with the decoder and the figures."""
        manifest, origin = bundle.manifest, self.run.predictions.origin
        seeds = self.run.predictions.by_seed()
        entry = replace(
            self.evaluation.metrics_entry(),
            accuracy=mean_and_deviation(each["accuracy"] for each in seeds)[0],
            macro_f1=mean_and_deviation(each["macro_f1"] for each in seeds)[0],
        )
        entries = self.continuous.metrics_entries(entry, manifest.labels, protocol=self.evaluation.protocol)
        known = {
            REFERENCE: {
                "protocol": origin.protocol,
                "seeds": list(origin.seeds),
                "models": len(self.run.places),
                "people": len(self.continuous.people),
                "intervals": {
                    kind: list(self.continuous.intervals(kind).macro_f1) for kind in self.continuous.confusions
                },
            },
            ROBUSTNESS: {name: round(value, 4) for name, value in self.robustness.items()},
        }
        provenance = manifest.provenance
        configuration: dict[str, Any] = {**provenance.configuration, **known}
        named = replace(bundle, manifest=replace(manifest, provenance=replace(provenance, configuration=configuration)))
        return named.with_decoder(self.continuous.decoder).with_metrics([entry, *entries])


def reference_figures(
    run: KeptRun, dataset: Dataset, windows: Windows, *, progress: Advance = lambda done, total: None
) -> ReferenceFigures:
    """Measure the models of a run on the people they never saw: windows, streams, and windows perturbed.

    Raises
    ------
    DataError
        If the recordings are not those of the run.
    """
    found, seeds = run.predictions.evaluation(), len(run.predictions.origin.seeds)
    mean = f"Mean of {seeds} seeds, " if seeds > 1 else ""
    protocol = (
        f"{mean}{run.models_of_a_seed} models of this recipe, each judged on people it never "
        f"saw; the released weights learned from all {len(found.per_subject)} people"
    )
    return ReferenceFigures(
        replace(found, protocol=protocol),
        continuous_figures(run, dataset, progress=progress),
        _robustness(run, dataset, windows, progress),
        run,
    )


def _robustness(run: KeptRun, dataset: Dataset, windows: Windows, progress: Advance) -> dict[str, float]:
    """Return macro-F1 under every perturbation, of the models of the first seed."""
    names = [_UNCHANGED, *(each.name for each in PERTURBATIONS)]
    confusions = {name: np.zeros((len(windows.activities),) * 2, np.int64) for name in names}
    count, first = run.models_of_a_seed, run.predictions.origin.seeds[0]
    folds = [each for each in run.folds(dataset, windows) if each[0].manifest.provenance.seed == first]
    for number, (bundle, subjects) in enumerate(folds, start=1):
        judged = np.flatnonzero(np.isin(windows.subjects, list(subjects)))
        some = evenly_spread(judged, _PERTURBED_WINDOWS // count)
        for name, confusion in _perturbed_confusions(load_engine(bundle), windows, some).items():
            confusions[name] += confusion
        progress(number, count)
    return {name: Scores(windows.activities, confusion).macro_f1 for name, confusion in confusions.items()}


def _perturbed_confusions(engine: Engine, windows: Windows, chosen: Indices) -> dict[str, NDArray[np.int64]]:
    """Return the confusion of some windows as recorded, and under every perturbation."""
    batch, subjects = windows.batch(chosen), windows.subjects[chosen]
    tried = {_UNCHANGED: batch} | {each.name: perturbed(each, batch, subjects) for each in PERTURBATIONS}
    return {
        name: Scores.of(
            windows.activities, truth=windows.labels[chosen], predicted=engine.predict(samples).argmax(axis=1)
        ).confusion
        for name, samples in tried.items()
    }
