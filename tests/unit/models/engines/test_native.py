"""The native engine: found or missed, built once, kept where only its owner writes, refusing what is broken."""

import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN
from edgehar.models.bundle import Bundle
from edgehar.models.engines import load_engine, missing_reason, native_library
from edgehar.models.engines.native_library import find_compiler, load_library
from edgehar.models.errors import DataError, EngineError
from edgehar.models.portable import SOURCES
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import Target, compile_bundle

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed (Debian package gcc)")
BOTH = [Target("c", "float32"), Target("c", "int8")]


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and no memory of what was found before."""
    find_compiler.cache_clear()
    load_library.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield tmp_path / "cache"
    find_compiler.cache_clear()
    load_library.cache_clear()


@pytest.fixture(scope="module")
def bundle(random_bundle) -> Bundle:
    """A model with both artifacts."""
    return compile_bundle(random_bundle("gru", seed=1), BOTH)


def test_the_library_is_built_once_for_its_owner_alone(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_library("int8")
    (built,) = (fresh / "edgehar" / "native").iterdir()
    assert stat.S_IMODE(built.parent.stat().st_mode) == 0o700
    when = built.stat().st_mtime_ns
    load_library.cache_clear()
    load_library("int8")
    assert built.stat().st_mtime_ns == when
    monkeypatch.setattr(native_library, "_FLAGS", (*native_library._FLAGS, "-DHAR_SOMETHING"))
    load_library.cache_clear()
    load_library("int8")
    assert len(list(built.parent.iterdir())) == 2
    assert first.har_native_size() > 0


def test_a_folder_others_can_write_to_is_refused(fresh: Path) -> None:
    (fresh / "edgehar" / "native").mkdir(parents=True)
    (fresh / "edgehar" / "native").chmod(0o777)
    with pytest.raises(EngineError, match=r"expected a folder that only its owner, you, can write to.*chmod 700"):
        load_library("float32")


def test_a_folder_that_cannot_be_made_is_said(fresh: Path) -> None:
    fresh.parent.mkdir(exist_ok=True)
    fresh.write_text("a file is in the way")
    with pytest.raises(EngineError, match="expected a folder for built libraries"):
        load_library("float32")


def test_no_compiler_is_no_engine_and_no_crash(fresh: Path, monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    monkeypatch.setenv("PATH", str(fresh))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert missing_reason("native").startswith("engine native: expected a C compiler (cc, gcc, clang), found none")
    assert load_engine(bundle).name == "numpy"


def test_the_compiler_of_the_environment_is_used(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", shutil.which("gcc"))
    assert find_compiler().path == shutil.which("gcc")
    find_compiler.cache_clear()
    monkeypatch.setenv("CC", "no-such-compiler -O9")
    with pytest.raises(EngineError, match=r"expected a C compiler \(no-such-compiler\), found none"):
        find_compiler()


def test_a_compiler_that_fails_is_quoted(fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "cc"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "cc 0.1" && exit 0\necho "no luck today" >&2\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    with pytest.raises(EngineError, match=r"cc 0.1 cannot build the C sources \(no luck today\)"):
        load_library("float32")
    assert not list((fresh / "edgehar" / "native").iterdir())


@pytest.mark.parametrize("quantization", ["float32", "int8"])
@pytest.mark.parametrize("count", [0, 1, 5, 16, 17, 200])
def test_any_number_of_windows_on_any_number_of_threads(bundle: Bundle, quantization: str, count: int) -> None:
    windows = np.random.default_rng(3).normal(size=(count, 200, 3)).astype(np.float32)
    alone = load_engine(bundle, "native", quantization).predict(windows)
    assert alone.shape == (count, 12)
    assert alone.dtype == np.float32
    together = load_engine(bundle, "native", quantization, threads=3).predict(windows)
    np.testing.assert_array_equal(together, alone)
    single = [load_engine(bundle, "native", quantization).predict(windows[at : at + 1]) for at in range(min(count, 3))]
    for at, output in enumerate(single):
        np.testing.assert_array_equal(output[0], alone[at])


@pytest.mark.parametrize("quantization", ["float32", "int8"])
@pytest.mark.parametrize("count", [1, 5, 400])
def test_a_value_that_is_not_finite_is_found_wherever_it_is(bundle: Bundle, quantization: str, count: int) -> None:
    engine = load_engine(bundle, "native", quantization, threads=3)
    windows = np.zeros((count, 200, 3), np.float32)
    expected = engine.predict(windows)
    windows[-1, -1, -1] = np.nan
    with pytest.raises(DataError, match="expected finite acceleration"):
        engine.predict(windows)
    windows[-1, -1, -1] = 0
    np.testing.assert_array_equal(engine.predict(windows), expected)


@pytest.mark.parametrize("units", [16, 32, 20])
def test_units_that_do_and_do_not_fill_vectors(units: int, random_bundle) -> None:
    architecture = Architecture(
        "vectors",
        40,
        3,
        (
            Dense("d", 5, "relu"),
            GRU("a", units, return_sequences=True, reset_after=False),
            SimpleRNN("b", units, return_sequences=True),
            LSTM("c", units),
            Dense("e", 7, "sigmoid"),
            Dense("f", 7, "tanh"),
            Dense("o", 4, "softmax"),
        ),
    )
    bundle = compile_bundle(random_bundle(architecture), BOTH[:1])
    windows = np.random.default_rng(3).normal(size=(40, 40, 3)).astype(np.float32)
    engine = load_engine(bundle, "native")
    expected = forward(architecture, bundle.folded_weights, windows)
    np.testing.assert_allclose(engine.predict(windows), expected, atol=1e-5, rtol=0)
    np.testing.assert_allclose(engine.predict(windows[:1]), expected[:1], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda blob: b"HAR?" + blob[4:], "it is no model"),
        (lambda blob: blob[:12] + b"\x09" + blob[13:], "it is of a later format"),
        (lambda blob: blob[:-1] + bytes([blob[-1] ^ 255]), "it is damaged"),
    ],
)
def test_a_broken_artifact_is_refused(bundle: Bundle, change, said: str) -> None:
    name = "model.int8.harc"
    broken = replace(bundle, files={**bundle.files, name: change(bundle.files[name])})
    with pytest.raises(EngineError, match=f"{name} cannot be run \\({said}"):
        load_engine(broken, "native", "int8")


def test_numbers_the_manifest_does_not_say_are_refused(bundle: Bundle) -> None:
    swapped = {**bundle.files, "model.int8.harc": bundle.files["model.float32.harc"]}
    with pytest.raises(EngineError, match="it holds other numbers than the manifest says"):
        load_engine(replace(bundle, files=swapped), "native", "int8")


def test_the_sources_travel_with_the_package() -> None:
    folder = SOURCES
    assert (folder / "engine" / "har_engine.c").is_file()
    assert os.access(folder / "host" / "har_units.c", os.R_OK)
