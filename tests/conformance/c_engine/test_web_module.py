"""The WebAssembly modules that are kept are those their sources make, and they reach nothing outside themselves."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from edgehar.firmware_bridge.web import STATIC

TOOL = Path(__file__).parents[3] / "tools" / "build_web.py"
MOST_BYTES = 64_000


def test_the_sources_make_the_modules_that_are_kept(need_module) -> None:
    need_module("ziglang")
    done = subprocess.run([sys.executable, str(TOOL), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert importlib.metadata.version("ziglang")


@pytest.mark.parametrize(
    ("name", "exports"),
    [
        ("har.wasm", ("har_web_open", "har_web_predict", "har_web_take")),
        ("har_train.wasm", ("har_train_gradient", "har_train_logits", "har_train_memory", "__heap_base")),
    ],
)
def test_a_module_imports_nothing_and_is_small(need_module, name: str, exports: tuple[str, ...]) -> None:
    need_module("wasmtime")
    import wasmtime

    content = (STATIC / name).read_bytes()
    assert len(content) <= MOST_BYTES
    module = wasmtime.Module(wasmtime.Engine(), content)
    assert [each.name for each in module.imports] == []
    assert {each.name for each in module.exports} >= {"memory", *exports}


@pytest.mark.parametrize("bytes_wanted", [0xFFFFFFFF, 0x7FFFFFFF])
def test_more_memory_than_there_is_is_refused(need_module, bytes_wanted: int) -> None:
    need_module("wasmtime")
    import wasmtime

    store = wasmtime.Store()
    store.set_limits(memory_size=2**24)
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, (STATIC / "har.wasm").read_bytes()), [])
    exports = instance.exports(store)
    wanted = bytes_wanted - 2**32 if bytes_wanted >= 2**31 else bytes_wanted
    assert exports["har_web_take"](store, wanted) == 0
    assert exports["har_web_take"](store, 1000) % 64 == 0
    assert exports["har_web_open"](store, 0, 0) != 0
    assert exports["har_web_predict"](store, 64, 64) != 0, "nothing is open"
