"""Files that cannot be imported: one sentence each, which names what was found and what to do."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.models.errors import DataError, HarError, ModelFileError, UsageError
from edgehar.pipeline.importers import import_model, keras_file
from edgehar.pipeline.importers.source import read_source

h5py = pytest.importorskip("h5py")


def configuration(*layers: dict[str, Any], shape: tuple[Any, ...] = (None, 8, 3)) -> dict[str, Any]:
    """Return a Sequential as Keras 3 describes it."""
    first = {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": list(shape)}}
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "made", "layers": [first, *layers]},
        "registered_name": None,
    }


def layer(kind: str, module: str = "keras.layers", registered: str | None = None, **options: Any) -> dict[str, Any]:
    """Return one layer as Keras 3 describes it."""
    options.setdefault("name", kind.lower())
    return {"module": module, "class_name": kind, "config": options, "registered_name": registered}


LSTM = layer("LSTM", units=2)
DENSE = layer("Dense", units=2, activation="softmax")


def weights(**arrays: np.ndarray) -> bytes:
    """Return a file of weights; underscores in pairs stand for the path's strokes."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name, values in arrays.items():
            file[name.replace("__", "/")] = values
    return stream.getvalue()


WEIGHTS = weights(
    layers__lstm__cell__vars__0=np.ones((3, 8), np.float32),
    layers__lstm__cell__vars__1=np.ones((2, 8), np.float32),
    layers__lstm__cell__vars__2=np.ones(8, np.float32),
    layers__dense__vars__0=np.ones((2, 2), np.float32),
    layers__dense__vars__1=np.ones(2, np.float32),
)


def archive(path: Path, described: dict[str, Any] | bytes, stored: bytes = WEIGHTS, **members: bytes) -> Path:
    """Write a .keras file."""
    content = described if isinstance(described, bytes) else json.dumps(described).encode()
    files = {"config.json": content, "metadata.json": b'{"keras_version": "3.99.0"}', "model.weights.h5": stored}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, value in (files | {key.replace("__", "."): value for key, value in members.items()}).items():
            target.writestr(name, value)
    return path


def refused(path: Path, *words: str, kind: type[HarError] = ModelFileError, **options: Any) -> str:
    """Import a file that must be refused in one sentence with these words."""
    with pytest.raises(kind) as caught:
        import_model(path, compare_with_source=False, **options)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message
    return message


def test_the_file_that_the_others_are_made_from_is_read(tmp_path: Path) -> None:
    """What is refused below is refused for what was changed in it."""
    bundle = import_model(archive(tmp_path / "a.keras", configuration(LSTM, DENSE)), compare_with_source=False)
    assert bundle.manifest.labels == ("class_0", "class_1")
    assert bundle.manifest.window.channels == ("x", "y", "z")


@pytest.mark.parametrize("kind", ["Lambda", "TFSMLayer", "TorchModuleWrapper"])
def test_a_layer_that_is_code_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    """It is never executed: there is no such layer to import from."""
    code = layer(kind, name="mine", function={"class_name": "__lambda__", "config": {"code": "4wEAAAA="}})
    refused(archive(tmp_path / "a.keras", configuration(LSTM, code, DENSE)), "mine", kind, "never executed")


@pytest.mark.parametrize(
    "custom",
    [layer("Mine", "my.layers", "Custom>Mine"), layer("Dense", "os", units=2), layer("Dense", registered="mine>Dense")],
)
def test_a_class_of_somebodys_own_is_refused_by_name(custom: dict[str, Any], tmp_path: Path) -> None:
    """Whatever it calls itself."""
    refused(archive(tmp_path / "a.keras", configuration(LSTM, custom)), custom["class_name"], "class of your own")


def test_an_option_that_this_version_does_not_know_is_refused_by_name(tmp_path: Path) -> None:
    """A newer Keras may have options that change what a layer gives; those that are not used are passed over."""
    unused = layer("LSTM", units=2, flash=None, warp=False)
    import_model(archive(tmp_path / "a.keras", configuration(unused, DENSE)), compare_with_source=False)
    refused(
        archive(tmp_path / "b.keras", configuration(layer("LSTM", units=2, flash="on"), DENSE)),
        "lstm (LSTM)",
        "flash='on'",
        "not known to this version",
    )


def test_a_layer_that_cannot_be_expressed_is_refused_by_name(tmp_path: Path) -> None:
    """And the sentence says which layers can be."""
    message = refused(archive(tmp_path / "a.keras", configuration(layer("ConvLSTM1D"))), "convlstm1d", "ConvLSTM1D")
    assert "LSTM, " in message


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever size its directory claims."""
    monkeypatch.setattr(keras_file, "MAXIMUM_WEIGHTS_BYTES", 2**20)
    refused(archive(tmp_path / "a.keras", configuration(LSTM), bytes(2**22)), "model.weights.h5", "at most 1,048,576")
    refused(archive(tmp_path / "b.keras", b" " * 2**23), "config.json", "at most 4,194,304")


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a": ', b"[]", b"\xff\xfe"])
def test_a_description_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    """Nested, cut off, of another type, in another encoding."""
    refused(archive(tmp_path / "a.keras", content), "config.json", "JSON")


def test_missing_weights_are_named_with_their_layer(tmp_path: Path) -> None:
    """A file without them, and one with those of another model."""
    described = configuration(LSTM, DENSE)
    refused(archive(tmp_path / "a.keras", described, weights()), "layer lstm (LSTM)", "got none", "lacks weights")
    other = weights(layers__lstm__cell__vars__0=np.ones((3, 9), np.float32))
    refused(archive(tmp_path / "b.keras", described, other), "(3, 8)", "(3, 9)")


def test_an_archive_without_a_member_is_refused(tmp_path: Path) -> None:
    """The sentence says which."""
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("metadata.json", "{}")
    refused(path, "no config.json", "model.save('my.keras')")


def test_a_file_of_weights_alone_is_told_from_a_model(tmp_path: Path) -> None:
    """An .h5 by `save_weights` has no description."""
    path = tmp_path / "a.h5"
    path.write_bytes(WEIGHTS)
    refused(path, "weights alone", "model.save('my.keras')")


def linked(kind: str) -> bytes:
    """Return a file of weights with something in it that leads elsewhere."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        group = file.create_group("layers/lstm/cell/vars")
        if kind == "soft link":
            group["0"] = h5py.SoftLink("/layers")
        elif kind == "external link":
            group["0"] = h5py.ExternalLink("/etc/passwd", "/x")
        elif kind == "external data":
            group.create_dataset("0", (3, 8), np.float32, external=[("/etc/passwd", 0, 96)])
        else:
            layout = h5py.VirtualLayout((3, 8), np.float32)
            layout[:] = h5py.VirtualSource("/etc/passwd", "x", (3, 8))
            group.create_virtual_dataset("0", layout)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["soft link", "external link", "external data", "virtual data"])
def test_weights_that_lead_elsewhere_are_refused(kind: str, tmp_path: Path) -> None:
    """No other file is opened."""
    path = archive(tmp_path / "a.keras", configuration(LSTM, DENSE), linked(kind))
    refused(path, "expected nothing but groups and arrays", "link" if "link" in kind else "another file")


def test_weights_that_unpack_to_more_than_a_bundle_holds_are_refused(tmp_path: Path) -> None:
    """HDF5 packs zeros as well as zip does."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_dataset("layers/lstm/cell/vars/0", (2**26,), np.float32, chunks=(2**20,), compression="gzip")
    refused(archive(tmp_path / "a.keras", configuration(LSTM), stream.getvalue()), "at most 67,108,864 bytes")


@pytest.mark.parametrize("cut", [10, 100, 600, 1500])
def test_damaged_weights_are_refused(cut: int, tmp_path: Path) -> None:
    """At the file's beginning, and further in."""
    refused(archive(tmp_path / "a.keras", configuration(LSTM, DENSE), WEIGHTS[:-cut]), "model.weights.h5")


def test_the_folder_of_a_saved_model_is_told_how_to_become_a_keras_file(tmp_path: Path) -> None:
    """With and without what Keras 2 leaves there."""
    (tmp_path / "saved_model.pb").write_bytes(b"")
    refused(tmp_path, "SavedModel", "model.save('my.keras')")
    (tmp_path / "keras_metadata.pb").write_bytes(b"")
    refused(tmp_path, "SavedModel", "load_model('FOLDER').save('my.keras')")


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.tflite", b"\x1c\0\0\0TFL3", "tflite"),
        ("a.pt", b"PK\x03\x04" + b"archive/data.pkl", "torch.onnx.export"),
        ("a.pkl", b"\x80\x04\x95", "pickle"),
        ("a.keras", b"hello", "something else"),
        ("a.keras", b"PK\x03\x04hello", "damaged zip"),
        ("a.h5", b"\x89HDF\r\n\x1a\nhello", "HDF5"),
    ],
)
def test_other_files_are_told_what_they_are(name: str, content: bytes, word: str, tmp_path: Path) -> None:
    """By their first bytes, not by their name."""
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, word)


@pytest.mark.parametrize(
    ("shape", "words"),
    [((None, None, 3), ("--window",)), ((None, 8), ("(steps, features)",))],
)
def test_inputs_that_are_no_windows_are_refused(shape: tuple[Any, ...], words: tuple[str, ...], tmp_path: Path) -> None:
    """Of unknown length, without features."""
    path = archive(tmp_path / "a.keras", configuration(LSTM, DENSE, shape=shape))
    refused(path, *words, kind=UsageError if None in shape[1:] else ModelFileError)


def test_a_window_of_any_length_gets_the_length_that_is_asked_for(tmp_path: Path) -> None:
    """And one of a known length no other."""
    path = archive(tmp_path / "a.keras", configuration(LSTM, DENSE, shape=(None, None, 3)))
    assert import_model(path, window=30, compare_with_source=False).manifest.window.length == 30
    path = archive(tmp_path / "b.keras", configuration(LSTM, DENSE))
    refused(path, "--window 8", kind=UsageError, window=30)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"stateful": "yes"}, "stateful='yes'"),
        ({"return_state": True}, "return_state=True"),
        ({"units": 0}, "units=0"),
        ({"units": "2"}, "units='2'"),
        ({"activation": "mine"}, "activation='mine'"),
        ({"activation": {"class_name": "function", "config": "mine"}}, "activation="),
        ({"dtype": {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}}, "dtype='mixed_float16'"),
    ],
)
def test_an_option_that_cannot_be_expressed_is_refused_by_name(
    options: dict[str, Any], word: str, tmp_path: Path
) -> None:
    """With the layer, its value, and what could be."""
    described = configuration(layer("LSTM", **({"units": 2} | options)), DENSE)
    refused(archive(tmp_path / "a.keras", described), "lstm (LSTM)", word, "expected")


def test_a_hard_sigmoid_of_keras_2_is_not_taken_for_that_of_keras_3(tmp_path: Path) -> None:
    """The name stayed, the function did not."""
    described = configuration(layer("LSTM", units=2, recurrent_activation="hard_sigmoid"), DENSE)
    import_model(archive(tmp_path / "a.keras", described), compare_with_source=False)
    old = archive(tmp_path / "b.keras", described, metadata__json=b'{"keras_version": "2.15.0"}')
    refused(old, "hard_sigmoid of Keras 2.15.0", "0.2 x + 0.5")


@pytest.mark.parametrize("labels", [["a"], ["a", "a"], ["a", ""], ["a", "b", "c"]])
def test_labels_must_be_as_many_as_outputs_and_differ(labels: list[str], tmp_path: Path) -> None:
    """A name for each, in their order."""
    path = archive(tmp_path / "a.keras", configuration(LSTM, DENSE))
    refused(path, "expected 2 different names", kind=UsageError, labels=labels)


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.zeros((4, 8, 2), np.float32),
        lambda: np.zeros((8, 3), np.float32),
        lambda: np.full((2, 8, 3), np.nan, np.float32),
        lambda: np.zeros((0, 8, 3), np.float32),
        lambda: np.zeros((2, 8, 3), "U1"),
    ],
)
def test_data_that_are_no_windows_of_the_model_are_refused(make: Callable[[], np.ndarray], tmp_path: Path) -> None:
    """Named by where they came from."""
    path = archive(tmp_path / "a.keras", configuration(LSTM, DENSE))
    refused(path, "x.npy", kind=DataError, data={"x.npy": make()})


def test_names_of_a_strangers_layers_become_plain(tmp_path: Path) -> None:
    """They reach files, tensors and terminals."""
    path = archive(
        tmp_path / "a b.keras",
        configuration(layer("LSTM", name="../\x1b[2J", units=2), layer("Dense", name="a/b", units=2)),
    )
    found = import_model(path, compare_with_source=False).manifest.architecture
    assert [each.name for each in found.layers] == [".._2J", "a_b"]
    assert found.name == "a_b"


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"found nothing. Check the path."):
        read_source(tmp_path / "my.keras")
