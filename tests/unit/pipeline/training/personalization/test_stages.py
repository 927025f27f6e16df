"""Steps: what cross-validation must say for one to be kept."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from edgehar.models.architecture import named_architecture
from edgehar.pipeline.training.personalization.stages import ALL, BACK, GENERAL, OUTPUT, adapt, fits_unless_it_loses


@dataclass
class Pretended:
    """A model and a person: each of its steps is right in so large a share of the windows as its only weight says."""

    name: str
    fitted: float
    general: dict[str, Any] = field(default_factory=lambda: {"right": np.array(0.8)})
    missing: tuple[str, ...] = ()
    obstacle: str | None = None

    def __post_init__(self) -> None:
        self.architecture = named_architecture(self.name)
        self.indices = np.arange(1200)
        self.labels = self.indices % 12
        self.folds = self.indices // 400

    def fit_output(self, fold: int | None) -> dict[str, Any]:
        """Return weights of the first step."""
        return {"right": np.array(self.fitted)}

    def fine_tuned(self, start: dict[str, Any], fold: int | None) -> dict[str, Any]:
        """Return weights of the second step."""
        return {"right": np.array(self.fitted)}

    def posteriors(self, weights: dict[str, Any], day: int, rows: np.ndarray) -> np.ndarray:
        """Return what is said of windows: so many of the 36 parts are right as the weight says, the others wrong."""
        right = (rows % 12 * 3 + rows // 400) * 7 % 36 < 36 * float(weights["right"])
        return np.eye(12)[np.where(right, rows % 12, (rows + 1) % 12)]


@pytest.mark.parametrize(
    ("name", "fitted", "kept"),
    [
        ("simple_rnn", 0.85, [OUTPUT, BACK]),
        ("simple_rnn", 0.78, []),
        ("lstm", 0.85, [OUTPUT, ALL, BACK]),
        ("lstm", 0.78, [OUTPUT, ALL, BACK]),
        ("lstm", 0.5, []),
        ("gru", 0.78, []),
    ],
)
def test_an_lstm_is_fitted_unless_it_loses(name: str, fitted: float, kept: list[str]) -> None:
    found = adapt(Pretended(name, fitted))
    assert [stage.name for stage in found.stages if stage.kept] == [GENERAL, *kept]
    assert found.changed == bool(kept)
    share = 0.75 * fitted + 0.25 * 0.8 if BACK in kept else 0.8
    assert float(found.weights["right"]) == pytest.approx(share)


def test_what_is_asked_of_a_step_depends_on_what_remembers() -> None:
    assert fits_unless_it_loses(named_architecture("lstm"))
    assert not fits_unless_it_loses(named_architecture("cnn"))
