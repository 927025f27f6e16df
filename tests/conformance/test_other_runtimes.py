"""Runtimes beside the ones our engines use: LiteRT's CompiledModel, tflite-runtime 2.14 with numpy 1, tflite-micro.

The last two need environments of their own: `tools/make_runtime_environments.sh` makes them; without it their tests are
skipped.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgehar.models.architecture import ARCHITECTURE_NAMES
from edgehar.models.bundle import Bundle
from edgehar.pipeline.compilers import compile_bundle, targets
from edgehar.pipeline.inspection import inspect_bundle
from edgehar.pipeline.inspection.checks import DISTRIBUTIONS, Trial, try_files
from edgehar.pipeline.inspection.runtimes import COMPILED_MODEL, TFLITE_MICRO, TFLITE_RUNTIME

ROOT = Path(__file__).parents[2]

VERIFY = """
import dataclasses, json, sys
from edgehar.models.bundle import read_bundle
from edgehar.models.verification import verify_bundle
print(json.dumps(dataclasses.asdict(verify_bundle(read_bundle(sys.argv[1]), ["litert"]))))
"""


@pytest.fixture(scope="module", params=ARCHITECTURE_NAMES)
def bundle(request: pytest.FixtureRequest, random_bundle) -> Bundle:
    """Each named model, compiled to every TFLite form it has."""
    made = random_bundle(request.param, seed=6)
    wanted = [target for target in targets(made.manifest.architecture) if target.format == "tflite"]
    return compile_bundle(made, wanted, calibration=made.golden["windows"])


@pytest.mark.parametrize("runtime", [COMPILED_MODEL, TFLITE_RUNTIME, TFLITE_MICRO])
def test_a_runtime_gives_the_golden_outputs_or_refuses_as_claimed(bundle: Bundle, runtime: str, python_of) -> None:
    python = sys.executable if runtime == COMPILED_MODEL else python_of(DISTRIBUTIONS[runtime])
    claims = {
        each.file: fact
        for each in inspect_bundle(bundle, check=False)
        for fact in each.runtimes
        if fact.runtime == runtime
    }
    entries = bundle.manifest.artifacts
    trials = [Trial(bundle.files[entry.file], bundle.golden[entry.file], entry.tolerance) for entry in entries]
    outcomes = try_files(python, DISTRIBUTIONS[runtime], trials, bundle.golden["windows"])
    assert outcomes is not None
    for entry, outcome in zip(entries, outcomes, strict=True):
        claimed = claims[entry.file].claimed
        assert (outcome.error is None) == claimed, (entry.file, outcome.error)
        assert outcome.error is None or "gives other probabilities" not in outcome.error


def test_the_engine_verifies_with_tflite_runtime(bundle: Bundle, tmp_path: Path, python_of) -> None:
    python = python_of("tflite-runtime")
    bundle.save(tmp_path / "bundle")
    done = subprocess.run(
        [python, "-c", VERIFY, str(tmp_path / "bundle")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["ok"], result
    assert {row["runtime"] for row in result["artifacts"]} == {"tflite_runtime 2.14.0"}
    assert len(result["artifacts"]) == len(bundle.manifest.artifacts)
    assert all(row["checked"] for row in result["artifacts"])
