"""`har import` from a file to a verified bundle, with Keras as the judge."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.commands.compile import compile_bundle
from edgehar.commands.import_model import import_model
from edgehar.commands.verify import verify
from edgehar.firmware_bridge.projects.boards import find_board
from edgehar.firmware_bridge.projects.project import write_project
from edgehar.models.architecture import GRU, Activation, Architecture, Dense
from edgehar.models.bundle import make_bundle, read_bundle
from edgehar.models.bundle.manifest import DecoderSpec, Provenance, WindowSpec
from edgehar.models.errors import BundleError, DataError, UsageError
from edgehar.models.normalization import Normalization
from edgehar.pipeline import compilers
from edgehar.pipeline.inspection import inspect_bundle

# Keras 3 copies its variables in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained model of nine features, as a notebook saves it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keras = pytest.importorskip("keras")
    model = keras.Sequential(
        [
            keras.Input((20, 9)),
            keras.layers.LSTM(8, return_sequences=True),
            keras.layers.Dropout(0.2),
            keras.layers.LSTM(8),
            keras.layers.Dense(3, "softmax"),
        ]
    )
    path = tmp_path_factory.mktemp("models") / "my.keras"
    model.save(path)
    return path


def test_a_file_becomes_a_bundle_that_compiles_and_verifies(
    keras_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Compared with Keras, in a process of its own, on random inputs and on the user's."""
    data, out = tmp_path / "x.npy", tmp_path / "bundle"
    np.save(data, np.random.default_rng(0).normal(size=(30, 20, 9)))
    import_model(keras_file, out, labels="a,b,c", rate=50.0, data=data, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["labels"] == ["a", "b", "c"]
    assert (found["window"], found["features"], found["rate_hz"], found["unit"]) == (20, 9, 50.0, "as trained")
    assert [(each["inputs"], each["windows"]) for each in found["comparisons"]] == [
        ("random normal inputs", 64),
        ("x.npy", 30),
    ]
    assert all(each["max_abs_error"] <= 1e-5 for each in found["comparisons"])

    compile_bundle(out, quantization=["all"])
    assert "tflite int8 is left out" in capsys.readouterr().err
    assert len(read_bundle(out).manifest.artifacts) == 9

    compile_bundle(out, quantization=["all"], data=str(data))
    assert len(read_bundle(out).manifest.artifacts) == 10
    capsys.readouterr()
    verify(out, as_json=True)
    assert json.loads(capsys.readouterr().out)["ok"]


def test_nothing_is_written_where_something_else_stands(keras_file: Path, tmp_path: Path) -> None:
    """A folder of the user's stays as it is."""
    (tmp_path / "mine").mkdir()
    with pytest.raises(BundleError, match="expected a new name or an existing bundle"):
        import_model(keras_file, tmp_path / "mine")
    assert not list((tmp_path / "mine").iterdir())


def test_a_model_is_replaced_only_where_that_is_said(keras_file: Path, tmp_path: Path, random_bundle: Any) -> None:
    """Somebody trained it."""
    random_bundle("simple_rnn").save(tmp_path / "mine")
    with pytest.raises(UsageError, match="or --force to replace it"):
        import_model(keras_file, tmp_path / "mine")
    assert read_bundle(tmp_path / "mine").manifest.architecture.name == "simple_rnn"


def test_data_that_are_no_array_are_refused(keras_file: Path, tmp_path: Path) -> None:
    """A missing file, a text, a pickle, an archive."""
    with pytest.raises(UsageError, match="found none"):
        import_model(keras_file, tmp_path / "out", data=tmp_path / "x.npy")
    (tmp_path / "text.npy").write_text("1,2,3")
    np.save(tmp_path / "pickle.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "archive.npz", np.zeros(3))
    for name in ("text.npy", "pickle.npy", "archive.npz"):
        with pytest.raises(DataError, match=name):
            import_model(keras_file, tmp_path / "out", data=tmp_path / name)
    assert not (tmp_path / "out").exists()


def test_runtimes_run_what_gives_an_output_for_every_step(tmp_path: Path) -> None:
    """Numbers larger than one included: `har inspect` finds no contradiction, `har firmware` says why not."""
    architecture = Architecture("steps", 10, 4, (GRU("a", 5, True), Activation("b", "gelu"), Dense("c", 2)))
    generator = np.random.default_rng(0)
    weights = {
        name: generator.normal(scale=2, size=shape).astype(np.float32)
        for name, shape in architecture.weight_shapes().items()
    }
    bundle = make_bundle(
        architecture=architecture,
        labels=("a", "b"),
        window=WindowSpec(10, 5, 50.0, ("a", "b", "c", "d"), "as trained", "unknown", "unknown"),
        normalization=Normalization((0.0,) * 4, (1.0,) * 4),
        weights=weights,
        decoder=DecoderSpec(1, 0.0, 0),
        provenance=Provenance("none", "", "", 0, True, "2026-01-01T00:00:00Z", {}, {}),
        task="regression",
    )
    bundle = compilers.compile_bundle(bundle).save(tmp_path / "bundle")
    assert all(found.ok for found in inspect_bundle(read_bundle(tmp_path / "bundle")))
    assert "gives 2 outputs (regression)" in (tmp_path / "bundle" / "MODEL_CARD.md").read_text()
    with pytest.raises(UsageError, match="firmware: expected a model that gives one label"):
        write_project(bundle, find_board("arduino"), tmp_path / "firmware", quantization="float32")


def test_inputs_of_several_names_come_from_an_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`har import` and `har compile` take an .npz file with an array for each input, and say what does not fit."""
    keras = pytest.importorskip("keras")
    acc, who = keras.Input((8, 3), name="acc"), keras.Input((2,), name="who")
    joined = keras.layers.Concatenate()([keras.layers.GRU(4)(acc), who])
    keras.Model([acc, who], keras.layers.Dense(2, "softmax")(joined)).save(tmp_path / "my.keras")
    data, out = tmp_path / "x.npz", tmp_path / "bundle"
    generator = np.random.default_rng(0)
    np.savez(data, acc=generator.normal(size=(9, 8, 3)), who=generator.normal(size=(9, 2)))
    import_model(tmp_path / "my.keras", out, data=data)
    assert "its 2 inputs stand side by side in a window: acc as 3 of its features; who as 2" in capsys.readouterr().out
    compile_bundle(out, format=["tflite"], quantization=["int8-weights"], data=str(data))
    assert "model.int8-weights.tflite" in {entry.file for entry in read_bundle(out).manifest.artifacts}
    np.savez(data, acc=generator.normal(size=(9, 8, 3)))
    with pytest.raises(DataError, match="expected arrays named acc, who, got acc"):
        compile_bundle(out, format=["tflite"], quantization=["int8-weights"], data=str(data))
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["provenance"]["configuration"]["imported"]["inputs"][0]["first"] = 1
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="expected the inputs of an imported model side by side"):
        compile_bundle(out, format=["tflite"], quantization=["int8-weights"], data=str(data))
    whole = data.read_bytes()
    for damaged in (whole[:-40], whole.replace(b"(9, 8, 3)", b"(9999999,)")):
        data.write_bytes(damaged)
        with pytest.raises(DataError, match=r"expected a NumPy \.npz archive, .* with numpy\.savez"):
            import_model(tmp_path / "my.keras", tmp_path / "other", data=data)
