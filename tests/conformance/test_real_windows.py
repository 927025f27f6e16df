"""Two thousand windows of real people: floats equal the oracle, integers stay close and give its label."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.bundle import Bundle
from edgehar.models.engines import load_engine, missing_reason, runnable
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import compile_bundle, targets
from edgehar.pipeline.compilers.tflite import TOLERANCES
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.windows import make_windows
from edgehar.pipeline.inspection import inspect_bundle
from edgehar.pipeline.inspection.checks import DISTRIBUTIONS, Trial, try_files
from edgehar.pipeline.inspection.runtimes import TFLITE_MICRO, TFLITE_RUNTIME

DATA = Path(os.environ.get("HAR_DATA") or Path(__file__).parents[2] / ".." / "shared" / "datasets") / "usc-had"
COUNT = 2000

CLOSE = {"float32": 1e-5, "float16": 0.01, "int8-weights": 0.15, "int8-hybrid": 0.15, "int8": 0.15}
"""How far a probability may be from the oracle's; random weights are harsher than trained ones."""


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    """Windows of everybody, evenly over the data set."""
    if not DATA.is_dir():
        pytest.skip("the data set usc-had is not here; set HAR_DATA to the folder that holds it")
    cut = make_windows(load_dataset(DATA), hop=200)
    return cut.batch(np.linspace(0, len(cut) - 1, COUNT).astype(int))


@pytest.fixture(scope="module", params=["simple_rnn", "lstm", "gru", "cnn", "tcn"])
def bundle(request: pytest.FixtureRequest, random_bundle, windows: np.ndarray) -> Bundle:
    """A model compiled to everything, calibrated with windows that are not among those judged."""
    made = random_bundle(request.param, seed=9)
    return compile_bundle(made, targets(made.manifest.architecture), calibration=windows[::50])


@pytest.fixture(scope="module")
def expected(bundle: Bundle, windows: np.ndarray) -> Callable[[str, np.ndarray], np.ndarray]:
    """``expected(quantization, shown)``: what the oracle makes of windows in float32, and LiteRT in integers."""
    known: dict[tuple[str, int], np.ndarray] = {}

    def made(quantization: str, shown: np.ndarray) -> np.ndarray:
        key = (quantization, len(shown))
        if key not in known and quantization == "float32":
            known[key] = forward(bundle.manifest.architecture, bundle.folded_weights, shown)
        elif key not in known:
            known[key] = load_engine(bundle, "litert", quantization).predict(shown)
        return known[key]

    return made


def test_every_engine_on_real_windows(bundle: Bundle, windows: np.ndarray, record_property) -> None:
    judged = np.delete(windows, np.s_[::50], axis=0)
    expected = forward(bundle.manifest.architecture, bundle.folded_weights, judged, dtype=np.float64)
    for engine, artifact, quantization in runnable(bundle):
        if missing_reason(engine) is not None:
            continue
        # The fused integer LSTM takes milliseconds a window here: every tenth will do.
        step = 10 if quantization == "int8" and engine == "litert" else 1
        found = load_engine(bundle, engine, quantization).predict(judged[::step])
        agreement = float((found.argmax(axis=1) == expected[::step].argmax(axis=1)).mean())
        record_property(f"{engine} {artifact}", agreement)
        assert np.abs(found - expected[::step]).max() <= CLOSE[quantization], (engine, artifact)
        assert agreement >= (0.999 if quantization == "float32" else 0.85), (engine, artifact, agreement)


@pytest.mark.parametrize("runtime", [TFLITE_RUNTIME, TFLITE_MICRO])
def test_every_tflite_runtime_on_real_windows(
    bundle: Bundle, windows: np.ndarray, expected: Callable[..., np.ndarray], runtime: str, python_of
) -> None:
    """What LiteRT makes of a file, other runtimes make of it too; of float32, what the oracle makes of it."""
    distribution = DISTRIBUTIONS[runtime]
    python, judged = python_of(distribution), np.delete(windows, np.s_[::50], axis=0)
    for found in inspect_bundle(bundle, check=False):
        claimed = any(claim.runtime == runtime and claim.claimed for claim in found.runtimes)
        if not claimed:
            continue
        # The fused integer LSTM takes milliseconds a window here: every tenth will do.
        shown = judged[::10] if found.quantization == "int8" else judged
        tolerance = 1e-5
        if found.quantization != "float32":
            tolerance = max(tolerance, TOLERANCES.get(found.quantization, 0.0))
        trial = Trial(bundle.files[found.file], expected(found.quantization, shown), tolerance)
        (outcome,) = try_files(python, distribution, [trial], shown)
        assert outcome.error is None, (found.file, outcome)
