"""The plan of a bundle: who takes part, with which windows, against which oracle."""

import numpy as np
import pytest

from edgehar.firmware_bridge.benchmark.candidates import CandidateFacts, UnavailableCandidate
from edgehar.firmware_bridge.benchmark.plan import (
    DISTINCT_WINDOWS,
    EngineCandidate,
    foreign_candidates,
    plan_bundle,
)
from edgehar.models.bundle import CompiledArtifact, read_bundle
from edgehar.models.bundle.manifest import TensorSpec
from edgehar.models.engines import ENGINES
from edgehar.models.errors import BundleError, UsageError
from edgehar.models.reference import forward

TENSOR = TensorSpec("serving", "float32", (1, 200, 3), 0.0, 0)


@pytest.fixture
def saved(random_bundle, tmp_path):
    """A bundle on disk with two artifacts of one format."""
    artifacts = [
        CompiledArtifact(f"model.{kind}.tflite", "tflite", kind, "direct", TENSOR, TENSOR, kind.encode())
        for kind in ("float32", "int8")
    ]
    bundle = random_bundle("simple_rnn").with_artifacts(artifacts)
    return bundle.save(tmp_path / "bundle")


def test_every_engine_meets_every_artifact(saved):
    plan = plan_bundle(saved.location)
    facts = [candidate.facts for candidate in plan.candidates]
    assert facts == [
        CandidateFacts("litert", "model.float32.tflite", "float32", "direct", 7),
        CandidateFacts("litert", "model.int8.tflite", "int8", "direct", 4),
        CandidateFacts("numpy", "weights.npz", "float32", "", len(saved.files["weights.npz"])),
    ]
    assert plan.model.parameters == 3628
    assert plan.model.hop_s == 1.0


def test_an_engine_that_was_named_and_has_no_file_is_a_row_that_says_so(saved):
    (missing,) = plan_bundle(saved.location, engines=["onnxruntime"]).candidates
    assert isinstance(missing, UnavailableCandidate)
    assert missing.facts == CandidateFacts("onnxruntime", "", "", "", None)
    assert "no onnx artifact" in missing.reason


def test_engines_can_be_chosen_and_more_can_join(saved):
    extra = UnavailableCandidate(CandidateFacts("litert", "peer", "int8", "peer", None), "killed")
    plan = plan_bundle(saved.location, engines=["numpy"], extra=[extra], threads=2)
    first, second = plan.candidates
    assert isinstance(first, EngineCandidate)
    assert (first.facts.engine, first.threads) == ("numpy", 2)
    assert second is extra


def test_an_unknown_engine_is_wrong_usage(saved):
    with pytest.raises(UsageError, match=f"expected names of {', '.join(ENGINES)}, got tvm, x"):
        plan_bundle(saved.location, engines=["numpy", "tvm", "x"])


def test_no_bundle_is_said_before_anything_is_measured(tmp_path):
    with pytest.raises(BundleError, match="found nothing"):
        plan_bundle(tmp_path / "none")


def test_the_oracle_is_computed_in_float64_for_exactly_these_windows(saved):
    windows = np.random.default_rng(1).normal(size=(70, 200, 3)).astype(np.float32)
    plan = plan_bundle(saved.location, windows=windows)
    expected = forward(saved.manifest.architecture, saved.folded_weights, windows)
    assert plan.oracle.dtype == np.float64
    np.testing.assert_allclose(plan.oracle, expected, rtol=1e-12)


def test_windows_are_artificial_unless_given(saved):
    assert plan_bundle(saved.location, engines=["numpy"]).windows.shape == (DISTINCT_WINDOWS, 200, 3)


def test_files_of_other_converters_meet_the_engines_of_their_format(saved, tmp_path):
    foreign = [
        CompiledArtifact("keras.tflite", "tflite", "float32", "from_keras_model", TENSOR, TENSOR, b"12345"),
        CompiledArtifact("keras.onnx", "onnx", "float32", "tf2onnx", TENSOR, TENSOR, b"123"),
    ]
    found = foreign_candidates(saved, foreign, tmp_path / "foreign", threads=3)
    assert [candidate.facts for candidate in found] == [
        CandidateFacts("litert", "keras.tflite", "float32", "from_keras_model", 5),
        CandidateFacts("onnxruntime", "keras.onnx", "float32", "tf2onnx", 3),
    ]
    assert all(isinstance(one, EngineCandidate) and one.threads == 3 for one in found)
    kept = read_bundle(tmp_path / "foreign")
    assert [entry.file for entry in kept.manifest.artifacts] == ["keras.tflite", "keras.onnx"]
    assert kept.manifest.model_id == saved.manifest.model_id
