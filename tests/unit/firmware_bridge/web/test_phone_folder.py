"""The phone folder: small, whole, hashed; nothing of anybody else is ever replaced."""

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from edgehar.firmware_bridge.web import STATIC
from edgehar.firmware_bridge.web.phone_folder import PACKED, phone_files, write_phone_folder
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.errors import BundleError, UsageError
from edgehar.models.zoo import released_bundle, released_names
from edgehar.pipeline.compilers import Target, compile_bundle

MOST_BYTES = 200_000


@pytest.fixture(scope="module")
def bundle(random_bundle) -> Bundle:
    """The largest of the small models, with tables of both kinds."""
    made = random_bundle("lstm", seed=5)
    return compile_bundle(made, [Target("c", "float32"), Target("c", "int8")], calibration=made.golden["windows"])


@pytest.mark.parametrize("quantization", ["float32", "int8"])
def test_the_folder_holds_one_model(bundle: Bundle, quantization: str) -> None:
    files = phone_files(bundle, quantization=quantization)
    manifest = json.loads(files["bundle/manifest.json"])
    (entry,) = manifest["artifacts"]
    assert (entry["format"], entry["quantization"]) == ("c", quantization)
    assert files[f"bundle/{entry['file']}"] == bundle.files[entry["file"]]


@pytest.mark.parametrize("quantization", ["float32", "int8"])
@pytest.mark.parametrize("name", released_names())
def test_a_released_model_fits(name: str, quantization: str) -> None:
    files = phone_files(read_bundle(released_bundle(name)), quantization=quantization)
    assert sum(map(len, files.values())) <= MOST_BYTES


def test_scripts_lose_their_comments_and_indentation_and_nothing_else(bundle: Bundle) -> None:
    files = phone_files(bundle, quantization="float32")
    packed = {name: source for pack in PACKED for name, source in json.loads(gzip.decompress(files[pack]))}
    scripts = {**packed, **{name: content.decode() for name, content in files.items() if name.endswith(".js")}}
    own = [path for path in STATIC.glob("*.js") if path.name in scripts]
    assert len(own) == len(scripts) > 30
    for path in own:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        kept = scripts[path.name].splitlines()
        assert all(line.count("`") % 2 == 0 for line in lines), "a text over several lines would lose its indentation"
        lost = [line for line in lines if line not in kept]
        assert lost, "every module says what it is for"
        assert all(line.startswith(("//", "/**", "*")) for line in lost)
        assert all(line == line.strip() != "" for line in kept[3:])


def test_every_module_comes_after_those_it_imports(bundle: Bundle) -> None:
    files = phone_files(bundle, quantization="float32")
    for pack, wanted in PACKED.items():
        known: list[str] = []
        for name, source in json.loads(gzip.decompress(files[pack])):
            assert set(re.findall(r'from "\./([\w-]+\.js)"', source)) <= {*known, *files}
            known.append(name)
        assert known[-1] == wanted
    for name, content in files.items():
        if name.endswith(".js"):
            assert set(re.findall(r'from "\./([\w-]+\.js)"', content.decode())) <= set(files)


def test_webassembly_is_gzipped_and_the_same(bundle: Bundle) -> None:
    files = phone_files(bundle, quantization="float32")
    for path in STATIC.glob("*.wasm"):
        assert gzip.decompress(files[path.name]) == path.read_bytes()


def test_the_worker_keeps_every_file_and_a_change_makes_another_version(bundle: Bundle) -> None:
    files = phone_files(bundle, quantization="float32")
    version, names = files["service-worker.js"].decode().splitlines()[:2]
    kept = json.loads(names.removeprefix("const FILES = ").removesuffix(";"))
    assert set(kept) == set(files) - {"service-worker.js"} | {"./"}
    renamed = replace(bundle, manifest=replace(bundle.manifest, model_id="another"))
    other = phone_files(renamed, quantization="float32")["service-worker.js"].decode().splitlines()[0]
    assert other != version
    assert phone_files(bundle, quantization="float32") == files, "the same bundle makes the same bytes"


def test_tables_that_are_not_there_are_asked_for(random_bundle) -> None:
    with pytest.raises(UsageError, match=r"har compile .* --format c --quantization int8"):
        phone_files(random_bundle("gru"), quantization="int8")


def test_tables_of_another_model_are_refused(bundle: Bundle, random_bundle) -> None:
    other = compile_bundle(random_bundle("simple_rnn"), [Target("c", "float32")])
    file = "model.float32.harc"
    mixed = replace(bundle, files={**bundle.files, file: other.files[file][:-8]})
    with pytest.raises(BundleError):
        phone_files(mixed, quantization="float32")


def test_a_model_of_another_sensor_is_refused(bundle: Bundle) -> None:
    window = replace(bundle.manifest.window, channels=("gx", "gy", "gz"))
    with pytest.raises(UsageError, match="channels x, y, z of an accelerometer, or these and gx, gy, gz"):
        phone_files(replace(bundle, manifest=replace(bundle.manifest, window=window)), quantization="float32")


def test_only_a_folder_of_its_own_is_replaced(bundle: Bundle, tmp_path: Path) -> None:
    files = phone_files(bundle, quantization="float32")
    out = tmp_path / "page"
    write_phone_folder(files, out)
    write_phone_folder(files, out)
    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} == set(files)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        write_phone_folder(files, out)
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_something_else_is_left_alone(bundle: Bundle, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "page"
    if kind == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "index.html").write_text("mine")
    with pytest.raises(UsageError, match="expected a new folder"):
        write_phone_folder(phone_files(bundle, quantization="float32"), out)
    assert (out if kind == "file" else out / "index.html").read_text() == "mine"
