"""The C engine on machines with an operating system: strict, free of undefined behaviour, equal to its reference."""

import platform
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.projects.source import tables_source
from edgehar.models.architecture import (
    LSTM,
    Architecture,
    Branches,
    Conv1D,
    Dense,
    GlobalMaxPooling1D,
    Masking,
    named_architecture,
)
from edgehar.models.bundle.golden import golden_windows
from edgehar.models.errors import CompileError
from edgehar.models.portable import SOURCES
from edgehar.models.portable.blob import HEADER, MAGIC, pack_model
from edgehar.models.portable.fixed_point import to_samples
from edgehar.models.portable.integer_reference import forward
from edgehar.models.portable.tables import CModel
from edgehar.models.reference import forward as oracle
from edgehar.pipeline.compilers.c99 import tables

FLOAT = ("-DHAR_FLOAT",)
BRANCHES = Architecture(
    "branches",
    200,
    3,
    (
        Conv1D("a", 6, 5, "relu", strides=4),
        Branches("b", "sum", ((Conv1D("c", 6, 3, "linear", "same"),), ())),
        Branches("d", "concat", ((LSTM("e", 5),), (Conv1D("f", 4, 3), GlobalMaxPooling1D("g")))),
        Dense("o", 12, "softmax"),
    ),
)
MASKED = Architecture("masked", 200, 3, (Masking("m", 0.0), LSTM("l", 5), Dense("o", 12, "softmax")))
NAMED = ("simple_rnn", "lstm", "gru", "cnn", "bi_gru", "tcn", "attention")


def with_zeros(windows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return windows of which the second has steps of zeros, which a model may mask, and the third nothing else."""
    windows[1, generator.random(windows.shape[1]) < 0.4] = 0.0
    windows[2] = 0.0
    return windows


@pytest.fixture(scope="module")
def cases(random_architecture, random_weights) -> list[tuple[CModel, np.ndarray]]:
    """Integer models of many shapes with calm and wild weights, and windows that saturate."""
    generator, found = np.random.default_rng(11), []
    while len(found) < 60:
        architecture = random_architecture(generator)
        weights = random_weights(architecture, len(found), gain=float(generator.choice([0.0, 0.3, 1.0, 4.0])))
        loudness = float(generator.choice([0.1, 1.0, 30.0]))
        windows = generator.normal(scale=loudness, size=(3, architecture.window, architecture.channels))
        windows = with_zeros(windows, generator)
        try:
            found.append((tables(architecture, weights, "int8"), to_samples(windows)))
        except CompileError:
            continue
    for name in NAMED:
        architecture = named_architecture(name)
        found.append((tables(architecture, random_weights(architecture), "int8"), to_samples(golden_windows(200, 3))))
    return found


def assert_bits_are_the_references(found: list[np.ndarray], cases: list[tuple[CModel, np.ndarray]]) -> None:
    """Hold an engine's probabilities to the integer reference, bit for bit."""
    for probabilities, (model, samples) in zip(found, cases, strict=True):
        np.testing.assert_array_equal(probabilities, forward(model, samples))


@pytest.fixture(scope="module")
def float_cases(random_architecture, random_weights) -> tuple[list[tuple[CModel, np.ndarray]], list[np.ndarray]]:
    """Float models, windows, and what the oracle makes of them."""
    generator = np.random.default_rng(12)
    architectures = [random_architecture(generator) for _ in range(40)] + [named_architecture(name) for name in NAMED]
    found, expected = [], []
    for seed, architecture in enumerate(architectures):
        weights = random_weights(architecture, seed, gain=0.5)
        windows = generator.normal(size=(3, architecture.window, architecture.channels)).astype(np.float32)
        windows = with_zeros(windows, generator)
        found.append((tables(architecture, weights, "float32"), windows))
        expected.append(oracle(architecture, weights, windows))
    return found, expected


ENGINE, HOST = SOURCES / "engine", SOURCES / "host"
ENGINE_SOURCES = ("engine/har_engine.c", "engine/har_blob.c", "engine/har_slide.c", "engine/har_stream.c")
FLOAT_SOURCES = ("host/har_native_float.c", "host/har_units.c", "host/har_windows.c")
STREAM_SOURCES = ("host/har_native_integer.c", "host/har_native_stream.c")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("numbers", [(), FLOAT], ids=["integer", "float"])
@pytest.mark.parametrize("processor", [(), ("-mavx",), ("-mavx512f",)], ids=["any", "avx", "avx512"])
def test_every_warning_is_an_error(
    compiler: str,
    numbers: tuple[str, ...],
    processor: tuple[str, ...],
    need,
    need_module,
    compile_c,
    strictest,
    tmp_path,
) -> None:
    """Of both compilers, for every width of a vector, conversions included."""
    if compiler == "gcc":
        command = [need("gcc", "gcc")]
    else:
        need_module("ziglang")
        command = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-linux-musl"]
    if processor and platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("not for this machine: these vectors are those of another processor")
    own = (*STREAM_SOURCES, *(FLOAT_SOURCES if numbers else ()))
    for source in (*ENGINE_SOURCES, *own):
        includes = (f"-I{ENGINE}", f"-I{HOST}")
        target = ("-o", tmp_path / "object.o")
        compile_c([*command, *strictest, *numbers, *processor, *includes, "-O2", "-c", SOURCES / source, *target])


def test_layers_can_be_left_out(need, compile_c, strict, tmp_path: Path) -> None:
    gcc = need("gcc", "gcc")
    names = re.findall(r"HAR_USE_(\w+)", (SOURCES / "engine" / "har_config.h").read_text())
    engine = tmp_path / "engine"
    engine.mkdir()
    for file in (SOURCES / "engine").iterdir():
        (engine / file.name).write_bytes(file.read_bytes())
    for kept in names:
        along = names.index(kept) > names.index("OTHER_HEADS")
        used = {kept, "TIME" if along else "PLAIN", *(["CONV"] if kept == "RESIDUAL" else [])}
        lines = "".join(f"#define HAR_USE_{name} {int(name in used)}\n" for name in names)
        (engine / "har_config.h").write_text(lines)
        for numbers in ((), FLOAT):
            compile_c([gcc, *strict, *numbers, "-c", engine / "har_engine.c", "-o", tmp_path / "object.o"])


def test_headers_are_cpp_too(need, compile_c, tmp_path: Path) -> None:
    source = tmp_path / "user.cpp"
    source.write_text('#include "har_blob.h"\nint main() { har_engine e; return har_reset(&e) == HAR_OK; }\n')
    compile_c(
        [need("g++", "g++"), "-Wall", "-Wextra", "-Werror", f"-I{SOURCES / 'engine'}", "-c", source, "-o", "/dev/null"]
    )


@pytest.mark.parametrize("optimization", ["-O0", "-O3"])
def test_integers_equal_the_reference(optimization: str, need, build_driver, run_driver, cases, tmp_path: Path) -> None:
    driver = build_driver([need("gcc", "gcc")], tmp_path / "driver", optimization)
    assert_bits_are_the_references(run_driver([driver], cases), cases)


def test_narrow_multiplication_gives_the_same_bits(need, build_driver, run_driver, cases, tmp_path: Path) -> None:
    """The arithmetic of chips without a 64-bit product, on this one."""
    driver = build_driver([need("gcc", "gcc")], tmp_path / "driver", "-DHAR_NARROW_MULTIPLY=1")
    assert_bits_are_the_references(run_driver([driver], cases), cases)


def test_integers_equal_the_reference_on_aarch64(need, build_driver, run_driver, cases, tmp_path: Path) -> None:
    emulator = need("qemu-aarch64", "qemu-user")
    compiler = need("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross")
    driver = build_driver([compiler], tmp_path / "driver", "-O2", "-static")
    assert_bits_are_the_references(run_driver([emulator, driver], cases), cases)


def test_floats_are_close_to_the_oracle(need, build_driver, run_driver, float_cases, tmp_path: Path) -> None:
    models, expected = float_cases
    driver = build_driver([need("gcc", "gcc")], tmp_path / "driver", *FLOAT, "-O2")
    for found, wanted in zip(run_driver([driver], models), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=1e-5)


def test_floats_are_close_to_the_oracle_on_aarch64(need, build_driver, run_driver, float_cases, tmp_path: Path) -> None:
    models, expected = float_cases
    emulator = need("qemu-aarch64", "qemu-user")
    compiler = need("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross")
    driver = build_driver([compiler], tmp_path / "driver", *FLOAT, "-O2", "-static")
    for found, wanted in zip(run_driver([emulator, driver], models), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=1e-5)


def harmed(blob: bytes, generator: np.random.Generator) -> bytes:
    """Return the blob with some bytes changed, mostly in its records, and a checksum that is right again."""
    content = bytearray(blob[8:])
    reach = len(content) if generator.random() < 0.3 else HEADER.size + 3 * 44
    for _ in range(int(generator.integers(1, 4))):
        content[generator.integers(0, min(reach, len(content)))] = generator.integers(256)
    return MAGIC + zlib.crc32(content).to_bytes(4, "little") + bytes(content)


@pytest.mark.parametrize("numbers", [(), FLOAT], ids=["integer", "float"])
def test_nothing_is_undefined_whatever_comes(
    numbers: tuple[str, ...], need, build_driver, run_driver, cases, float_cases, tmp_path: Path
) -> None:
    """Models of every kind, and 3,000 blobs made to do harm, under the address and undefined behaviour sanitizers."""
    flags = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    driver = build_driver([need("gcc", "gcc")], tmp_path / "driver", *numbers, *flags)
    whole = float_cases[0] if numbers else cases
    assert not any(isinstance(found, int) for found in run_driver([driver], whole))
    generator = np.random.default_rng(13)
    blobs = [(pack_model(model), samples[:1]) for model, samples in whole[:40]]
    harmful = [(harmed(blob, generator), samples) for blob, samples in blobs for _ in range(75)]
    found = run_driver([driver], harmful)
    refused = sum(isinstance(reply, int) for reply in found)
    assert 300 < refused < len(found)


@pytest.mark.parametrize(
    ("damage", "status"),
    [
        (lambda blob: b"TFL3" + blob[4:], 5),
        (lambda blob: blob[:20], 5),
        (lambda blob: blob[:12] + b"\x05" + blob[13:], 6),
        (lambda blob: blob[:-1], 8),
        (lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]), 8),
    ],
)
def test_refusals_are_told_apart(
    damage: Callable[[bytes], bytes], status: int, need, build_driver, run_driver, cases, tmp_path: Path
) -> None:
    driver = build_driver([need("gcc", "gcc")], tmp_path / "driver")
    model, samples = cases[0]
    assert run_driver([driver], [(damage(pack_model(model)), samples)]) == [status]


def test_other_numbers_are_refused(need, build_driver, run_driver, cases, float_cases, tmp_path: Path) -> None:
    driver = build_driver([need("gcc", "gcc")], tmp_path / "driver")
    model, _ = float_cases[0][0]
    assert run_driver([driver], [(pack_model(model), cases[0][1])]) == [7]


@pytest.mark.parametrize("quantization", ["int8", "float32"])
@pytest.mark.parametrize("name", ["gru", "cnn", "bi_gru", "branches", "masked"])
def test_generated_source_runs_like_the_blob(
    name: str, quantization: str, need, compile_c, strict, random_weights, tmp_path: Path
) -> None:
    own = {"branches": BRANCHES, "masked": MASKED}
    architecture = own[name] if name in own else named_architecture(name).deployed
    model = tables(architecture, random_weights(architecture), quantization)
    (tmp_path / "har_model.h").write_text('#include "har.h"\nextern const har_model my_model;\n')
    (tmp_path / "har_model.c").write_text(tables_source(model, name="my_model", comment="A test."))
    (tmp_path / "main.c").write_text(
        '#include "har_model.h"\n#include <stdio.h>\n'
        f"static har_sum sums[{model.scratch_sums + model.kept_sums}];\n"
        f"static har_value values[{model.kept_values}];\n"
        "int main(void)\n{\n    har_sample sample[3];\n    har_probability probabilities[12];\n    har_engine engine;\n"
        "    har_open(&engine, &my_model, sums, sizeof sums / sizeof *sums, values, sizeof values / sizeof *values);\n"
        "    while (fread(sample, sizeof sample, 1, stdin) == 1)\n        har_step(&engine, sample);\n"
        "    har_finish(&engine, probabilities);\n    fwrite(probabilities, sizeof probabilities, 1, stdout);\n"
        "    return 0;\n}\n"
    )
    numbers = FLOAT if quantization == "float32" else ()
    sources = [tmp_path / "main.c", tmp_path / "har_model.c", SOURCES / "engine" / "har_engine.c"]
    includes = [f"-I{SOURCES / 'engine'}", f"-I{tmp_path}"]
    compile_c([need("gcc", "gcc"), *strict, *numbers, *includes, *sources, "-o", tmp_path / "main", "-lm"])
    window = golden_windows(200, 3)[1:2]
    window[:, 50:120] = 0.0
    samples = window if numbers else to_samples(window)
    reply = subprocess.run([tmp_path / "main"], input=samples.tobytes(), capture_output=True, timeout=30, check=True)
    if numbers:
        found = np.frombuffer(reply.stdout, np.float32)
        np.testing.assert_allclose(found, oracle(architecture, random_weights(architecture), window)[0], atol=1e-5)
    else:
        np.testing.assert_array_equal(np.frombuffer(reply.stdout, np.uint16), forward(model, samples)[0])
