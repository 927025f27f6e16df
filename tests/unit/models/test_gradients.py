"""The native trainer's gradients: held to the oracle's slopes, the same on any number of threads and any processor."""

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models import gradients
from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN, named_architecture
from edgehar.models.engines import native_library
from edgehar.models.errors import EngineError
from edgehar.models.gradients import StackGradients, can_train, check_trainer, load_trainer
from edgehar.models.portable import SOURCES
from edgehar.models.reference import forward

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed (Debian package gcc)")
CELLS = (SimpleRNN, LSTM, GRU)
FLAGS = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-psabi")
PROGRAM = Path(__file__).parent / "portable" / "trainer_program.c"
FILES = [str(SOURCES / "trainer" / name) for name in ("har_train.c", "har_train_layer.c")]


def stack(kind: type, *units: int, steps: int = 9, channels: int = 3, classes: int = 4) -> Architecture:
    """Return recurrent layers of these units and a softmax layer."""
    layers = [kind(f"layer_{index}", count, index < len(units) - 1) for index, count in enumerate(units)]
    return Architecture("stack", steps, channels, (*layers, Dense("Output", classes, "softmax")))


@st.composite
def _architectures(draw: st.DrawFn) -> Architecture:
    """Draw one to three layers of any kinds and sizes."""
    depth = draw(st.integers(1, 3))
    layers = [
        draw(st.sampled_from(CELLS))(f"layer_{index}", draw(st.integers(1, 18)), index < depth - 1)
        for index in range(depth)
    ]
    steps, channels, classes = draw(st.integers(1, 30)), draw(st.integers(1, 5)), draw(st.integers(1, 13))
    return Architecture("drawn", steps, channels, (*layers, Dense("Output", classes, "softmax")))


def batch_of(architecture: Architecture, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return windows and soft targets."""
    windows = rng.normal(size=(count, architecture.window, architecture.channels)).astype(np.float32)
    return windows, rng.dirichlet(np.ones(architecture.classes), size=count).astype(np.float32)


def weights_of(library: StackGradients, rng: np.random.Generator) -> np.ndarray:
    """Return parameters that are neither chaotic nor dull."""
    return rng.normal(scale=0.3, size=library.parameter_count).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    architecture=_architectures(), count=st.integers(1, 40), seed=st.integers(0, 2**32 - 1), own_targets=st.booleans()
)
def test_the_gradient_is_the_slope_of_the_oracles_loss(
    architecture: Architecture, count: int, seed: int, own_targets: bool
) -> None:
    rng = np.random.default_rng(seed)
    found = StackGradients(architecture)
    windows, targets = batch_of(architecture, count, rng)
    steps = np.unique(rng.integers(0, architecture.window, 3))
    shares = rng.uniform(0.1, 1.0, len(steps))
    if own_targets:
        targets = rng.dirichlet(np.ones(architecture.classes), size=(count, len(steps))).astype(np.float32)
    parameters = weights_of(found, rng)

    def loss(flat: np.ndarray) -> float:
        total = 0.0
        for place, step in enumerate(steps):
            answers = forward(architecture, found.unflatten(flat), windows[:, : step + 1])
            wanted = targets[:, place] if own_targets else targets
            total += -float((wanted * np.log(answers)).sum(axis=1).mean()) * float(shares[place])
        return total

    batch = found.gradient(parameters, windows, targets, steps=steps, shares=shares)
    assert batch.loss == pytest.approx(loss(parameters), abs=2e-5)
    for _ in range(3):
        direction = rng.normal(size=len(parameters))
        slope = (loss(parameters + 1e-5 * direction) - loss(parameters - 1e-5 * direction)) / 2e-5
        assert float(batch.gradient @ direction) == pytest.approx(slope, rel=2e-3, abs=2e-5)


@pytest.mark.parametrize("kind", CELLS)
def test_dropped_states_are_dropped_backwards_too(kind: type) -> None:
    rng = np.random.default_rng(3)
    architecture = stack(kind, 6, 5)
    found = StackGradients(architecture)
    windows, targets = batch_of(architecture, 21, rng)
    masks = [(rng.random((21, units)) < 0.7).astype(np.float32) / np.float32(0.7) for units in (6, 5)]
    options: dict[str, Any] = {"steps": np.array([4, 8]), "shares": np.array([0.4, 0.6]), "masks": masks}
    parameters = weights_of(found, rng)
    batch = found.gradient(parameters, windows, targets, **options)
    ones = [np.ones_like(mask) for mask in masks]
    undropped = found.gradient(parameters, windows, targets, **{**options, "masks": ones})
    plain = found.gradient(parameters, windows, targets, **{**options, "masks": None})
    np.testing.assert_allclose(undropped.gradient, plain.gradient, atol=1e-7)
    assert np.abs(batch.gradient - plain.gradient).max() > 1e-3
    direction = rng.normal(size=len(parameters)).astype(np.float32)
    change = np.float32(2e-3) * direction
    more, less = (
        found.gradient(parameters + sign * change, windows, targets, **options).loss for sign in (np.float32(1), -1)
    )
    assert float(batch.gradient @ direction) == pytest.approx((more - less) / 4e-3, rel=5e-3, abs=5e-4)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 33, 130, 270])
def test_threads_and_lanes_change_no_bit(count: int) -> None:
    rng = np.random.default_rng(count)
    architecture = stack(LSTM, 8, 8)
    alone, together = StackGradients(architecture), StackGradients(architecture, threads=3)
    windows, targets = batch_of(architecture, count, rng)
    parameters = weights_of(alone, rng)
    options: dict[str, Any] = {"steps": np.array([8]), "shares": np.array([1.0])}
    one, same = (each.gradient(parameters, windows, targets, **options) for each in (alone, together))
    np.testing.assert_array_equal(one.gradient, same.gradient)
    assert (one.loss, one.correct) == (same.loss, same.correct)
    np.testing.assert_array_equal(alone.logits(parameters, windows), together.logits(parameters, windows))
    answers = forward(architecture, alone.unflatten(parameters), windows)
    assert one.correct == int((answers.argmax(axis=1) == targets.argmax(axis=1)).sum())


def test_what_can_be_trained() -> None:
    names = ("simple_rnn", "lstm", "gru", "stacked_gru")
    assert all(can_train(named_architecture(name)) for name in names)
    assert not any(can_train(named_architecture(name)) for name in ("bi_gru", "cnn_gru", "cnn", "majority", "dense"))
    before = GRU("layer", 4, False, False)
    assert not can_train(Architecture("x", 9, 3, (before, Dense("Output", 3, "softmax"))))
    assert not can_train(Architecture("x", 9, 3, (LSTM("layer", 4), Dense("Output", 3))))


def test_arrays_that_do_not_fit_are_refused() -> None:
    found = StackGradients(stack(LSTM, 4))
    parameters = np.zeros(found.parameter_count, np.float32)
    windows, targets = np.zeros((5, 9, 3), np.float32), np.zeros((5, 4), np.float32)
    options: dict[str, Any] = {"steps": np.array([8]), "shares": np.array([1.0])}
    for wrong in (
        (parameters[:-1], windows, targets),
        (parameters, windows[:, :8], targets),
        (parameters, windows, targets[:, :3]),
        (parameters.astype(np.float64), windows, targets),
    ):
        with pytest.raises(EngineError, match="native trainer: expected"):
            found.gradient(*wrong, **options)
    for steps in ([9], [-1], [3, 3]):
        with pytest.raises(EngineError, match="refused"):
            found.gradient(
                parameters, windows, targets, **{**options, "steps": np.array(steps), "shares": np.ones(len(steps))}
            )


class _Wrong:
    """A library as a compiler might break it: one number of every gradient is off by a tenth."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def har_train_gradient(self, *arguments: Any) -> int:
        status = self._library.har_train_gradient(*arguments)
        first = ctypes.cast(arguments[-2], ctypes.POINTER(ctypes.c_float))
        first[0] = first[0] * 1.1 + 0.01
        return int(status)


def test_a_compiler_that_miscompiles_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    check_trainer(load_trainer())
    with pytest.raises(EngineError, match=r"expected the gradient of a SimpleRNN, the compiled library is wrong by"):
        check_trainer(_Wrong(load_trainer()))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(native_library, "_FLAGS", (*native_library._FLAGS, "-Dlogf=expf"))
    load_trainer.cache_clear()
    try:
        with pytest.raises(EngineError, match=r"in its loss.*Name another compiler in CC"):
            StackGradients(stack(LSTM, 4))
    finally:
        load_trainer.cache_clear()


def run_program(command: list[str], architecture: Architecture, tmp_path: Path, runner: list[str]) -> np.ndarray:
    """Build the program with a compiler, run it on a batch, and return results and gradient less those of here."""
    program = tmp_path / "program"
    built = [*command, *FLAGS, f"-I{SOURCES / 'trainer'}", str(PROGRAM), *FILES, "-o", str(program), "-lm"]
    subprocess.run(built, check=True, timeout=120)
    rng = np.random.default_rng(9)
    found = StackGradients(architecture)
    windows, targets = batch_of(architecture, 21, rng)
    parameters = weights_of(found, rng)
    steps, shares = np.array([3, 8], np.int32), np.array([0.3, 0.7], np.float32)
    sizes = np.array([len(windows), len(steps)], np.int32)
    given = (found._stack, sizes, parameters, windows, targets, shares, steps)
    done = subprocess.run(
        [*runner, str(program)], input=b"".join(map(bytes, given)), capture_output=True, check=True, timeout=120
    )
    batch = found.gradient(parameters, windows, targets, steps=steps, shares=shares)
    here = np.concatenate([[batch.loss, batch.final_loss, batch.correct], batch.gradient])
    return np.frombuffer(done.stdout, np.float32) - here


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("options", [["-DHAR_TRAIN_SCALAR"], [], ["-march=native"]])
def test_plain_c_computes_the_same(kind: type, options: list[str], tmp_path: Path) -> None:
    difference = run_program(["gcc", *options], stack(kind, 7, 8), tmp_path, [])
    assert np.abs(difference).max() < 1e-6


def need(is_there: bool, reason: str) -> None:
    """Skip a test where something is missing; fail where CI has promised that it is there."""
    if not is_there:
        (pytest.fail if os.environ.get("HAR_REQUIRE_EMULATORS") else pytest.skip)(reason)


@pytest.mark.parametrize("kind", CELLS)
def test_an_arm_processor_computes_the_same(kind: type, tmp_path: Path) -> None:
    for program, package in (("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"), ("qemu-aarch64", "qemu-user")):
        need(shutil.which(program) is not None, f"{program} is not installed (Debian package {package})")
    difference = run_program(["aarch64-linux-gnu-gcc", "-static"], stack(kind, 7, 8), tmp_path, ["qemu-aarch64"])
    assert np.abs(difference).max() < 1e-6


@pytest.mark.parametrize("options", [[], ["-msimd128"]])
def test_it_compiles_for_webassembly(options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need(importlib.util.find_spec("ziglang") is not None, "the package ziglang is not installed")
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", str(tmp_path / "zig"))
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", *FLAGS, *options]
    for file in FILES:
        built = tmp_path / "object.wasm"
        subprocess.run([*command, "-c", file, "-o", str(built)], check=True, timeout=240)
        assert built.read_bytes().startswith(b"\0asm")


def test_the_fallback_compiler_trains_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    need(importlib.util.find_spec("ziglang") is not None, "the package ziglang is not installed")
    monkeypatch.setattr(native_library, "_COMPILERS", ("no-such-compiler",))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    native_library.find_compiler.cache_clear()
    load_trainer.cache_clear()
    try:
        assert "ziglang" in native_library.find_compiler(gradients._LIBRARY.title, gradients._LIBRARY.advice).command
        check_trainer(load_trainer())
    finally:
        native_library.find_compiler.cache_clear()
        load_trainer.cache_clear()
