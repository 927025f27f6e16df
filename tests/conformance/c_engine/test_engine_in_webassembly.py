"""The C engine in WebAssembly, as a page in a browser runs it: the same bits, and strict under a second compiler."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.architecture import named_architecture
from edgehar.models.bundle.golden import golden_windows
from edgehar.models.portable.fixed_point import to_samples
from edgehar.models.portable.integer_reference import forward
from edgehar.models.reference import forward as oracle
from edgehar.pipeline.compilers.c99 import tables

NAMED = ("simple_rnn", "lstm", "gru", "cnn", "bi_gru", "attention")
CLANG = (sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", "-O2")


@pytest.fixture
def in_wasm(need_module, build_driver, tmp_path: Path) -> Callable[..., Callable[[bytes], bytes]]:
    """``in_wasm(*flags)``: a function that runs the driver in WebAssembly, from stdin's bytes to stdout's."""
    need_module("ziglang")
    need_module("wasmtime")
    import wasmtime

    def make(*flags: str) -> Callable[[bytes], bytes]:
        module_path = build_driver(CLANG, tmp_path / "driver.wasm", *flags)

        def run(request: bytes) -> bytes:
            (tmp_path / "stdin").write_bytes(request)
            engine = wasmtime.Engine()
            config = wasmtime.WasiConfig()
            config.stdin_file = str(tmp_path / "stdin")
            config.stdout_file = str(tmp_path / "stdout")
            store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
            store.set_wasi(config)
            linker.define_wasi()
            instance = linker.instantiate(store, wasmtime.Module.from_file(engine, str(module_path)))
            instance.exports(store)["_start"](store)
            del instance, linker, store
            return (tmp_path / "stdout").read_bytes()

        return run

    return make


@pytest.mark.timeout(600)
def test_integers_equal_the_reference(in_wasm, run_driver, random_weights) -> None:
    cases = []
    for name in NAMED:
        architecture = named_architecture(name)
        cases.append((tables(architecture, random_weights(architecture), "int8"), to_samples(golden_windows(200, 3))))
    for found, (model, samples) in zip(run_driver(in_wasm(), cases), cases, strict=True):
        np.testing.assert_array_equal(found, forward(model, samples))


@pytest.mark.timeout(600)
def test_floats_are_close_to_the_oracle(in_wasm, run_driver, random_weights) -> None:
    windows, cases, expected = golden_windows(200, 3), [], []
    for name in NAMED:
        architecture = named_architecture(name)
        weights = random_weights(architecture)
        cases.append((tables(architecture, weights, "float32"), windows))
        expected.append(oracle(architecture, weights, windows))
    for found, wanted in zip(run_driver(in_wasm("-DHAR_FLOAT", "-msimd128"), cases), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=0)
