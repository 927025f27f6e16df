"""`har inspect`: what it finds in files, in damaged files, and what it claims and checks of runtimes."""

import contextlib
import json
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

import edgehar.pipeline.inspection
from edgehar.commands.inspect import inspect
from edgehar.models.architecture import ARCHITECTURE_NAMES
from edgehar.models.bundle import Bundle
from edgehar.models.engines import missing_reason
from edgehar.models.errors import BundleError
from edgehar.pipeline.compilers import Target, compile_bundle, targets
from edgehar.pipeline.inspection import OperatorFact, inspect_bundle
from edgehar.pipeline.inspection.c99 import read_c
from edgehar.pipeline.inspection.checks import Trial, try_files
from edgehar.pipeline.inspection.onnx import read_onnx
from edgehar.pipeline.inspection.runtimes import OPERATORS, TFLITE_MICRO
from edgehar.pipeline.inspection.tflite import read_tflite


@pytest.fixture(scope="module")
def bundles(random_bundle) -> dict[str, Bundle]:
    """Each named model, compiled to everything."""
    made = {}
    for name in ARCHITECTURE_NAMES:
        bundle = random_bundle(name, seed=4)
        wanted = [target for target in targets(bundle.manifest.architecture) if target.format in ("tflite", "onnx")]
        made[name] = compile_bundle(bundle, wanted, calibration=bundle.golden["windows"])
    return made


def test_operators_tensors_and_scales_are_found(bundles: dict[str, Bundle]) -> None:
    found = {each.file: each for each in inspect_bundle(bundles["simple_rnn"], check=False)}
    plain = found["model.float32.tflite"]
    assert plain.operators[0] == OperatorFact("UNIDIRECTIONAL_SEQUENCE_RNN", 1, 2)
    kernel = next(tensor for tensor in plain.tensors if tensor.name == "RNN_2/kernel")
    assert (kernel.dtype, kernel.shape, kernel.scales, kernel.stored_bytes) == ("float32", (32, 32), (), 4096)
    integer = found["model.int8.tflite"]
    window = next(tensor for tensor in integer.tensors if tensor.name == "Input")
    assert (window.dtype, window.shape, window.scales) == ("int16", (1, 200, 3), (2.0**-11,))
    graph = found["model.float32.onnx"]
    assert OperatorFact("Scan", 17, 1) in graph.operators
    turn, drain = 1, 1
    assert OperatorFact("Tanh", 17, turn + drain) in graph.operators, "the Scan's own graph is looked into"
    assert graph.tensors[0].shape == (-1, 200, 3)
    assert graph.bytes == len(bundles["simple_rnn"].files["model.float32.onnx"])


@pytest.mark.parametrize("quantization", ["float32", "int8"])
def test_the_c_engines_tables_are_read_and_checked(random_bundle, quantization: str) -> None:
    made = random_bundle("gru", seed=4)
    bundle = compile_bundle(made, [Target("c", quantization)], calibration=made.golden["windows"])
    (found,) = inspect_bundle(bundle)
    assert found.operators == (OperatorFact("GRU_RESET_AFTER", 1, 2), OperatorFact("DENSE", 1, 1))
    recurrent = next(tensor for tensor in found.tensors if tensor.name == "2_gru_reset_after/recurrent_kernel")
    assert recurrent.stored_bytes == 96 * 32 * (1 if quantization == "int8" else 4)
    if quantization == "int8":
        # A row's scale times its integers is the row, within half a step of its largest weight.
        kernel = made.folded_weights["GRU_2/recurrent_kernel"]
        np.testing.assert_allclose(127 * np.array(recurrent.scales), np.abs(kernel).max(axis=0), rtol=0.01)
    (runtime,) = found.runtimes
    assert runtime.checked in (True, None)
    assert (runtime.checked is None) == (missing_reason("native") is not None)


def test_a_damaged_blob_is_refused(random_bundle) -> None:
    content = compile_bundle(random_bundle("gru"), [Target("c", "float32")]).files["model.float32.harc"]
    for broken in (content[:100], content[:-1], b"", content[:50] + b"?" + content[51:]):
        with pytest.raises(BundleError, match=r"model\.harc: model blob: expected"):
            read_c(broken, where="model.harc")


def test_stored_bytes_are_the_files_weights(bundles: dict[str, Bundle]) -> None:
    for bundle in bundles.values():
        for each in inspect_bundle(bundle, check=False):
            assert sum(tensor.stored_bytes for tensor in each.tensors) <= each.bytes


@pytest.mark.parametrize("name", ["simple_rnn", "bi_gru", "tcn", "attention"])
def test_every_claim_that_can_be_checked_here_is_true(bundles: dict[str, Bundle], name: str) -> None:
    for bundle in [bundles[name]]:
        for each in inspect_bundle(bundle):
            checked = [runtime for runtime in each.runtimes if runtime.checked is not None]
            assert checked, "ai-edge-litert and onnxruntime are installed for development"
            assert each.ok, each.runtimes


def test_every_operator_we_write_is_in_the_table(bundles: dict[str, Bundle]) -> None:
    for bundle in bundles.values():
        for each in inspect_bundle(bundle, check=False):
            if each.format == "tflite":
                for operator in each.operators:
                    assert operator.version <= OPERATORS[operator.name][0], "tflite-runtime 2.14 refuses it"


def test_what_microcontrollers_lack_is_said(bundles: dict[str, Bundle]) -> None:
    claims = {
        (name, each.quantization): next(claim for claim in each.runtimes if claim.runtime == TFLITE_MICRO)
        for name, bundle in bundles.items()
        for each in inspect_bundle(bundle, check=False)
        if each.format == "tflite"
    }
    assert claims["simple_rnn", "float32"].reason == "has no UNIDIRECTIONAL_SEQUENCE_RNN"
    assert claims["lstm", "float16"].reason == "has no half precision"
    assert claims["gru", "int8-hybrid"].reason == "has no kernels that mix int8 weights with floats"
    assert all(claims[name, "int8"].claimed for name in ("simple_rnn", "lstm", "gru"))
    assert all(claims[name, "int8-weights"].claimed for name in ("lstm", "gru", "cnn", "tcn"))
    assert claims["lstm", "float32"].claimed


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_flatbuffer_is_refused_or_read_never_followed(
    bundles: dict[str, Bundle], data: st.DataObject
) -> None:
    whole = bundles["gru"].files["model.int8.tflite"]
    content = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    # Anything but a result or this very error, such as an IndexError, fails the test.
    with contextlib.suppress(BundleError):
        read_tflite(bytes(content), where="model.tflite")


def test_a_flatbuffer_cut_short_is_refused(bundles: dict[str, Bundle]) -> None:
    content = bundles["lstm"].files["model.float32.tflite"]
    for length in (0, 7, 100, len(content) // 2):
        with pytest.raises(BundleError, match="The file is damaged: compile it again"):
            read_tflite(content[:length], where="model.tflite")


def test_an_onnx_file_cut_short_or_of_unknown_operators_is_refused(bundles: dict[str, Bundle]) -> None:
    content = bundles["lstm"].files["model.float32.onnx"]
    with pytest.raises(BundleError, match="expected an ONNX model of known operators"):
        read_onnx(content[: len(content) // 2], where="model.onnx")
    model = onnx.load_from_string(content)
    model.graph.node[0].op_type = "Teleport"
    with pytest.raises(BundleError, match="Teleport"):
        read_onnx(model.SerializeToString(), where="model.onnx")


WINDOW = np.zeros((1, 200, 3), np.float32)


def fake_python(folder: Path, script: str) -> str:
    """Write an executable that stands for a Python with a runtime."""
    path = folder / "python"
    path.write_text(f"#!{sys.executable}\nimport os, sys\nrequest = sys.stdin.readline()\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return os.fspath(path)


def test_a_runtime_that_dies_is_asked_about_the_files_after_it(tmp_path: Path) -> None:
    script = """
import json
print('{"installed": "9.9"}')
for content in json.loads(request)["files"]:
    if content == b"killer".hex():
        sys.stdout.flush()
        os.abort()
    print(json.dumps({"error": None, "outputs": [[1.0, 0.0 if content == b"good".hex() else 0.5]]}))
"""
    trials = [Trial(content, np.array([[1.0, 0.0]]), 1e-5) for content in (b"good", b"killer", b"wrong")]
    outcomes = try_files(fake_python(tmp_path, script), "tflite-micro", trials, WINDOW)
    assert [outcome.error for outcome in outcomes] == [
        None,
        "the runtime was ended by SIGABRT (Aborted)",
        "gives other probabilities, off by 0.5",
    ]
    assert outcomes[0].version == "9.9"


def test_a_runtime_that_is_not_there_is_not_an_error(tmp_path: Path) -> None:
    python = fake_python(tmp_path, """print('{"installed": null}')""")
    trial = Trial(b"good", np.array([[1.0]]), 1e-5)
    assert try_files(python, "tflite-micro", [trial], WINDOW) is None
    assert try_files(str(tmp_path / "nosuch"), "tflite-micro", [trial], WINDOW) is None


def test_a_file_that_a_runtime_refuses_contradicts_the_claim(bundles: dict[str, Bundle]) -> None:
    bundle = bundles["lstm"]
    window, wider = (np.array([1, 200, channels], np.int32).tobytes() for channels in (3, 4))
    broken = bundle.files["model.float32.tflite"].replace(window, wider)
    altered = replace(bundle, files={**bundle.files, "model.float32.tflite": broken})
    found = next(each for each in inspect_bundle(altered) if each.file == "model.float32.tflite")
    assert not found.ok
    assert found.runtimes[0].claimed
    assert found.runtimes[0].checked is False
    assert found.runtimes[0].reason


def test_the_command_prints_tables_and_json(
    bundles: dict[str, Bundle], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundles["simple_rnn"].save(tmp_path / "bundle")
    inspect(tmp_path / "bundle", no_check=True)
    said = capsys.readouterr().out
    assert "UNIDIRECTIONAL_SEQUENCE_RNN" in said
    assert "not installed here" in said
    inspect(tmp_path / "bundle", no_check=True, as_json=True)
    (first, *_) = json.loads(capsys.readouterr().out)["artifacts"]
    assert first["operators"][0] == {"name": "UNIDIRECTIONAL_SEQUENCE_RNN", "version": 1, "count": 2}


def test_the_command_ends_with_1_where_a_runtime_contradicts(
    bundles: dict[str, Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles["simple_rnn"].save(tmp_path / "bundle")

    def contradict(claims, trials, windows, pythons):
        return [[replace(claim, checked=not claim.claimed) for claim in each] for each in claims]

    monkeypatch.setattr(edgehar.pipeline.inspection, "check_claims", contradict)
    with pytest.raises(typer.Exit) as ended:
        inspect(tmp_path / "bundle", as_json=True)
    assert ended.value.exit_code == 1
