"""`har compile` and `har verify`, as their users see them."""

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest
import typer

import edgehar
from edgehar.commands.compile import compile_bundle
from edgehar.commands.verify import verify
from edgehar.models.architecture import GRU, Architecture, Dense, LayerNormalization, named_architecture
from edgehar.models.bundle import CompiledArtifact, read_bundle
from edgehar.models.engines import missing_reason
from edgehar.models.errors import BundleError, CompileError, UsageError
from edgehar.pipeline import compilers
from edgehar.pipeline.compilers import LeftOut, Target, targets
from edgehar.pipeline.inspection import inspect_bundle

FORMATS_WITHOUT_INTEGERS = ("c",)


@pytest.fixture
def path(tmp_path: Path, random_bundle) -> Path:
    """A saved bundle without artifacts."""
    random_bundle("gru").save(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_compile_adds_what_verify_proves(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compile_bundle(path, as_json=True)
    said = json.loads(capsys.readouterr().out)
    files = ["model.float32.tflite", "model.float32.onnx", "model.float32.harc"]
    assert [entry["file"] for entry in said["artifacts"]] == files
    assert (path / "model.float32.onnx").stat().st_size == said["artifacts"][1]["bytes"]
    verify(path, as_json=True)
    proven = json.loads(capsys.readouterr().out)
    assert proven["ok"] is True
    compiler = missing_reason("native") is None
    assert {(row["artifact"], row["checked"], row["ok"]) for row in proven["artifacts"]} == {
        (name, compiler or not name.endswith(".harc"), True) for name in ("weights.npz", *files)
    }


def test_compiling_twice_replaces(path: Path) -> None:
    compile_bundle(path, format=["onnx"])
    compile_bundle(path)
    assert len(read_bundle(path).manifest.artifacts) == 3


def test_the_form_of_onnx_is_a_choice_of_onnx_alone(path: Path) -> None:
    compile_bundle(path, format=["onnx"], opset=13)
    assert onnx.load(path / "model.float32.onnx").opset_import[0].version == 13
    for choice in ({"opset": 13}, {"fast": True}):
        with pytest.raises(UsageError, match="expected onnx among the formats, got c"):
            compile_bundle(path, format=["c"], **choice)
    with pytest.raises(UsageError, match="opset: expected 13 to 17, got 9"):
        compile_bundle(path, opset=9)


def test_files_that_carry_state_are_added_and_proven(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compile_bundle(path, stateful=True, block=4, as_json=True)
    files = ["stateful.float32.tflite", "stateful.float32.onnx", "model.float32.harc"]
    assert [entry["file"] for entry in json.loads(capsys.readouterr().out)["artifacts"]] == files
    verify(path, engine=["litert"])
    assert "stateful" in capsys.readouterr().out
    for choice, said in (
        ({"fast": True, "stateful": True}, "expected files of windows"),
        ({"block": 2}, "--block: expected --stateful"),
        ({"block": 3, "stateful": True}, "a divisor of the window's 200 samples, got 3"),
    ):
        with pytest.raises(UsageError, match=said):
            compile_bundle(path, **choice)
    assert [each.file for each in inspect_bundle(read_bundle(path), check=True) if not each.ok] == []


def test_tables_are_for_people(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compile_bundle(path)
    verify(path)
    said = capsys.readouterr().out
    assert "45,600" in said
    assert "verified" in said


def test_a_folder_of_different_models_is_refused(random_bundle, tmp_path: Path) -> None:
    for name in ("gru", "lstm"):
        random_bundle(name).save(tmp_path / name)
    with pytest.raises(UsageError, match=r"expected bundles of one model, .* \(gru and lstm\)\. Name one of them"):
        compile_bundle(tmp_path)
    assert not read_bundle(tmp_path / "gru").manifest.artifacts


def test_an_unknown_target_is_refused_and_nothing_written(path: Path) -> None:
    before = sorted(path.iterdir())
    with pytest.raises(
        UsageError, match="expected one of float32, float16, int8-weights, int8-hybrid, int8, or all alone, got 'int3'"
    ):
        compile_bundle(path, quantization=["int3"])
    assert sorted(path.iterdir()) == before


def test_what_a_format_cannot_express_is_refused_by_its_layer(
    random_bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "normalized"
    layers = (GRU("g", 4, return_sequences=True), LayerNormalization("n", 1e-3), GRU("h", 4), Dense("o", 2, "softmax"))
    random_bundle(Architecture("normalized", 20, 3, layers)).save(path)
    for format_name in FORMATS_WITHOUT_INTEGERS:
        with pytest.raises(CompileError, match="is a LayerNormalization"):
            compile_bundle(path, format=[format_name], quantization=["int8"])
    assert not read_bundle(path).manifest.artifacts


def test_integers_without_calibration_are_refused(path: Path) -> None:
    with pytest.raises(CompileError, match=r"expected calibration windows .* Pass --data"):
        compile_bundle(path, format=["tflite"], quantization=["int8"])


def test_integers_are_calibrated_with_recordings(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compile_bundle(path, format=["tflite"], quantization=["int8", "float16"], data="synthetic", as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert [entry["quantization"] for entry in said["artifacts"]] == ["int8", "float16"]
    verify(path, engine=["litert"], as_json=True)
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_all_is_everything_a_model_can_be(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compile_bundle(path, quantization=["all"], data="synthetic", as_json=True)
    made = {(entry["format"], entry["quantization"]) for entry in json.loads(capsys.readouterr().out)["artifacts"]}
    assert made == {(target.format, target.quantization) for target in targets(read_bundle(path).manifest.architecture)}
    compile_bundle(path, format=["c"], quantization=["all"], data="synthetic", as_json=True)
    made = {entry["quantization"] for entry in json.loads(capsys.readouterr().out)["artifacts"]}
    assert made == {"float32", "int8"}


@pytest.fixture
def loud(tmp_path: Path, random_bundle) -> Path:
    """A saved bundle whose weights fit no integers of the C engine."""
    random_bundle("simple_rnn", gain=1e4).save(tmp_path / "loud")
    return tmp_path / "loud"


def test_all_leaves_out_what_a_model_cannot_be_and_says_it(loud: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CompileError, match="RNN_1/kernel: expected weights small enough"):
        compile_bundle(loud, quantization=["float32", "int8"], format=["c"])
    with pytest.raises(typer.Exit) as ended:
        compile_bundle(loud, quantization=["all"], as_json=True)
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert ended.value.exit_code == 1
    assert "c int8 is left out: RNN_1/kernel: expected weights small enough" in said.err
    left_out = {(each["format"], each["quantization"]): each["reason"] for each in found["left_out"]}
    assert left_out.keys() == {("tflite", "int8"), ("c", "int8")}
    assert "Use the float32 artifact" in left_out["c", "int8"]
    entries = read_bundle(loud).manifest.artifacts
    there = {(entry.format, entry.quantization) for entry in entries}
    everything = {(each.format, each.quantization) for each in targets(named_architecture("simple_rnn"))}
    assert there == everything - left_out.keys()
    assert [entry.file for entry in entries] == [entry["file"] for entry in found["artifacts"]]


def test_any_target_of_all_may_be_impossible(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = targets(read_bundle(path).manifest.architecture)

    def only(possible: list[Target], architecture, weights, **options) -> CompiledArtifact:
        target = Target(options["format"], options["quantization"])
        if target not in possible:
            raise CompileError("it is large", next_step="Shrink it.")
        return SimpleNamespace(target=target)

    for impossible in there:
        possible = [target for target in there if target != impossible]
        monkeypatch.setattr(compilers, "compile_model", partial(only, possible))
        made, left_out = compilers.compile_possible(read_bundle(path), there)
        assert [each.target for each in made] == possible
        assert left_out == [LeftOut(impossible, "it is large. Shrink it.")]
    monkeypatch.setattr(compilers, "compile_model", partial(only, []))
    with pytest.raises(CompileError, match="it is large"):
        compilers.compile_possible(read_bundle(path), there)


def test_programs_get_what_a_model_can_be(loud: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = edgehar.compile(loud, formats=["c"], quantizations=["all"])
    assert [entry.file for entry in made.manifest.artifacts] == ["model.float32.harc"]
    assert "c int8 is left out: RNN_1/kernel" in caplog.text


def test_an_altered_artifact_ends_verification(path: Path) -> None:
    compile_bundle(path)
    artifact = path / "model.float32.tflite"
    artifact.write_bytes(artifact.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError, match="sha256"):
        verify(path)


def test_a_model_that_is_not_proven_ends_with_1(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = read_bundle(path)
    weights = {name: value * 1.01 for name, value in bundle.weights.items()}
    other = type(bundle)(bundle.manifest, {**bundle.files})
    other.__dict__["weights"] = weights
    compilers.compile_bundle(other).save(path)
    with pytest.raises(typer.Exit) as ended:
        verify(path, as_json=True)
    assert ended.value.exit_code == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
