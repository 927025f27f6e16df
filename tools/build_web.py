"""Build the C engine and the trainer as the WebAssembly modules that pages run: the same bytes on every machine.

The modules are kept in the repository, so that nobody needs a compiler to use them; ``--check`` builds them again and
compares, as CI does. Needs the ziglang of constraints.txt: ``pip install -c constraints.txt 'edgehar[wasm]'``.

Usage: tools/build_web.py [--check]
"""

import argparse
import importlib.metadata
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCES = REPOSITORY / "models" / "portable"
STATIC = REPOSITORY / "firmware_bridge" / "web" / "static"

COMPILE = (
    "-target",
    "wasm32-wasi",
    "-std=c99",
    "-msimd128",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-sanitize=all",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Iengine",
    "-Ihost",
    "-Itrainer",
)
"""Paths are relative to `SOURCES`, so that no machine's folders get into the module."""
LINK = ("-target", "wasm32-wasi", "-O3", "-mexec-model=reactor", "-Wl,--strip-all", "-Wl,-z,stack-size=65536")

TRAINER = ("har_train_lanes", "har_train_parameters", "har_train_memory", "har_train_gradient", "har_train_logits")
"""What the page calls; it lays out the structures and the memory itself, from where the heap begins."""


@dataclass(frozen=True, slots=True)
class WebModule:
    """A module: sources with the flags they need, and what it exports beyond what the sources say themselves."""

    name: str
    parts: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    exports: tuple[str, ...] = ()


MODULES = (
    WebModule(
        "har.wasm",
        (
            # The products of floats, where the time goes, are made fast; all else is made small. The plain engine alone
            # runs branches.
            (("-O3", "-DHAR_FLOAT", "-DHAR_USE_BRANCHES=0"), ("host/har_units.c",)),
            (("-Os", "-DHAR_FLOAT"), ("web/har_web_float.c",)),
            (("-Os",), ("web/har_web.c", "web/har_web_integer.c")),
        ),
    ),
    WebModule(
        "har_train.wasm", ((("-O3",), ("trainer/har_train.c", "trainer/har_train_layer.c")),), (*TRAINER, "__heap_base")
    ),
)


def build(module: WebModule, target: Path) -> None:
    """Build a module; raise CalledProcessError where the compiler refuses."""
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for defines, files in module.parts:
            for file in files:
                objects.append(Path(folder) / f"{Path(file).stem}.o")
                zig("cc", *COMPILE, *defines, "-c", file, "-o", str(objects[-1]))
        exports = [f"-Wl,--export={name}" for name in module.exports]
        zig("cc", *LINK, *exports, *map(str, objects), "-o", str(target))


def zig(*arguments: str) -> None:
    """Run the compiler."""
    subprocess.run([sys.executable, "-P", "-m", "ziglang", *arguments], cwd=SOURCES, check=True)


def pinned_compiler() -> str:
    """Return the version of the compiler that makes these bytes."""
    constraints = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8")
    pinned = re.search(r"^ziglang==(\S+)$", constraints, re.MULTILINE)
    if pinned is None:
        raise SystemExit("constraints.txt: expected a line ziglang==VERSION, there is none")
    return pinned[1]


def main() -> int:
    """Build the modules, or with --check compare; return 1 where one is not the one that is kept."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--check", action="store_true", help="compare with the modules that are kept")
    check = options.parse_args().check
    wanted, found = pinned_compiler(), importlib.metadata.version("ziglang")
    if found != wanted:
        print(f"expected ziglang {wanted}, as in constraints.txt, got {found}", file=sys.stderr)
        return 1
    return max([_compare(module) if check else _renew(module) for module in MODULES])


def _renew(module: WebModule) -> int:
    """Build a module where it is kept."""
    target = STATIC / module.name
    build(module, target)
    target.chmod(0o644)
    print(f"{target.relative_to(REPOSITORY)}: {target.stat().st_size:,} bytes")
    return 0


def _compare(module: WebModule) -> int:
    """Return 1 where the sources make another module than the one that is kept."""
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / module.name
        build(module, built)
        if built.read_bytes() == (STATIC / module.name).read_bytes():
            return 0
    print(f"{module.name}: the sources make another module than the one kept. Run: tools/build_web.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
