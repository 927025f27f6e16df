"""Windows of a stream, with the state carried from each to the next: what one pass over the samples gives."""

import numpy as np
import pytest

from edgehar.commands.live.streaming import live_engine
from edgehar.models.architecture import LSTM, Architecture, Dense
from edgehar.models.architecture.stateful import STATEFUL
from edgehar.models.bundle import Bundle
from edgehar.models.engines import load_engine
from edgehar.models.errors import UsageError
from edgehar.models.stateful import load_stateful
from edgehar.models.stateful.windows import CarriedWindows
from edgehar.pipeline.compilers import Target, compile_bundle

WINDOW, HOP = 12, 4


@pytest.fixture(scope="module")
def bundle(random_bundle) -> Bundle:
    """A model of windows of twelve samples."""
    layers = (LSTM("LSTM_1", 6, True), LSTM("LSTM_2", 5), Dense("Output", 4, "softmax"))
    return random_bundle(Architecture("lstm", WINDOW, 3, layers))


def windows_of(samples: np.ndarray) -> np.ndarray:
    """The windows that slicing a stream gives."""
    return np.stack([samples[at : at + WINDOW] for at in range(0, len(samples) - WINDOW + 1, HOP)])


@pytest.mark.parametrize("one_by_one", [False, True])
def test_overlapping_windows_are_one_pass_over_their_samples(bundle: Bundle, one_by_one: bool) -> None:
    samples = np.random.default_rng(1).normal(size=(WINDOW + 9 * HOP, 3)).astype(np.float32)
    windows, engine = windows_of(samples), CarriedWindows(bundle, "numpy", hop=HOP)
    found = np.concatenate([engine.predict(each[None]) for each in windows]) if one_by_one else engine.predict(windows)
    model = load_stateful(bundle, "numpy")
    expected = [model.step(samples[:WINDOW])]
    expected += [model.step(samples[at : at + HOP]) for at in range(WINDOW, len(samples), HOP)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_window_that_does_not_follow_begins_a_stream(bundle: Bundle) -> None:
    generator = np.random.default_rng(2)
    before, behind = (windows_of(generator.normal(size=(3 * WINDOW, 3)).astype(np.float32)) for _ in range(2))
    engine = CarriedWindows(bundle, "numpy", hop=HOP)
    engine.predict(before)
    plain = load_engine(bundle, "numpy")
    np.testing.assert_allclose(engine.predict(behind[:1]), plain.predict(behind[:1]), atol=1e-6)
    assert np.abs(engine.predict(behind[1:2]) - plain.predict(behind[1:2])).max() > 1e-4, "the state is carried"


@pytest.mark.parametrize("hop", [0, WINDOW, WINDOW + 1])
def test_windows_that_do_not_overlap_do_not_say_whether_they_follow(bundle: Bundle, hop: int) -> None:
    with pytest.raises(UsageError, match=f"expected 1 to 11 samples, so that windows of 12 overlap, got {hop}"):
        CarriedWindows(bundle, "numpy", hop=hop)


def test_a_hop_fits_the_blocks_of_the_file(bundle: Bundle, need_engine) -> None:
    need_engine("litert")
    compiled = compile_bundle(bundle, [Target(STATEFUL["tflite"], "float32")], block=3)
    with pytest.raises(UsageError, match=r"a multiple of the 3 samples that stateful.* takes at once, got 4"):
        CarriedWindows(compiled, "litert", hop=4)
    assert CarriedWindows(compiled, "litert", hop=6).predict(np.zeros((2, WINDOW, 3))).shape == (2, 4)


def test_live_says_that_a_model_of_windows_is_carried(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    assert live_engine(bundle, "numpy", "float32", hop=HOP, streaming=False).runtime.startswith("numpy")
    engine = live_engine(bundle, "numpy", "float32", hop=HOP, streaming=True)
    assert engine.runtime.endswith(", stateful")
    assert "loses 2 to 5 points" in capsys.readouterr().err
