"""`verify_bundle` finds what it is there to find."""

from dataclasses import replace

import numpy as np
import pytest

import edgehar.models.engines
from edgehar.models.agreement import limits_of
from edgehar.models.bundle import Bundle, CompiledArtifact
from edgehar.models.bundle.manifest import TensorSpec
from edgehar.models.bundle.npz import write_npz
from edgehar.models.errors import EngineError, UsageError
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.compilers import Target, compile_bundle


@pytest.fixture
def bundle(random_bundle) -> Bundle:
    """An untrained model, which the NumPy engine alone can run."""
    return random_bundle("simple_rnn")


class StatefulEngine:
    """An engine with one of the faults that verification looks for."""

    name, runtime, artifact, quantization = "numpy", "broken 1.0", "weights.npz", "float32"

    def __init__(self, bundle: Bundle, fault: str) -> None:
        self._inner = edgehar.models.engines.load_engine(bundle, "numpy")
        self._fault = fault
        self._calls = 0

    def predict(self, windows: np.ndarray) -> np.ndarray:
        outputs = self._inner.predict(windows).copy()
        if self._fault == "state":
            outputs[1:] += 1e-3 * outputs[:-1]
        elif self._fault == "batch" and len(windows) == 1:
            outputs += 2e-5
        elif self._fault == "nan":
            outputs[0, 0] = np.nan
        elif self._fault == "error":
            outputs += 2e-5
        return outputs


def test_the_oracle_passes(bundle: Bundle) -> None:
    result = verify_bundle(bundle, ["numpy"])
    assert result.ok
    (row,) = result.artifacts
    assert row.checked
    assert row.max_abs_error < row.tolerance
    assert row.top1_agreement == 1.0
    assert not row.order_matters
    assert not row.batch_matters


@pytest.mark.parametrize(
    ("fault", "said"),
    [("state", "the windows before it"), ("batch", "one by one"), ("nan", "inf"), ("error", "got 2")],
)
def test_a_fault_is_found(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, fault: str, said: str) -> None:
    broken = StatefulEngine(bundle, fault)
    monkeypatch.setattr("edgehar.models.verification.load_engine", lambda *_: broken)
    result = verify_bundle(bundle, ["numpy"])
    assert not result.ok
    assert said in result.artifacts[0].reason


def _with_artifact(bundle: Bundle, quantization: str, **changes: object) -> Bundle:
    """A bundle whose weights.npz stands for a compiled artifact as well."""
    tensor = TensorSpec("Input", "float32", (1, 200, 3), 0.0, 0)
    artifact = CompiledArtifact("model.x.c", "c", quantization, "direct", tensor, tensor, b"x")
    return bundle.with_artifacts([replace(artifact, **changes)])


class OtherModel:
    """An engine that runs another model than the bundle's, and is true to what was recorded of it."""

    name, runtime, artifact = "native", "other 1.0", "model.x.c"

    def __init__(self, other: Bundle, quantization: str) -> None:
        self._inner = edgehar.models.engines.load_engine(other, "numpy")
        self.quantization = quantization

    def predict(self, windows: np.ndarray) -> np.ndarray:
        return self._inner.predict(windows)


@pytest.mark.parametrize("quantization", ["float16", "int8-weights", "int8-hybrid", "int8", "unheard-of"])
@pytest.mark.parametrize("claimed", [0.0, 1.0, 1e9])
def test_a_tolerance_and_recorded_outputs_are_not_taken_at_their_word(
    random_bundle, monkeypatch: pytest.MonkeyPatch, quantization: str, claimed: float
) -> None:
    model, other = (random_bundle("simple_rnn", seed, gain=1.4) for seed in (0, 1))
    engine = OtherModel(other, quantization)
    recorded = engine.predict(model.golden["windows"])
    bundle = _with_artifact(model, quantization, expected=recorded, tolerance=claimed)
    monkeypatch.setattr("edgehar.models.verification.load_engine", lambda *_: engine)
    monkeypatch.setattr("edgehar.models.verification.missing_reason", lambda _: None)
    (row,) = verify_bundle(bundle, ["native"]).artifacts
    assert not row.ok
    assert "the oracle" in row.reason
    assert row.max_abs_deviation == 0.0
    assert row.tolerance == min(claimed, limits_of(quantization).tolerance)


def test_outputs_far_from_the_recorded_ones_fail_though_the_oracle_s_are_near(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = OtherModel(bundle, "int8")
    recorded = np.roll(bundle.golden["oracle"], 1, axis=1)
    monkeypatch.setattr("edgehar.models.verification.load_engine", lambda *_: engine)
    monkeypatch.setattr("edgehar.models.verification.missing_reason", lambda _: None)
    (row,) = verify_bundle(_with_artifact(bundle, "int8", expected=recorded, tolerance=1.0), ["native"]).artifacts
    assert not row.ok
    assert "within 0.02 of the recorded ones" in row.reason


def test_an_oracle_that_the_bundle_made_up_is_found(bundle: Bundle) -> None:
    other = np.roll(bundle.golden["oracle"], 1, axis=1)
    golden = {**bundle.golden, "oracle": other}
    altered = replace(bundle, files={**bundle.files, "golden.npz": write_npz(golden)})
    (row,) = verify_bundle(altered, ["numpy"]).artifacts
    assert row.max_abs_error < 1e-5, "the oracle is computed, not read"
    assert not row.ok


def test_a_format_that_no_engine_reads_is_listed(bundle: Bundle) -> None:
    result = verify_bundle(_with_artifact(bundle, "int4", format="future"))
    row = result.artifacts[-1]
    assert (row.artifact, row.checked) == ("model.x.c", False)
    assert "reads the format 'future'" in row.reason


def test_artifacts_of_one_format_and_quantization_are_verified_each(bundle: Bundle) -> None:
    onnx = compile_bundle(bundle, [Target("onnx", "float32")])
    content = onnx.files["model.float32.onnx"]
    entry = onnx.manifest.artifacts[0]
    second = CompiledArtifact(
        "second.onnx", "onnx", "float32", "other", entry.input, entry.output, content[: len(content) // 2]
    )
    rows = verify_bundle(onnx.with_artifacts([second]), ["onnxruntime"], isolate=True).artifacts
    assert [(row.artifact, row.ok) for row in rows] == [("model.float32.onnx", True), ("second.onnx", False)]
    assert "refuses second.onnx" in rows[1].reason


def test_a_crash_of_an_engine_is_a_finding(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise EngineError("expected an answer about this file, the process was ended by SIGSEGV")

    monkeypatch.setattr("edgehar.models.isolation.Isolation.run", crash)
    result = verify_bundle(bundle, ["numpy"], isolate=True)
    assert not result.ok
    assert "SIGSEGV" in result.artifacts[0].reason


@pytest.mark.parametrize("missing", [True, False])
def test_recorded_outputs_that_are_missing_or_no_numbers(bundle: Bundle, missing: bool) -> None:
    onnx = compile_bundle(bundle, [Target("onnx", "float32")])
    golden = dict(onnx.golden)
    recorded = golden.pop("model.float32.onnx")
    if not missing:
        golden["model.float32.onnx"] = np.full_like(recorded, np.nan)
    altered = replace(onnx, files={**onnx.files, "golden.npz": write_npz(golden)})
    (row,) = verify_bundle(altered, ["onnxruntime"]).artifacts
    assert not row.ok
    assert "golden.npz" in row.reason


def test_other_golden_outputs_are_refused(bundle: Bundle) -> None:
    golden = {**bundle.golden, "oracle": np.roll(bundle.golden["oracle"], 1, axis=1)}
    altered = replace(bundle, files={**bundle.files, "golden.npz": write_npz(golden)})
    assert not verify_bundle(altered, ["numpy"]).ok


def test_what_is_not_installed_is_not_checked(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "edgehar.models.verification.missing_reason", lambda _: "engine numpy: not installed. Install it."
    )
    result = verify_bundle(bundle)
    assert not result.ok, "nothing was checked, so nothing is proven"
    assert not result.artifacts[0].checked
    assert "not installed" in result.artifacts[0].reason


def test_a_refusal_is_a_finding(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise EngineError("engine numpy: refuses", next_step="Update.")

    monkeypatch.setattr("edgehar.models.verification.load_engine", refuse)
    result = verify_bundle(bundle)
    assert not result.ok
    assert "refuses" in result.artifacts[0].reason


def test_an_unknown_engine_is_wrong_usage(bundle: Bundle) -> None:
    with pytest.raises(UsageError, match="nosuch"):
        verify_bundle(bundle, ["nosuch"])
