"""Commands on bundles of strangers: damaged files, odd names. One sentence or a result, never an internal error."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import typer

from edgehar.commands.bench import bench
from edgehar.commands.compile import compile_bundle as compile_command
from edgehar.commands.inspect import inspect
from edgehar.commands.verify import verify
from edgehar.models.errors import HarError
from edgehar.pipeline.compilers import Target, compile_bundle

TFLITE, ONNX, BLOB = "model.float32.tflite", "model.float32.onnx", "model.float32.harc"
Damage = Callable[[Path, dict[str, Any]], None]


def _changed(file: str, change: Callable[[bytes], bytes]) -> Damage:
    """Return the damage that replaces a file's content."""

    def damage(folder: Path, manifest: dict[str, Any]) -> None:
        (folder / file).write_bytes(change((folder / file).read_bytes()))

    return damage


def _named(key: str, value: str, file: str | None = None) -> Damage:
    """Return the damage that sets a text of the manifest, or of a file's entry there."""

    def damage(folder: Path, manifest: dict[str, Any]) -> None:
        place = manifest if file is None else next(each for each in manifest["artifacts"] if each["file"] == file)
        place[key] = value

    return damage


def _labelled(label: str) -> Damage:
    """Return the damage that changes the first label."""

    def damage(folder: Path, manifest: dict[str, Any]) -> None:
        manifest["labels"][0] = label

    return damage


def _wider(content: bytes) -> bytes:
    """Return an ONNX file that says it takes seven channels."""
    model = onnx.load_from_string(content)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 7
    return bytes(model.SerializeToString())


DAMAGES = {
    "TFLite cut short": _changed(TFLITE, lambda content: content[: len(content) // 2]),
    "TFLite empty": _changed(TFLITE, lambda content: b""),
    "TFLite of garbage": _changed(TFLITE, lambda content: content[:8] + bytes(255 - byte for byte in content[8:])),
    "ONNX cut short": _changed(ONNX, lambda content: content[: len(content) // 2]),
    "ONNX is a picture": _changed(ONNX, lambda content: b"\x89PNG\r\n" + content[:100]),
    "ONNX of another width": _changed(ONNX, _wider),
    "blob cut short": _changed(BLOB, lambda content: content[:100]),
    "unknown format": _named("format", "coreml", ONNX),
    "unknown route": _named("route", "teleport", ONNX),
    "brackets in a route": _named("route", "[/x] [bold]", ONNX),
    "brackets in a quantization": _named("quantization", "int3[/]", ONNX),
    "brackets in the model's name": _named("model_id", "x[/y]"),
    "brackets in a label": _labelled("a[/bold] [x"),
}


@pytest.fixture(scope="module")
def whole(random_bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with a file of every format."""
    path = tmp_path_factory.mktemp("whole") / "bundle"
    wanted = [Target(name, "float32") for name in ("tflite", "onnx", "c")]
    compile_bundle(random_bundle("simple_rnn", seed=2), wanted).save(path)
    return path


@pytest.fixture(params=DAMAGES)
def damaged(request: pytest.FixtureRequest, whole: Path, tmp_path: Path) -> Path:
    """A bundle with one damage, whose sizes and hashes are right again: a stranger can count."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for file in whole.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    DAMAGES[request.param](folder, manifest)
    for entry in (manifest["weights"], manifest["golden"], *manifest["artifacts"]):
        content = (folder / entry["file"]).read_bytes()
        entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def _said(command: Callable[..., None], *arguments: Any, **options: Any) -> tuple[int, str]:
    """Run a command; return its exit code and its error message. Anything but an error for people fails the test."""
    try:
        command(*arguments, **options)
    except HarError as error:
        return error.exit_code, str(error)
    except typer.Exit as ended:
        return ended.exit_code, ""
    return 0, ""


def test_a_damaged_bundle_ends_in_a_sentence_or_a_result(
    damaged: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command, options in ((verify, {}), (inspect, {"no_check": True}), (compile_command, {})):
        code, sentence = _said(command, damaged, **options)
        assert code in (0, 1), "the files are wrong, the request is not"
        assert "\n" not in sentence
        assert not sentence or "expected" in sentence
    assert "…" not in capsys.readouterr().out, "nothing is cut off"


@pytest.mark.parametrize("damaged", ["ONNX of another width", "brackets in the model's name"], indirect=True)
def test_a_benchmark_of_a_damaged_bundle_measures_the_rest(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench([damaged], windows=3, engines="numpy,onnxruntime", as_json=True)
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert "error" not in next(row for row in rows if row["engine"] == "numpy")


SURROGATE = "x\ud800y"


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["labels"].__setitem__(0, SURROGATE),
        lambda manifest: manifest.update(model_id=SURROGATE),
        lambda manifest: manifest["weights"].update(file="other.npz"),
        lambda manifest: manifest["golden"].update(file="other.npz"),
    ],
    ids=["surrogate in a label", "surrogate in the model's name", "weights renamed", "golden renamed"],
)
def test_a_manifest_of_odd_names_is_refused_by_every_command(
    whole: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    for file in whole.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "other.npz").write_bytes((folder / "weights.npz").read_bytes())
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for command, options in ((verify, {}), (inspect, {"no_check": True}), (compile_command, {})):
        code, sentence = _said(command, folder, **options)
        assert (code, "expected" in sentence) == (1, True), command
    code, sentence = _said(bench, [folder], windows=3, engines="numpy")
    assert (code, "expected" in sentence) == (1, True)
