"""The native engine: found or missed, built once, kept where only its owner writes, refusing what is broken."""

import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from edgehar.models.architecture import (
    GRU,
    LSTM,
    Architecture,
    AveragePooling1D,
    Bidirectional,
    Branches,
    Conv1D,
    Dense,
    Flatten,
    GlobalMaxPooling1D,
    MaxPooling1D,
    SelfAttention,
    SimpleRNN,
    TemporalBlock,
)
from edgehar.models.bundle import Bundle
from edgehar.models.engines import load_engine, missing_reason, native_library
from edgehar.models.engines.native_library import find_compiler, load_library
from edgehar.models.errors import CompileError, DataError, EngineError
from edgehar.models.portable import SOURCES
from edgehar.models.portable.blob import pack_model, unpack_model
from edgehar.models.portable.integer_reference import predict
from edgehar.models.portable.tables import Matrix
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import Target, compile_bundle

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed (Debian package gcc)")
BOTH = [Target("c", "float32"), Target("c", "int8")]


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and no memory of what was found before."""
    find_compiler.cache_clear()
    load_library.cache_clear()
    native_library._private_folder.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield tmp_path / "cache"
    find_compiler.cache_clear()
    load_library.cache_clear()
    native_library._private_folder.cache_clear()


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


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o702])
def test_a_folder_others_can_write_to_is_not_used(mode: int, fresh: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither everybody nor a group: who can write there could put a library of theirs in the place of ours."""
    folder = fresh / "edgehar" / "native"
    folder.mkdir(parents=True)
    folder.chmod(mode)
    library = load_library("int8")
    assert not list(folder.iterdir())
    assert Path(library._name).parent == native_library._private_folder()
    assert stat.S_IMODE(native_library._private_folder().stat().st_mode) == 0o700
    (said,) = caplog.messages
    assert f"expected {folder} to be writable to you alone (run: chmod 700 {folder})" in said


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o750])
def test_a_folder_others_can_only_read_is_used(mode: int, fresh: Path) -> None:
    folder = fresh / "edgehar" / "native"
    folder.mkdir(parents=True)
    folder.chmod(mode)
    assert Path(load_library("int8")._name).parent == folder


def test_a_folder_of_somebody_else_is_not_used(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    assert Path(load_library("int8")._name).parent == native_library._private_folder()


def test_without_a_folder_the_library_is_built_for_this_process(
    fresh: Path, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    fresh.parent.mkdir(exist_ok=True)
    fresh.write_text("a file is in the way")
    assert load_engine(bundle).name == "native"
    (said,) = caplog.messages
    assert "expected a folder for built libraries (Not a directory: set XDG_CACHE_HOME)" in said


def test_a_home_that_nobody_knows_is_no_end(fresh: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    assert load_engine(bundle).name == "native"


def test_without_any_folder_the_next_engine_is_taken(
    fresh: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fresh.parent.mkdir(exist_ok=True)
    fresh.write_text("a file is in the way")

    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(native_library.tempfile, "mkdtemp", full)
    assert load_engine(bundle).name == "numpy"
    assert "No space left on device" in caplog.messages[-1]
    assert "trying the next engine" in caplog.messages[-1]
    with pytest.raises(EngineError, match=r"a folder for temporary files \(No space left on device\)"):
        load_engine(bundle, "native")


def test_a_disk_that_fills_up_while_building_is_said(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(native_library, "_compile", full)
    with pytest.raises(EngineError, match=r"expected to write to .*\(No space left on device\)"):
        load_library("int8")


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


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('echo "fatal error: stdint.h: No such file" >&2; exit 1', "stdint.h: No such file"),
        ("exec sleep 30", "no end after 0.2 s"),
        (': > "$(echo "$@" | sed "s/.*-o //; s/ .*//")"', "cannot be loaded"),
    ],
)
def test_auto_takes_the_next_engine_where_the_compiler_does_not_work(
    script: str, said: str, fresh: Path, monkeypatch, tmp_path: Path, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    """A compiler without the headers of a C library is what a Raspberry Pi with gcc and without libc6-dev has."""
    broken = tmp_path / "cc"
    broken.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "cc 0.1" && exit 0\n{script}\n')
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    find_compiler()
    monkeypatch.setattr(native_library, "_TIMEOUT_S", 0.2 if "sleep" in script else 20)
    engine = load_engine(bundle)
    assert engine.name == "numpy"
    assert engine.predict(np.zeros((1, 200, 3), np.float32)).shape == (1, 12)
    (warned,) = caplog.messages
    assert said in warned
    assert warned.endswith("trying the next engine")
    with pytest.raises(EngineError, match="engine native"):
        load_engine(bundle, "native")


def test_auto_fails_where_no_engine_is_left(fresh: Path, monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    """The integers of the C engine have no slower engine."""
    monkeypatch.setattr(native_library, "_FLAGS", ("-no-such-flag",))
    with pytest.raises(EngineError, match="cannot build the C sources"):
        load_engine(bundle, "auto", "int8")


def test_auto_passes_over_an_artifact_that_its_engine_refuses(bundle: Bundle, caplog: pytest.LogCaptureFixture) -> None:
    name = "model.float32.harc"
    broken = replace(bundle, files={**bundle.files, name: bundle.files[name][:-1]})
    assert load_engine(broken).name == "numpy"
    assert f"engine native: {name}: model blob" in caplog.messages[0]


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
        (lambda blob: b"HAR?" + blob[4:], "expected b'HARC'"),
        (lambda blob: blob[:12] + b"\x09" + blob[13:], "expected version 1 to 4, got 9"),
        (lambda blob: blob[:-1] + bytes([blob[-1] ^ 255]), "with another checksum"),
    ],
)
def test_a_broken_artifact_is_refused(bundle: Bundle, change, said: str) -> None:
    name = "model.int8.harc"
    broken = replace(bundle, files={**bundle.files, name: change(bundle.files[name])})
    with pytest.raises(EngineError, match=f"{name}: model blob: .*{said}"):
        load_engine(broken, "native", "int8")


def test_numbers_the_manifest_does_not_say_are_refused(bundle: Bundle) -> None:
    swapped = {**bundle.files, "model.int8.harc": bundle.files["model.float32.harc"]}
    with pytest.raises(EngineError, match="expected weights of int8, as the architecture has them, got float32"):
        load_engine(replace(bundle, files=swapped), "native", "int8")


def with_tables(bundle: Bundle, quantization: str, **changes) -> Bundle:
    """Return the bundle with well-formed tables of another shape in the place of its own."""
    name = f"model.{quantization}.harc"
    model = unpack_model(bundle.files[name])
    output = model.layers[-1].kernel
    if (classes := changes.pop("classes", None)) is not None:
        if output.is_integer:
            wider = Matrix(np.zeros((classes, output.inputs), np.int8), None, np.ones(classes, np.uint16), output.shift)
        else:
            wider = Matrix(np.zeros((output.inputs, classes), np.float32), None)
        changes["layers"] = (*model.layers[:-1], replace(model.layers[-1], kernel=wider))
    if (channels := changes.get("channels")) is not None:
        first = model.layers[0].kernel
        if first.is_integer:
            kernel = replace(first, weights=np.zeros((first.outputs, channels), np.int8))
            kernel = replace(kernel, multipliers=np.ones(first.outputs, np.uint16))
        else:
            kernel = replace(first, weights=np.zeros((channels, first.outputs), np.float32))
        changes["layers"] = (replace(model.layers[0], kernel=kernel), *model.layers[1:])
    blob = pack_model(replace(model, **changes))
    unpack_model(blob)
    return replace(bundle, files={**bundle.files, name: blob})


@pytest.mark.parametrize("quantization", ["float32", "int8"])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"window": 2047}, "expected input of {} 1 x 200 x 3, as the architecture has them, got {} 1 x 2047 x 3"),
        ({"window": 1}, "expected input of {} 1 x 200 x 3, as the architecture has them, got {} 1 x 1 x 3"),
        ({"classes": 255}, "expected output of {} 1 x 12, as the architecture has them, got {} 1 x 255"),
        ({"channels": 500}, "expected input of {} 1 x 200 x 3, as the architecture has them, got {} 1 x 200 x 500"),
    ],
)
def test_tables_of_another_shape_get_no_memory(bundle: Bundle, quantization: str, changes, said: str) -> None:
    takes, gives = ("float32", "float32") if quantization == "float32" else ("int16", "uint16")
    number = gives if "classes" in changes else takes
    with pytest.raises(EngineError, match=said.format(number, number)):
        load_engine(with_tables(bundle, quantization, **changes), "native", quantization)


@pytest.mark.parametrize("quantization", ["float32", "int8"])
@pytest.mark.parametrize(
    ("tensor", "changes"),
    [
        ("input", {"dtype": "int16"}),
        ("input", {"dtype": "float32"}),
        ("input", {"shape": (1, 2047, 3)}),
        ("output", {"shape": (1, 255)}),
        ("output", {"dtype": "uint8"}),
    ],
)
def test_a_manifest_that_claims_other_tensors_is_refused(
    bundle: Bundle, quantization: str, tensor: str, changes
) -> None:
    def altered(entry):
        if entry.file != f"model.{quantization}.harc":
            return entry
        return replace(entry, **{tensor: replace(getattr(entry, tensor), **changes)})

    manifest = replace(bundle.manifest, artifacts=tuple(map(altered, bundle.manifest.artifacts)))
    if manifest == bundle.manifest:
        load_engine(bundle, "native", quantization)
        return
    with pytest.raises(EngineError, match=f"expected {tensor} of"):
        load_engine(replace(bundle, manifest=manifest), "native", quantization)


@st.composite
def stacks(draw: st.DrawFn) -> Architecture:
    """Layers in any order, their units often whole vectors, dense ones anywhere."""
    whole, layers = draw(st.booleans()), []
    for index in range(draw(st.integers(1, 4))):
        for extra in range(draw(st.integers(0, 2))):
            activation = draw(st.sampled_from(["relu", "linear", "tanh", "sigmoid"]))
            layers.append(Dense(f"dense_{index}_{extra}", draw(st.integers(1, 17)), activation))
        kind = draw(st.sampled_from([SimpleRNN, LSTM, GRU]))
        options = {"reset_after": draw(st.booleans())} if kind is GRU else {}
        units = draw(st.sampled_from([16, 32])) if whole else draw(st.integers(1, 19))
        layers.append(kind(f"recurrent_{index}", units, return_sequences=True, **options))
    layers[-1] = replace(layers[-1], return_sequences=False)
    for extra in range(draw(st.integers(0, 2))):
        layers.append(Dense(f"late_{extra}", draw(st.integers(1, 17)), "tanh"))
    layers.append(Dense("Output", draw(st.integers(2, 13)), "softmax"))
    return Architecture("any_order", draw(st.integers(1, 6)), 3, tuple(layers))


@settings(max_examples=80, deadline=None)
@given(architecture=stacks(), seed=st.integers(0, 2**16))
@example(
    architecture=Architecture(
        "narrow_first",
        2,
        3,
        (Dense("a", 1, "tanh"), Dense("b", 1, "tanh"), LSTM("c", 16), Dense("Output", 4, "softmax")),
    ),
    seed=1,
)
def test_every_window_begins_afresh_whatever_the_order_of_layers(
    architecture: Architecture, seed: int, random_bundle
) -> None:
    """One window after another, then all at once: floats as the oracle, integers as their reference, bit for bit."""
    bundle = random_bundle(architecture, seed, gain=0.7)
    windows = np.random.default_rng(seed).normal(size=(20, architecture.window, architecture.channels))
    windows = windows.astype(np.float32)
    try:
        bundle = compile_bundle(bundle, BOTH)
    except CompileError:  # These weights are too large for integers of 32 bits.
        assume(False)
    floats, integers = load_engine(bundle, "native"), load_engine(bundle, "native", "int8")
    expected = forward(architecture, bundle.folded_weights, windows)
    exact = predict(unpack_model(bundle.files["model.int8.harc"]), windows)
    for at in range(4):
        np.testing.assert_allclose(floats.predict(windows[at : at + 1])[0], expected[at], atol=1e-5, rtol=0)
        np.testing.assert_array_equal(integers.predict(windows[at : at + 1])[0], exact[at])
    np.testing.assert_allclose(floats.predict(windows), expected, atol=1e-5, rtol=0)
    np.testing.assert_array_equal(integers.predict(windows), exact)


@st.composite
def waves(draw: st.DrawFn) -> Architecture:
    """Recurrent layers alone, their units whole vectors; more steps than a wave takes at once, or fewer."""
    layers = []
    for index in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([SimpleRNN, LSTM, GRU]))
        options = {"reset_after": draw(st.booleans())} if kind is GRU else {}
        layers.append(kind(f"recurrent_{index}", draw(st.sampled_from([16, 32, 48])), return_sequences=True, **options))
    layers[-1] = replace(layers[-1], return_sequences=False)
    layers.append(Dense("Output", 5, "softmax"))
    return Architecture("wave", draw(st.integers(1, 50)), 3, tuple(layers))


@settings(max_examples=40, deadline=None)
@given(architecture=waves(), seed=st.integers(0, 2**16))
@example(
    architecture=Architecture(
        "deep",
        33,
        3,
        (*(SimpleRNN(f"r{index}", 16, True) for index in range(8)), LSTM("l", 16), Dense("Output", 3, "softmax")),
    ),
    seed=0,
)
def test_layers_that_run_as_a_wave_change_no_bit(architecture: Architecture, seed: int, random_bundle) -> None:
    """One window alone, whose layers run some steps behind each other, and the same among others."""
    bundle = compile_bundle(random_bundle(architecture, seed, gain=0.7), BOTH[:1])
    windows = np.random.default_rng(seed).normal(size=(20, architecture.window, architecture.channels))
    windows = windows.astype(np.float32)
    engine = load_engine(bundle, "native")
    together = engine.predict(windows)
    np.testing.assert_allclose(together, forward(architecture, bundle.folded_weights, windows), atol=1e-5, rtol=0)
    for at in (0, 19, 0):
        np.testing.assert_array_equal(engine.predict(windows[at : at + 1])[0], together[at])


def test_the_sources_travel_with_the_package() -> None:
    folder = SOURCES
    assert (folder / "engine" / "har_engine.c").is_file()
    assert os.access(folder / "host" / "har_units.c", os.R_OK)


ALONG_TIME = {
    "filters": (
        Conv1D("a", 24, 3, "relu", "same", strides=2),
        MaxPooling1D("b", 2, padding="same"),
        TemporalBlock("c", 24, 2, 3),
        TemporalBlock("d", 20, 2, 1),
        AveragePooling1D("e", 3),
        GlobalMaxPooling1D("f"),
    ),
    "samples pooled": (AveragePooling1D("a", 2), Bidirectional("b", "LSTM", 16, True, merge="mul"), Flatten("c")),
    "both ways": (Bidirectional("a", "GRU", 32, True), Bidirectional("b", "SimpleRNN", 16, merge="ave")),
    "attention": (
        Conv1D("a", 32, 3, "relu", "same", strides=2),
        SelfAttention("b", 16, heads=2),
        SelfAttention("c", 5, heads=3, residual=False),
        GRU("g", 16),
    ),
    "branches": (
        Dense("a", 16, "tanh"),
        Branches("b", "ave", ((Conv1D("c", 16, 3, "relu", "same"), GRU("d", 16, True)), (), (Dense("e", 16),))),
        Branches("f", "concat", ((LSTM("g", 32),), (Conv1D("h", 16, 4, strides=3), GlobalMaxPooling1D("i")))),
        Branches("j", "mul", ((Dense("k", 48, "sigmoid"),), ())),
    ),
    "odd branches": (
        Conv1D("a", 5, 2, "relu"),
        Branches("b", "concat", ((MaxPooling1D("c", 3), GRU("d", 7, True)), (Conv1D("e", 4, 3, strides=3),))),
        Branches("f", "concat", ((Bidirectional("g", "LSTM", 3),), (Conv1D("h", 6, 2, "tanh"), Flatten("i")))),
    ),
    "odd both ways": (Bidirectional("a", "GRU", 5, True, merge="sum", reset_after=False), GRU("b", 7)),
}


@pytest.mark.parametrize("name", ALONG_TIME)
def test_layers_along_time_are_the_oracle_s_however_many_windows_there_are(name: str, random_bundle) -> None:
    """Alone with units in the lanes, together with windows in the lanes; integers bit for bit."""
    layers = (*ALONG_TIME[name], Dense("d", 9, "relu"), Dense("o", 5, "softmax"))
    bundle = compile_bundle(random_bundle(Architecture("some", 37, 3, layers), seed=4, gain=0.6), BOTH)
    windows = bundle.golden["windows"][:19]
    expected = forward(bundle.manifest.architecture, bundle.folded_weights, windows)
    floats, integers = (load_engine(bundle, "native", quantization) for quantization in ("float32", "int8"))
    model = unpack_model(bundle.files["model.int8.harc"])
    for count in (1, 3, 19):
        np.testing.assert_allclose(floats.predict(windows[:count]), expected[:count], atol=1e-5)
        np.testing.assert_array_equal(integers.predict(windows[:count]), predict(model, windows[:count]))


@pytest.mark.parametrize("head", ["sigmoid", "linear"])
def test_other_heads_are_the_oracle_s(head: str, random_bundle) -> None:
    architecture = Architecture("some", 20, 3, (GRU("g", 16), Dense("o", 3, head)))
    bundle = compile_bundle(random_bundle(architecture, seed=4), BOTH)
    windows = bundle.golden["windows"][:19]
    expected = forward(architecture, bundle.folded_weights, windows)
    floats, integers = (load_engine(bundle, "native", quantization) for quantization in ("float32", "int8"))
    model = unpack_model(bundle.files["model.int8.harc"])
    for count in (1, 19):
        np.testing.assert_allclose(floats.predict(windows[:count]), expected[:count], atol=1e-5, rtol=1e-5)
        np.testing.assert_array_equal(integers.predict(windows[:count]), predict(model, windows[:count]))
