"""Every engine gives what the oracle gives, for every artifact of every named model."""

import numpy as np
import pytest

from edgehar.models.architecture import ARCHITECTURE_NAMES
from edgehar.models.bundle import Bundle
from edgehar.models.engines import ENGINES, load_engine, missing_reason, runnable
from edgehar.models.reference import forward
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.compilers import compile_bundle, targets


@pytest.fixture(scope="module", params=ARCHITECTURE_NAMES)
def bundle(request: pytest.FixtureRequest, random_bundle) -> Bundle:
    """A bundle of each model, compiled to everything it can be."""
    made = random_bundle(request.param, seed=3)
    return compile_bundle(made, targets(made.manifest.architecture), calibration=made.golden["windows"])


@pytest.mark.parametrize("engine", ENGINES)
def test_golden_windows(bundle: Bundle, engine: str) -> None:
    if (reason := missing_reason(engine)) is not None:
        pytest.skip(reason)
    result = verify_bundle(bundle, [engine])
    assert result.ok, [row.reason for row in result.artifacts]
    for row in result.artifacts:
        assert row.top1_agreement >= (1.0 if row.quantization == "float32" else 0.8), row


@pytest.mark.parametrize("engine", ENGINES)
def test_many_windows_of_every_loudness(bundle: Bundle, engine: str) -> None:
    if (reason := missing_reason(engine)) is not None:
        pytest.skip(reason)
    generator = np.random.default_rng(7)
    loudness_g = np.geomspace(1e-3, 16, 300)[:, np.newaxis, np.newaxis]
    windows = (generator.normal(size=(300, 200, 3)) * loudness_g).astype(np.float32)
    expected = forward(bundle.manifest.architecture, bundle.folded_weights, windows)
    for name, _, quantization in runnable(bundle):
        if name == engine and quantization == "float32":
            found = load_engine(bundle, engine, quantization).predict(windows)
            np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)


def test_every_engine_has_something_to_run(bundle: Bundle) -> None:
    assert {name for name, _, _ in runnable(bundle)} == set(ENGINES)


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_change_nothing(bundle: Bundle, engine: str) -> None:
    if (reason := missing_reason(engine)) is not None:
        pytest.skip(reason)
    windows = np.random.default_rng(8).normal(size=(101, 200, 3)).astype(np.float32)
    for name, _, quantization in runnable(bundle):
        if name == engine and quantization == "float32":
            alone, together = (load_engine(bundle, engine, threads=threads).predict(windows) for threads in (1, 3))
            np.testing.assert_allclose(together, alone, atol=1e-6, rtol=0)
