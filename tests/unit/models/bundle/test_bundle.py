"""A bundle is written whole, read back equal, and refused when anything about it is not what it says."""

import hashlib
import io
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.bundle import (
    CARD,
    GOLDEN,
    MAXIMUM_FILE_BYTES,
    MAXIMUM_MANIFEST_BYTES,
    WEIGHTS,
    Bundle,
    CompiledArtifact,
    make_bundle,
    read_bundle,
)
from edgehar.models.bundle.card import model_card
from edgehar.models.bundle.manifest import MetricsEntry, TensorSpec
from edgehar.models.bundle.npz import read_npz, write_npz
from edgehar.models.errors import BundleError
from edgehar.models.reference import forward

TENSOR = TensorSpec("serving", "float32", (1, 200, 3), 0.0, 0)
MANIFEST = "manifest.json"


def _artifact(file: str = "model.tflite", content: bytes = b"content", **changes) -> CompiledArtifact:
    return replace(CompiledArtifact(file, "tflite", "float32", "direct", TENSOR, TENSOR, content), **changes)


@pytest.fixture(scope="module")
def bundle(random_bundle) -> Bundle:
    """A bundle in memory with one artifact that nothing runs."""
    return random_bundle("simple_rnn").with_artifacts([_artifact()])


@pytest.fixture
def saved(bundle, tmp_path) -> Path:
    """The same on disk."""
    bundle.save(tmp_path / "bundle")
    return tmp_path / "bundle"


def _zipped(folder: Path, prefix: str = "", compression: int = zipfile.ZIP_DEFLATED) -> Path:
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", compression) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, prefix + file.name)
    return target


def _edit_manifest(folder: Path, **entries) -> None:
    data = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(data | entries))


def _replace_file(folder: Path, key: str, content: bytes) -> None:
    """Replace a file and have the manifest vouch for it, as someone who means harm would."""
    data = json.loads((folder / MANIFEST).read_text())
    (folder / data[key]["file"]).write_bytes(content)
    data[key] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / MANIFEST).write_text(json.dumps(data))


def test_a_saved_bundle_reads_back_equal(bundle, saved):
    found = read_bundle(saved)
    assert found.manifest == bundle.manifest
    assert found.files == bundle.files
    assert found.location == saved
    assert sorted(path.name for path in saved.iterdir()) == sorted([MANIFEST, WEIGHTS, GOLDEN, CARD, "model.tflite"])


@pytest.mark.parametrize("prefix", ["", "bundle/", "a/b/"])
def test_a_zip_of_it_reads_the_same(bundle, saved, prefix):
    assert read_bundle(_zipped(saved, prefix)).files == bundle.files


def test_a_zip_with_a_mac_s_side_files_reads_the_same(bundle, saved):
    target = _zipped(saved, "bundle/")
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("__MACOSX/bundle/._manifest.json", b"finder")
        archive.writestr("._manifest.json", b"finder")
    assert read_bundle(target).files == bundle.files


def test_the_oracle_s_outputs_travel_along(bundle):
    golden, architecture = bundle.golden, bundle.manifest.architecture
    expected = forward(architecture, bundle.folded_weights, golden["windows"])
    np.testing.assert_array_equal(golden["oracle"], expected.astype(np.float32))
    np.testing.assert_array_equal(golden["model.tflite"], golden["oracle"])


def test_the_model_id_is_that_of_its_weights(random_bundle):
    ids = {random_bundle("lstm", seed).manifest.model_id for seed in (0, 0, 1)}
    assert len(ids) == 2
    assert all(name.startswith("lstm-") for name in ids)


def test_an_artifact_of_the_same_name_is_replaced_with_its_golden_outputs(bundle):
    expected = np.full_like(bundle.golden["oracle"], 1 / 12)
    changed = bundle.with_artifacts([_artifact(content=b"other", expected=expected), _artifact("second.onnx")])
    assert [entry.file for entry in changed.manifest.artifacts] == ["model.tflite", "second.onnx"]
    assert changed.files["model.tflite"] == b"other"
    np.testing.assert_array_equal(changed.golden["model.tflite"], expected)
    assert bundle.files["model.tflite"] == b"content"


def test_artifacts_are_found_by_format_and_quantization(bundle):
    found = bundle.manifest.artifact(format="tflite", quantization="float32")
    assert found is not None
    assert found.file == "model.tflite"
    assert bundle.manifest.artifact(format="onnx", quantization="float32") is None
    assert bundle.manifest.artifact(format="tflite", quantization="int8") is None


def test_metrics_of_the_same_protocol_are_replaced(bundle):
    entry = MetricsEntry("p", "numpy", WEIGHTS, "float32", ("1",), ("2",), 5, 0.5, 0.5, {})
    twice = bundle.with_metrics([entry]).with_metrics([replace(entry, accuracy=0.75), replace(entry, engine="litert")])
    assert [(row.engine, row.accuracy) for row in twice.manifest.metrics] == [("numpy", 0.75), ("litert", 0.5)]


def test_the_card_tells_what_the_manifest_knows(bundle, saved):
    card = (saved / CARD).read_text()
    for fact in (bundle.manifest.model_id, "3,628 parameters", "Walking Upstairs", "model.tflite", "in g, raw"):
        assert fact in card
    assert "interrupted" not in card


def test_an_interrupted_training_is_told_on_the_card(random_bundle, tmp_path):
    bundle = random_bundle("simple_rnn")
    origin = replace(bundle.manifest.provenance, complete=False)
    replace(bundle, manifest=replace(bundle.manifest, provenance=origin)).save(tmp_path / "b")
    assert "Training was interrupted" in (tmp_path / "b" / CARD).read_text()


def test_saving_again_replaces_the_old_one_whole(saved, random_bundle):
    random_bundle("lstm").save(saved)
    assert read_bundle(saved).manifest.architecture.name == "lstm"
    assert not (saved / "model.tflite").exists()
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize("content", [None, "notes.txt"])
def test_what_is_not_a_bundle_is_never_overwritten(bundle, tmp_path, content):
    target = tmp_path / "precious"
    target.mkdir()
    if content:
        (target / content).write_text("mine")
    with pytest.raises(BundleError, match="expected a new name or an existing bundle"):
        bundle.save(target)
    assert [path.name for path in target.iterdir()] == ([content] if content else [])


def test_a_failed_save_leaves_nothing_and_the_old_one(saved, bundle, monkeypatch):
    def full_disk(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space"):
        bundle.save(saved)
    monkeypatch.undo()
    assert read_bundle(saved).files == bundle.files
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_weights_that_are_not_finite_never_become_a_bundle(bundle):
    manifest = bundle.manifest
    weights = {**bundle.weights, "RNN_1/bias": np.full(32, np.nan, np.float32)}
    with pytest.raises(BundleError, match="NaN or infinity in RNN_1/bias"):
        make_bundle(
            architecture=manifest.architecture,
            labels=manifest.labels,
            window=manifest.window,
            normalization=manifest.normalization,
            weights=weights,
            decoder=manifest.decoder,
            provenance=manifest.provenance,
        )


@pytest.mark.parametrize("file", [WEIGHTS, GOLDEN, "model.tflite"])
def test_one_changed_byte_is_found(saved, file):
    content = bytearray((saved / file).read_bytes())
    content[len(content) // 2] ^= 1
    (saved / file).write_bytes(content)
    with pytest.raises(BundleError, match=rf"{file}: expected sha256 .* got") as caught:
        read_bundle(saved)
    assert "train, compile or download it again" in str(caught.value)
    assert caught.value.details["file"] == file


@pytest.mark.parametrize("file", [MANIFEST, WEIGHTS, GOLDEN, "model.tflite"])
def test_a_missing_file_is_named(saved, file):
    (saved / file).unlink()
    for path in (saved, _zipped(saved)):
        with pytest.raises(BundleError, match=f"expected {file} in the bundle, it is missing"):
            read_bundle(path)


def test_a_file_longer_than_promised_is_not_read(saved):
    with (saved / "model.tflite").open("ab") as file:
        file.write(b"more")
    with pytest.raises(BundleError, match=r"expected model.tflite of at most 7 bytes, it has 11"):
        read_bundle(saved)


def test_a_zip_bomb_is_refused_by_what_the_manifest_promised(saved):
    (saved / "model.tflite").write_bytes(bytes(50_000_000))
    with pytest.raises(BundleError, match=r"of at most 7 bytes, it has 50,000,000"):
        read_bundle(_zipped(saved))


def test_a_zip_that_lies_about_its_sizes_is_read_no_further_than_promised(saved):
    (saved / "model.tflite").write_bytes(bytes(5_000_000))
    content = _zipped(saved).read_bytes()
    honest, lie = (5_000_000).to_bytes(4, "little"), (7).to_bytes(4, "little")
    assert content.count(honest) == 2
    saved.with_suffix(".zip").write_bytes(content.replace(honest, lie))
    with pytest.raises(BundleError):
        read_bundle(saved.with_suffix(".zip"))


def test_a_huge_manifest_is_not_read(saved):
    with (saved / MANIFEST).open("ab") as file:
        file.truncate(MAXIMUM_MANIFEST_BYTES + 1)
    with pytest.raises(BundleError, match=r"expected manifest.json of at most 1,048,576 bytes"):
        read_bundle(saved)


@pytest.mark.parametrize("size", [-1, MAXIMUM_FILE_BYTES + 1])
def test_a_promised_size_past_the_cap_is_refused(saved, size):
    data = json.loads((saved / MANIFEST).read_text())
    _edit_manifest(saved, weights=data["weights"] | {"bytes": size})
    with pytest.raises(BundleError, match="at most 67,108,864 bytes each"):
        read_bundle(saved)


@pytest.mark.parametrize(
    "name",
    ["../secret", "/etc/passwd", "a/b.npz", "..", ".", "", "a\\b.npz", "C:x", " weights.npz", ".hidden"],
)
def test_no_file_outside_the_bundle_is_ever_opened(saved, name):
    (saved.parent / "secret").write_bytes(b"secret")
    data = json.loads((saved / MANIFEST).read_text())
    _edit_manifest(saved, weights=data["weights"] | {"file": name})
    for path in (saved, _zipped(saved)):
        with pytest.raises(BundleError, match="expected plain file names") as caught:
            read_bundle(path)
        assert "Do not use this bundle" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"schema": "1.0"'])
def test_a_manifest_that_is_not_json_is_refused(saved, content):
    (saved / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest.json: expected JSON, got something else"):
        read_bundle(saved)


def test_a_future_schema_says_to_update(saved):
    _edit_manifest(saved, schema="2.0")
    with pytest.raises(BundleError, match=r"expected schema 1\.x, got '2\.0'\. Update edgehar"):
        read_bundle(saved)


def test_nothing_at_the_path_and_another_kind_of_file_are_said(tmp_path):
    with pytest.raises(BundleError, match="expected a bundle, found nothing"):
        read_bundle(tmp_path / "nowhere")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(BundleError, match="expected a bundle folder or a zip of one, got another kind of file"):
        read_bundle(str(tmp_path / "text"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleError, match=r"expected manifest\.json in the bundle, it is missing"):
        read_bundle(tmp_path / "empty")


@pytest.mark.parametrize("pipe", ["bundle", f"bundle/{MANIFEST}"])
def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path, pipe):
    (tmp_path / pipe).parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / pipe)
    with pytest.raises(BundleError):
        read_bundle(tmp_path / "bundle")


def test_weights_of_another_model_are_told_by_name(saved, random_bundle):
    other = random_bundle("lstm")
    _replace_file(saved, "weights", other.files[WEIGHTS])
    with pytest.raises(BundleError, match=r"weights of simple_rnn, these differ in name or shape: .*RNN_1/kernel"):
        _ = read_bundle(saved).weights


@pytest.mark.parametrize("bad", ["float64", "nan", "strings"])
def test_weights_that_are_no_finite_float32_are_refused(saved, bundle, bad):
    weights = dict(bundle.weights)
    bias = weights["RNN_1/bias"]
    kinds = {"float64": bias.astype(np.float64), "nan": np.full_like(bias, np.nan), "strings": bias.astype("S8")}
    _replace_file(saved, "weights", write_npz({**weights, "RNN_1/bias": kinds[bad]}))
    with pytest.raises(BundleError, match=r"expected finite float32 numbers, got something else in RNN_1/bias"):
        _ = read_bundle(saved).weights


@pytest.mark.parametrize("drop", ["windows", "oracle"])
def test_golden_windows_without_their_outputs_are_refused(saved, bundle, drop):
    golden = {name: array for name, array in bundle.golden.items() if name != drop}
    _replace_file(saved, "golden", write_npz(golden))
    with pytest.raises(BundleError, match=r"golden\.npz: expected windows of shape \(n, 200, 3\) and outputs of shape"):
        _ = read_bundle(saved).golden


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_to_a_zip_escapes_as_another_exception(data, bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    buffer = io.BytesIO()
    compression = data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr(MANIFEST, json.dumps(bundle.manifest.to_json()))
        for name, file in bundle.files.items():
            archive.writestr(name, file)
    content = bytearray(buffer.getvalue())
    tail = data.draw(st.booleans())
    for _ in range(data.draw(st.integers(1, 3))):
        low = max(0, len(content) - 400) if tail else 0
        content[data.draw(st.integers(low, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    target = folder / "bundle.zip"
    target.write_bytes(content)
    try:
        found = read_bundle(target)
    except BundleError:
        return
    assert found.files == bundle.files
    assert read_npz(found.files[WEIGHTS], where=WEIGHTS)


def test_the_card_shows_texts_as_they_are(bundle):
    labels = ("<script>", "a|b", "*bold*", "[x](y)", "snake_case", *bundle.manifest.labels[5:])
    card = model_card(replace(bundle.manifest, labels=labels, model_id="`id`"))
    for text in (r"\<script\>", r"a\|b", r"\*bold\*", r"\[x\](y)", "snake_case", r"# \`id\`"):
        assert text in card
    assert "<script>" not in card


def test_one_artifact_alone(bundle):
    both = bundle.with_artifacts([_artifact("second.tflite", b"other")])
    assert [entry.file for entry in both.only("second.tflite").manifest.artifacts] == ["second.tflite"]
    assert both.only(WEIGHTS).manifest.artifacts == ()
    assert both.only("second.tflite").files == both.files
