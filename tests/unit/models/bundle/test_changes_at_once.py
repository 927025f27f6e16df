"""Two changes of one bundle at once both stay, and a reader always finds one whole bundle."""

import json
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from edgehar.models.bundle import Bundle, CompiledArtifact, read_bundle, reading, update_bundle
from edgehar.models.bundle.manifest import TensorSpec
from edgehar.models.errors import BundleError

TENSOR = TensorSpec("serving", "float32", (1, 200, 3), 0.0, 0)


def artifact(file: str) -> CompiledArtifact:
    return CompiledArtifact(file, "tflite", "float32", "direct", TENSOR, TENSOR, file.encode())


def add(path: Path, of: Bundle, file: str) -> Bundle:
    return update_bundle(path, partial(Bundle.with_artifacts, artifacts=[artifact(file)]), of=of)


def test_changes_by_threads_all_stay(folder):
    before = read_bundle(folder)
    names = [f"{number}.tflite" for number in range(8)]
    threads = [threading.Thread(target=add, args=(folder, before, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry.file for entry in read_bundle(folder).manifest.artifacts) == names
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_two_commands_at_once_lose_no_artifact(folder):
    command = [sys.executable, "-m", "edgehar", "compile", str(folder), "--json", "--format"]
    running = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for name in ("onnx", "c")
    ]
    said = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert [json.loads(out)["artifacts"][0]["format"] for out, _ in said] == ["onnx", "c"]
    assert {entry.format for entry in read_bundle(folder).manifest.artifacts} == {"onnx", "c"}


def test_what_was_made_for_another_model_is_not_added(folder, random_bundle):
    before = read_bundle(folder)
    random_bundle("simple_rnn", seed=1).save(folder)
    with pytest.raises(BundleError, match="another one has taken its place meanwhile"):
        add(folder, before, "late.tflite")
    assert not read_bundle(folder).manifest.artifacts


@pytest.mark.parametrize("change", ["labels", "normalization"])
def test_another_meaning_is_another_model(folder, change):
    before = read_bundle(folder)
    manifest = before.manifest
    normalization = replace(manifest.normalization, mean_g=(0.0, 0.0, 0.5))
    others = {"labels": manifest.labels[::-1], "normalization": normalization}
    replace(before, manifest=replace(manifest, **{change: others[change]})).save(folder)
    with pytest.raises(BundleError, match="another one has taken its place"):
        add(folder, before, "late.tflite")


def test_a_failed_change_leaves_the_bundle_and_its_lock_free(folder):
    before = read_bundle(folder)

    def fail(_: Bundle) -> Bundle:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        update_bundle(folder, fail, of=before)
    assert [entry.file for entry in add(folder, before, "a.tflite").manifest.artifacts] == ["a.tflite"]


@pytest.mark.parametrize("in_one_step", [True, False])
def test_a_reader_always_finds_one_whole_bundle(folder, random_bundle, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr("edgehar.models.files.writing.exchange", lambda left, right: False)
    bundles = [random_bundle("simple_rnn", seed=seed) for seed in (0, 1)]
    known = {bundle.manifest.model_id for bundle in bundles}
    done = threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for number in range(40):
                bundles[number % 2].save(folder)
        except BaseException as error:
            failures.append(error)
        finally:
            done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        found = read_bundle(folder)
        assert found.files["weights.npz"] in [bundle.files["weights.npz"] for bundle in bundles]
        seen.add(found.manifest.model_id)
    writer.join()
    assert not failures
    assert seen <= known


def test_a_bundle_replaced_while_it_is_read_is_read_again(folder, random_bundle, monkeypatch):
    other, real, replaced = random_bundle("simple_rnn", seed=1), reading._checked, []

    def replace_once(*arguments):
        if not replaced:
            replaced.append(other.save(folder))
        return real(*arguments)

    monkeypatch.setattr(reading, "_checked", replace_once)
    assert read_bundle(folder).manifest == other.manifest


def test_a_damaged_bundle_is_not_read_again_and_again(folder, monkeypatch):
    (folder / "weights.npz").write_bytes(b"")
    calls = []
    real = reading._read_once
    monkeypatch.setattr(reading, "_read_once", lambda path: (calls.append(path), real(path))[1])
    with pytest.raises(BundleError):
        read_bundle(folder)
    assert len(calls) == 1


def test_one_that_never_stands_still_is_given_up(folder, monkeypatch):
    moments = iter(range(10_000))
    monkeypatch.setattr(reading, "_identity", lambda path: (path, 0, 0, next(moments)))
    (folder / "weights.npz").write_bytes(b"")
    with pytest.raises(BundleError, match=r"weights\.npz"):
        read_bundle(folder)


def test_what_waits_for_a_killed_writer_is_read(folder, model):
    folder.rename(folder.with_name(f".{folder.name}.previous"))
    assert read_bundle(folder).manifest == model.manifest
    assert read_bundle(folder).plots() == {}
    add(folder, model, "a.tflite")
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
