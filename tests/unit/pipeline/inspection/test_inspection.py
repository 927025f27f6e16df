"""`har inspect`: what it finds in files, in damaged files, and what it claims and checks of runtimes."""

import contextlib
import json
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import flatbuffers
import numpy as np
import onnx
import pytest
import typer
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

import edgehar.pipeline.inspection
from edgehar.commands.inspect import inspect
from edgehar.models.architecture import ARCHITECTURE_NAMES
from edgehar.models.bundle import Bundle
from edgehar.models.engines import missing_reason
from edgehar.models.errors import BundleError, HarError, UsageError
from edgehar.pipeline.compilers import Target, compile_bundle, targets
from edgehar.pipeline.compilers.onnx_options import OnnxOptions
from edgehar.pipeline.inspection import OperatorFact, inspect_bundle
from edgehar.pipeline.inspection.c99 import read_c
from edgehar.pipeline.inspection.checks import Trial, try_files
from edgehar.pipeline.inspection.onnx import read_onnx
from edgehar.pipeline.inspection.runtimes import OPERATORS, TFLITE_MICRO, tflite_claims
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
    assert OperatorFact("WHILE", 1, 1) in plain.operators
    assert OperatorFact("FULLY_CONNECTED", 1, 3) in plain.operators, "the loop's own graph is looked into"
    kernel = next(tensor for tensor in plain.tensors if tensor.name == "RNN_2/kernel")
    assert (kernel.dtype, kernel.shape, kernel.scales, kernel.stored_bytes) == ("float32", (32, 64), (), 8192)
    integer = found["model.int8.tflite"]
    window = next(tensor for tensor in integer.tensors if tensor.name == "Input")
    assert (window.dtype, window.shape, window.scales) == ("int16", (1, 200, 3), (2.0**-11,))
    graph = found["model.float32.onnx"]
    assert OperatorFact("RNN", 17, 2) in graph.operators
    assert graph.tensors[0].shape == (-1, 200, 3)
    assert graph.bytes == len(bundles["simple_rnn"].files["model.float32.onnx"])


def test_the_graph_that_an_onnx_operator_repeats_is_looked_into(random_bundle) -> None:
    made = compile_bundle(random_bundle("simple_rnn"), [Target("onnx", "float32")], onnx=OnnxOptions(fast=True))
    (found,) = inspect_bundle(made, check=False)
    assert OperatorFact("Scan", 17, 1) in found.operators
    inside_the_scan, behind_it = 1, 1
    assert OperatorFact("Tanh", 17, inside_the_scan + behind_it) in found.operators


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


@pytest.mark.parametrize("name", ["simple_rnn", "lstm", "bi_gru", "tcn", "attention"])
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
    assert claims["simple_rnn", "float32"].claimed
    assert claims["lstm", "float16"].reason == "has no half precision"
    assert claims["gru", "int8-hybrid"].reason == "has no kernels that mix int8 weights with floats"
    assert all(claims[name, "int8"].claimed for name in ("simple_rnn", "lstm", "gru"))
    assert all(claims[name, "int8-weights"].claimed for name in ("simple_rnn", "lstm", "gru", "cnn", "tcn"))
    assert claims["lstm", "float32"].claimed


READERS = {"tflite": read_tflite, "onnx": read_onnx, "c": read_c}
EXTREMES = (b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80")


@pytest.fixture(scope="module")
def files_of(random_bundle) -> dict[str, list[bytes]]:
    """Whole files of every format that is read."""
    bundle = random_bundle("gru", seed=4)
    wanted = [
        Target("tflite", "float32"),
        Target("tflite", "int8"),
        Target("onnx", "int8-weights"),
        Target("c", "int8"),
    ]
    made = compile_bundle(bundle, wanted, calibration=bundle.golden["windows"])
    return {
        name: [made.files[entry.file] for entry in made.manifest.artifacts if entry.format == name] for name in READERS
    }


@st.composite
def mutated(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw a file with a few bytes, numbers or stretches changed, taken out or doubled; perhaps cut short."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 5))):
        # The beginning of a file holds its tables: half of the damage is done there.
        place = draw(st.integers(0, len(content)) | st.integers(0, min(1500, len(content))))
        how = draw(st.sampled_from(["byte", "number", "drop", "double", "cut"]))
        if how == "byte":
            content[place : place + 1] = bytes([draw(st.integers(0, 255))])
        elif how == "number":
            content[place : place + 4] = draw(st.sampled_from(EXTREMES))
        elif how == "drop":
            del content[place : place + draw(st.integers(1, 60))]
        elif how == "double":
            content[place:place] = content[place : place + draw(st.integers(1, 200))]
        else:
            del content[place:]
    return bytes(content)


@pytest.mark.parametrize("format_name", READERS)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_never_followed(
    files_of: dict[str, list[bytes]], format_name: str, data: st.DataObject
) -> None:
    content = data.draw(mutated(data.draw(st.sampled_from(files_of[format_name]))))
    # Anything but a result or an error for people, such as an IndexError, fails the test.
    with contextlib.suppress(HarError):
        READERS[format_name](content, where="a file")


def test_a_small_file_that_claims_many_tensors_is_refused_soon() -> None:
    """A thousand subgraphs that are all the same one, with a thousand tensors that are all the same one."""
    builder = flatbuffers.Builder(0)
    name = builder.CreateString("n" * 1000)
    schema.TensorStart(builder)
    schema.TensorAddName(builder, name)
    tensor = schema.TensorEnd(builder)

    def repeated(entry: int) -> int:
        builder.StartVector(4, 1000, 4)
        for _ in range(1000):
            builder.PrependUOffsetTRelative(entry)
        return builder.EndVector()

    tensors = repeated(tensor)
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    graphs = repeated(schema.SubGraphEnd(builder))
    schema.BufferStart(builder)
    buffer = schema.BufferEnd(builder)
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(buffer)
    buffers = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddSubgraphs(builder, graphs)
    schema.ModelAddBuffers(builder, buffers)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    with pytest.raises(BundleError, match="expected a whole flatbuffer"):
        read_tflite(bytes(builder.Output()), where="model.tflite")


def test_a_file_whose_version_cannot_be_read_is_refused(bundles: dict[str, Bundle]) -> None:
    content = bundles["lstm"].files["model.float32.tflite"]
    root = int.from_bytes(content[:4], "little")
    table = root - int.from_bytes(content[root : root + 4], "little", signed=True)
    version_field = 4
    broken = bytearray(content)
    broken[table + version_field : table + version_field + 2] = b"\xff\xff"
    with pytest.raises(BundleError, match="expected a whole flatbuffer"):
        read_tflite(bytes(broken), where="model.tflite")


def test_another_version_of_the_file_format_is_loaded_by_no_runtime(bundles: dict[str, Bundle]) -> None:
    contents = read_tflite(bundles["lstm"].files["model.float32.tflite"], where="model.tflite")
    assert contents.format_version == 3
    claims = tflite_claims(replace(contents, format_version=77))
    assert [claim.claimed for claim in claims] == [False] * 4
    assert all("file format 77" in str(claim.reason) for claim in claims)


def test_an_onnx_file_with_arrays_in_other_files_is_refused(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    model = onnx.load_from_string(bundles["lstm"].files["model.float32.onnx"])
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(10_000))
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, os.fspath(secret))
    tensor.ClearField("raw_data")
    with pytest.raises(BundleError, match="is in another file"):
        read_onnx(model.SerializeToString(), where="model.onnx")


def test_an_onnx_array_larger_than_its_file_is_refused(bundles: dict[str, Bundle]) -> None:
    model = onnx.load_from_string(bundles["lstm"].files["model.float32.onnx"])
    model.graph.initializer[0].dims[:] = [2**40]
    with pytest.raises(BundleError, match=r"expected an ONNX model of known operators"):
        read_onnx(model.SerializeToString(), where="model.onnx")


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
    for silent in (str(tmp_path / "nosuch"), fake_python(tmp_path, "raise SystemExit(3)")):
        with pytest.raises(UsageError, match="expected a Python that has NumPy"):
            try_files(silent, "tflite-micro", [trial], WINDOW)


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
    assert "WHILE" in said
    assert "RNN_1/kernel" in said
    assert "tanh." not in said, "tensors without a name of their own are listed with --tensors"
    assert "not installed here" in said
    inspect(tmp_path / "bundle", no_check=True, as_json=True)
    (first, *_) = json.loads(capsys.readouterr().out)["artifacts"]
    assert {"name": "WHILE", "version": 1, "count": 1} in first["operators"]


@pytest.mark.parametrize("what", ["nothing", "a folder", "a text"])
def test_another_python_that_is_none_is_wrong_usage(bundles: dict[str, Bundle], tmp_path: Path, what: str) -> None:
    bundles["simple_rnn"].save(tmp_path / "bundle")
    python = tmp_path / "python"
    if what == "a folder":
        python.mkdir()
    elif what == "a text":
        python.write_text("no program")
    with pytest.raises(UsageError, match=rf"--python {python}: expected a Python's program") as refused:
        inspect(tmp_path / "bundle", python=[str(python)])
    assert refused.value.exit_code == 2


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
