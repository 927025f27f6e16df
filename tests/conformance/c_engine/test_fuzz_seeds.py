"""The fuzz targets with their kept seeds, under sanitizers, where there is no libFuzzer."""

import subprocess
import sys
from pathlib import Path

import pytest

from edgehar.models.portable import SOURCES

TESTS = Path(__file__).parents[2]
FUZZ, SEEDS = TESTS / "fuzz", TESTS / "golden" / "fuzz"
SANITIZED = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-fsanitize=address,undefined")
ENGINE, HOST = SOURCES / "engine", SOURCES / "host"
TARGETS = {
    "engine-int8": ((), (ENGINE / "har_engine.c", ENGINE / "har_blob.c")),
    "engine-float32": (("-DHAR_FLOAT",), (ENGINE / "har_engine.c", ENGINE / "har_blob.c")),
    "native-int8": (
        ("-DFUZZ_NATIVE",),
        (ENGINE / "har_engine.c", ENGINE / "har_blob.c", HOST / "har_native_integer.c"),
    ),
    "native-float32": (
        ("-DHAR_FLOAT", "-DFUZZ_NATIVE"),
        (ENGINE / "har_blob.c", HOST / "har_native_float.c", HOST / "har_units.c", HOST / "har_windows.c"),
    ),
}


def replay(program: Path, seeds: Path) -> None:
    """Run a target over its seeds."""
    files = sorted(path for path in seeds.iterdir() if path.is_file())
    assert len(files) > 2
    done = subprocess.run([program, *files], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", TARGETS)
def test_blobs_that_are_kept_do_no_harm(target: str, need, compile_c, tmp_path: Path) -> None:
    defines, sources = TARGETS[target]
    files = [FUZZ / "replay.c", FUZZ / "fuzz_engine.c", *sources]
    program = tmp_path / "replay"
    compile_c(
        [need("gcc", "gcc"), *SANITIZED, *defines, f"-I{ENGINE}", f"-I{HOST}", *files, "-o", program, "-lm"],
    )
    replay(program, SEEDS / "blob")


def test_conversations_that_are_kept_do_no_harm(need, compile_c, tmp_path: Path) -> None:
    gcc = need("gcc", "gcc")
    made = subprocess.run(
        [sys.executable, FUZZ / "prepare.py", "project", tmp_path / "project"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    own = tmp_path / "project" / "src"
    names = ("har_device.c", "har_frame.c", "har_engine.c", "har_model.c", "har_identity.c")
    files = [FUZZ / "replay.c", FUZZ / "fuzz_device.c", *(own / name for name in names)]
    compile_c([gcc, *SANITIZED, f"-I{own}", *files, "-o", tmp_path / "replay"])
    replay(tmp_path / "replay", SEEDS / "device")


def test_the_kept_seeds_are_those_the_script_makes(tmp_path: Path) -> None:
    """Of the blobs; another NumPy may make other weights, and a changed format must not leave old seeds behind."""
    made = subprocess.run([sys.executable, FUZZ / "prepare.py", "seeds", tmp_path], capture_output=True, timeout=60)
    assert made.returncode == 0
    for file in (SEEDS / "device").iterdir():
        assert file.read_bytes() == (tmp_path / "device" / file.name).read_bytes()
    for file in tmp_path.glob("blob/*"):
        kept = (SEEDS / "blob" / file.name).read_bytes()
        assert len(kept) == file.stat().st_size
        assert kept[:4] == b"HARC"
