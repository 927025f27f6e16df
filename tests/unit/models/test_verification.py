"""`verify_bundle` finds what it is there to find."""

from dataclasses import replace

import numpy as np
import pytest

import edgehar.models.engines
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.npz import write_npz
from edgehar.models.errors import EngineError, UsageError
from edgehar.models.verification import verify_bundle


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
