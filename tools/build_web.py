"""Build the C engine as the one WebAssembly module that every page runs: the same bytes on every machine.

The module is kept in the repository, so that nobody needs a compiler to use it; ``--check`` builds it again and
compares, as CI does. Needs the ziglang of constraints.txt: ``pip install -c constraints.txt 'edgehar[wasm]'``.

Usage: tools/build_web.py [--check]
"""

import argparse
import importlib.metadata
import re
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCES = REPOSITORY / "models" / "portable"
MODULE = REPOSITORY / "firmware_bridge" / "web" / "static" / "har.wasm"

COMPILE = (
    "-target",
    "wasm32-wasi",
    "-std=c99",
    "-O3",
    "-msimd128",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-sanitize=all",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Iengine",
    "-Ihost",
)
"""Paths are relative to `SOURCES`, so that no machine's folders get into the module."""
LINK = ("-target", "wasm32-wasi", "-O3", "-mexec-model=reactor", "-Wl,--strip-all", "-Wl,-z,stack-size=65536")

PARTS = (
    (("-DHAR_FLOAT",), ("web/har_web_float.c", "host/har_units.c", "host/har_windows.c")),
    ((), ("web/har_web.c", "web/har_web_integer.c")),
)


def build(target: Path) -> None:
    """Build the module; raise CalledProcessError where the compiler refuses."""
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for defines, files in PARTS:
            for file in files:
                objects.append(Path(folder) / f"{Path(file).stem}.o")
                zig("cc", *COMPILE, *defines, "-c", file, "-o", str(objects[-1]))
        zig("cc", *LINK, *map(str, objects), "-o", str(target))


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
    """Build the module, or with --check compare; return 1 where it is not the one that is kept."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--check", action="store_true", help="compare with the module that is kept")
    check = options.parse_args().check
    wanted, found = pinned_compiler(), importlib.metadata.version("ziglang")
    if found != wanted:
        print(f"expected ziglang {wanted}, as in constraints.txt, got {found}", file=sys.stderr)
        return 1
    if not check:
        build(MODULE)
        print(f"{MODULE.relative_to(REPOSITORY)}: {MODULE.stat().st_size:,} bytes")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / MODULE.name
        build(built)
        if built.read_bytes() == MODULE.read_bytes():
            return 0
    print(f"{MODULE.name}: the sources make another module than the one kept. Run: tools/build_web.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
