"""Compilers and emulators for the C engine, and what to do where one is missing."""

import contextlib
import importlib.util
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

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
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Layer,
    Masking,
    MaxPooling1D,
    SelfAttention,
    SimpleRNN,
    TemporalBlock,
)
from edgehar.models.portable import SOURCES
from edgehar.models.portable.blob import pack_model
from edgehar.models.portable.tables import CModel

FIRMWARE = Path(__file__).parents[3] / "firmware_bridge" / "firmware"
STRICT = (
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-pedantic",
    "-Wshadow",
    "-Wstrict-prototypes",
    "-Wundef",
)
CONVERSIONS = ("-Wconversion", "-Wsign-conversion")
TIMEOUT_S = 120

Case = tuple[CModel | bytes, np.ndarray]


def _need(program: str, package: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed (Debian package {package})")
    return path


def _need_module(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed (pip install 'edgehar[wasm]')")


def _compile(command: Sequence[str | Path]) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr


def _build_driver(compiler: Sequence[str], target: Path, *flags: str) -> Path:
    engine = SOURCES / "engine"
    sources = [engine / "har_engine.c", engine / "har_blob.c", Path(__file__).parent / "driver.c"]
    _compile([*compiler, *STRICT, *flags, f"-I{engine}", *sources, "-o", target, "-lm"])
    return target


def _run_driver(run: Sequence[str | Path] | Callable[[bytes], bytes], cases: Iterable[Case]) -> list[np.ndarray | int]:
    cases, request = list(cases), bytearray()
    for model, samples in cases:
        blob = model if isinstance(model, bytes) else pack_model(model)
        request += struct.pack("<I", len(blob)) + blob
        request += struct.pack("<II", len(samples), samples.size) + samples.tobytes()
    reply = run(bytes(request) + bytes(4)) if callable(run) else _run(run, bytes(request) + bytes(4))
    return list(_replies(reply, [samples for _, samples in cases]))


def _run(command: Sequence[str | Path], request: bytes) -> bytes:
    done = subprocess.run([str(part) for part in command], input=request, capture_output=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def _replies(reply: bytes, windows: Sequence[np.ndarray]) -> Iterable[np.ndarray | int]:
    at = 0
    for samples in windows:
        (status,) = struct.unpack_from("<I", reply, at)
        at += 4
        if status:
            yield status
            continue
        count, size = struct.unpack_from("<II", reply, at)
        numbers = np.float32 if samples.dtype == np.float32 else {2: np.uint16, 4: np.int32}[size]
        yield np.frombuffer(reply, numbers, count, at + 8).reshape(len(samples), -1)
        at += 8 + count * size
    assert at == len(reply)


def _random_architecture(generator: np.random.Generator) -> Architecture:
    while True:
        layers = _random_steps(generator) if generator.random() < 0.4 else _random_filters(generator)
        if generator.random() < 0.4:
            layers.append(Dense("after", int(generator.integers(1, 9)), str(generator.choice(["relu", "tanh"]))))
        head = str(generator.choice(["softmax", "softmax", "sigmoid", "linear"]))
        layers.append(Dense("Output", int(generator.integers(1 + (head == "softmax"), 14)), head))
        window, channels = int(generator.integers(1, 30)), int(generator.integers(1, 5))
        architecture = Architecture("random", window, channels, tuple(layers))
        with contextlib.suppress(ValueError):  # A window shorter than a filter.
            architecture.shapes()
            return architecture


def _random_steps(generator: np.random.Generator) -> list[Layer]:
    """Return layers that have a vector ready after every sample."""
    layers: list[Layer] = [Masking("mask", 0.0)] if generator.random() < 0.3 else []
    depth = int(generator.integers(1, 4))
    for index in range(depth):
        if generator.random() < 0.3:
            activation = str(generator.choice(["relu", "linear", "tanh", "sigmoid"]))
            layers.append(Dense(f"before_{index}", int(generator.integers(1, 9)), activation))
        kind = [SimpleRNN, LSTM, GRU][generator.integers(3)]
        options = {"reset_after": bool(generator.integers(2))} if kind is GRU else {}
        last = index == depth - 1
        if layers and isinstance(layers[0], Masking) and generator.random() < 0.3:
            merge = str(generator.choice(["concat", "sum", "mul", "ave"]))
            layers.append(Bidirectional(f"both_{index}", "GRU", int(generator.integers(1, 10)), not last, merge=merge))
            continue
        layers.append(kind(f"layer_{index}", int(generator.integers(1, 20)), return_sequences=not last, **options))
    return layers


def _random_filters(generator: np.random.Generator) -> list[Layer]:
    """Return layers along time of every kind, the last of which makes one vector of all steps."""

    def number(most: int) -> int:
        return int(generator.integers(1, most + 1))

    def choice(*options: str) -> str:
        return str(generator.choice(options))

    def both_ways(name: str, *, every_step: bool) -> Layer:
        cell, merge = choice("SimpleRNN", "LSTM", "GRU"), choice("concat", "sum", "mul", "ave")
        after = bool(generator.integers(2))
        return Bidirectional(name, cell, number(18), every_step, merge=merge, reset_after=after)

    def pool(name: str) -> Layer:
        kind, size = (MaxPooling1D, AveragePooling1D)[generator.integers(2)], number(4)
        return kind(name, size, strides=size + number(2) - 1, padding=choice("valid", "same"))

    def convolution(name: str) -> Layer:
        activation, padding = choice("relu", "linear", "tanh", "sigmoid"), choice("valid", "same", "causal")
        stride = 1 if padding == "causal" else number(2)
        dilation = number(3) if stride == 1 else 1
        return Conv1D(name, number(18), number(4), activation, padding, dilation, strides=stride)

    def branches(name: str) -> Layer:
        merge, stride, width = choice("concat", "sum", "mul", "ave"), number(2), number(6)

        def branch(which: int) -> tuple[Layer, ...]:
            own, padding = f"{name}_{which}", choice("same", "causal") if stride == 1 else "same"
            if merge == "concat" and stride == 1 and which == 2:
                return ()
            first = both_ways(f"{own}_a", every_step=True) if number(4) == 1 else Dense(f"{own}_a", number(6), "tanh")
            filters = number(6) if merge == "concat" else width
            last = Conv1D(f"{own}_b", filters, number(4), choice("relu", "linear", "tanh"), padding, strides=stride)
            return (first, last) if number(2) == 1 else (last,)

        return Branches(name, merge, tuple(branch(which) for which in range(2 if merge == "mul" else number(2) + 1)))

    def last_vectors(name: str) -> Layer:
        chains = (
            (LSTM(f"{name}_a", number(18)), Dense(f"{name}_b", 4, "relu")),
            (Conv1D(f"{name}_c", number(18), 2, "relu", "same"), GlobalMaxPooling1D(f"{name}_d")),
            (both_ways(f"{name}_e", every_step=False),),
            (Flatten(f"{name}_f"), Dense(f"{name}_g", 4, "tanh")),
            (Conv1D(f"{name}_h", number(5), 2, "tanh", "same", strides=2), Flatten(f"{name}_i")),
        )
        first = number(5) - 1
        return Branches(name, "concat", (chains[first], chains[(first + number(4)) % 5]))

    makers: list[Callable[[str], Layer]] = [
        convolution,
        convolution,
        branches,
        pool,
        lambda name: TemporalBlock(name, number(4), number(3), number(3)),
        lambda name: both_ways(name, every_step=True),
        lambda name: SelfAttention(name, number(9), heads=number(3), residual=bool(generator.integers(2))),
        lambda name: GRU(name, number(18), return_sequences=True),
        lambda name: Dense(name, number(6), choice("relu", "tanh")),
    ]
    ends: list[Callable[[str], Layer]] = [
        lambda name: both_ways(name, every_step=False),
        lambda name: LSTM(name, number(18)),
        GlobalAveragePooling1D,
        GlobalMaxPooling1D,
        Flatten,
        last_vectors,
    ]
    layers = [makers[generator.integers(len(makers))](f"layer_{index}") for index in range(number(4) - 1)]
    return [*layers, ends[generator.integers(len(ends))]("end")]


@pytest.fixture(scope="session")
def firmware() -> Path:
    """The folder of the firmware's C sources."""
    return FIRMWARE


@pytest.fixture(scope="session")
def strict() -> tuple[str, ...]:
    """Warnings every source must pass as errors."""
    return STRICT


@pytest.fixture(scope="session")
def strictest(strict: tuple[str, ...]) -> tuple[str, ...]:
    """The same, and no conversion that the source does not say."""
    return (*strict, *CONVERSIONS)


@pytest.fixture(scope="session")
def need() -> Callable[[str, str], str]:
    """``need(program, package)``: its path; skips where it is missing."""
    return _need


@pytest.fixture(scope="session")
def need_module() -> Callable[[str], None]:
    """``need_module(name)``: as `need`, for a Python package."""
    return _need_module


@pytest.fixture(scope="session")
def compile_c() -> Callable[..., None]:
    """``compile_c(command)``: run a compiler and show what it says when it fails."""
    return _compile


@pytest.fixture(scope="session")
def build_driver() -> Callable[..., Path]:
    """``build_driver(compiler, target, *flags)``: the engine with `driver.c` around it, for some machine."""
    return _build_driver


@pytest.fixture(scope="session")
def run_driver() -> Callable[..., list[np.ndarray | int]]:
    """``run_driver(run, cases)``: the outputs of each (model or blob, samples), or the status that refuses it.

    ``run`` is a command, or a function from stdin's bytes to stdout's.
    """
    return _run_driver


@pytest.fixture(scope="session")
def random_architecture() -> Callable[..., Architecture]:
    """``random_architecture(generator)``: some stack the engine can step through."""
    return _random_architecture
