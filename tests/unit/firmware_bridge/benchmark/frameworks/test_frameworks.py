"""Frameworks beside our engines: the same weights, held to the oracle before anything is timed."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.benchmark import frameworks
from edgehar.firmware_bridge.benchmark.frameworks import FRAMEWORKS, in_batches, load_framework, missing_frameworks
from edgehar.firmware_bridge.benchmark.plan import framework_candidates
from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN
from edgehar.models.bundle import Bundle
from edgehar.models.errors import EngineError
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import Target, compile_bundle


def need(package: str) -> None:
    """Skip where a framework is missing; the large ones are installed by hand, not for the checks."""
    if find_spec(package) is None:
        large = package in ("torch", "jax")
        pytest.skip(f"not for this machine: it has no {package}" if large else f"{package} is missing")


@pytest.fixture(scope="module")
def bundle(random_bundle) -> Bundle:
    """Every cell that all three have, layers that one module of torch can hold and such that none can."""
    layers = (
        SimpleRNN("a", 5, return_sequences=True),
        LSTM("b", 6, return_sequences=True),
        LSTM("c", 6, return_sequences=True),
        GRU("d", 7),
        Dense("e", 4, "tanh"),
        Dense("f", 4, "relu"),
        Dense("Output", 3, "softmax"),
    )
    architecture = Architecture("several_kinds", 9, 3, layers)
    return compile_bundle(random_bundle(architecture, seed=2), [Target("onnx", "float32")])


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_framework_computes_what_the_oracle_does(name: str, bundle: Bundle) -> None:
    need(FRAMEWORKS[name].package)
    engine = load_framework(bundle, name)
    assert engine.runtime.startswith(f"{name} ")
    windows = np.random.default_rng(0).normal(size=(300, 9, 3)).astype(np.float32)
    expected = forward(bundle.manifest.architecture, bundle.folded_weights, windows)
    for count in (1, 3, 300):
        np.testing.assert_allclose(engine.predict(windows[:count]), expected[:count], atol=1e-5, rtol=0)


def test_jax_has_the_gru_that_resets_before_and_torch_has_not(random_bundle) -> None:
    layers = (GRU("first", 4, reset_after=False), Dense("Output", 3, "softmax"))
    bundle = random_bundle(Architecture("early", 5, 3, layers))
    for name, can in (("jax", True), ("torch", False)):
        need(name)
        if can:
            load_framework(bundle, name)
        else:
            with pytest.raises(EngineError, match="first is another GRU"):
                load_framework(bundle, name)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_other_numbers_than_the_oracles_are_not_timed(
    name: str, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(FRAMEWORKS[name].package)
    golden = {**bundle.golden, "oracle": bundle.golden["oracle"] + 1e-3}
    monkeypatch.setitem(vars(bundle), "golden", golden)
    with pytest.raises(EngineError, match=r"expected the oracle's outputs within 1e-05, is off by 1\.0e-03"):
        load_framework(bundle, name)


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_layers_it_has_not_are_refused_by_name(name: str, random_bundle) -> None:
    need(name)
    with pytest.raises(EngineError, match=f"{name}: expected recurrent layers .*, [A-Za-z_0-9]+ is another Conv1D"):
        load_framework(random_bundle("cnn"), name)


def test_what_is_not_installed_is_no_row_and_has_its_command(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frameworks.importlib.util, "find_spec", lambda package: None if package != "openvino" else 1)
    missing = missing_frameworks()
    assert list(missing) == ["torch", "jax"]
    assert all("install" in command and "[frameworks]'" in command for command in missing.values())
    (candidate,) = framework_candidates(bundle, tmp_path)
    assert (candidate.facts.engine, candidate.facts.artifact) == ("openvino", "model.float32.onnx")


def test_a_bundle_without_the_file_a_framework_reads_says_so(
    random_bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frameworks.importlib.util, "find_spec", lambda package: 1)
    *rebuilt, last = framework_candidates(random_bundle("lstm"), tmp_path)
    assert [(one.facts.engine, one.facts.route) for one in rebuilt] == [("torch", "rebuilt"), ("jax", "rebuilt")]
    with pytest.raises(EngineError, match="no float32 onnx artifact"):
        last.start(tmp_path)


@pytest.mark.parametrize(("count", "batches"), [(1, [1]), (3, [4]), (4, [4]), (9, [4, 4, 4])])
def test_batches_have_one_size(count: int, batches: list[int]) -> None:
    values = np.arange(count * 2, dtype=np.float32).reshape(count, 2)
    sizes = []

    def run(part: np.ndarray) -> np.ndarray:
        sizes.append(len(part))
        return 2 * part

    np.testing.assert_array_equal(in_batches(values, 4, run), 2 * values)
    assert sizes == batches
