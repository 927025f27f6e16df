"""The C engine as a shared library: found, built for this very processor, kept, loaded."""

import atexit
import contextlib
import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgehar.models.errors import EngineError
from edgehar.models.portable import SOURCES
from edgehar.models.portable.tables import FLOAT32

_log = logging.getLogger(__name__)

_COMPILERS: Final = ("cc", "gcc", "clang")
_FLAGS: Final = ("-std=c99", "-O3", "-fPIC", "-shared", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math")
_THIS_PROCESSOR: Final = (("-march=native",), ("-mcpu=native",), ())
"""What makes a compiler use everything the processor has; the first that the compiler knows is taken."""

_FILES: Final = {
    FLOAT32: (
        ("-DHAR_FLOAT",),
        ("engine/har_blob.c", "host/har_native_float.c", "host/har_units.c", "host/har_windows.c"),
    ),
    "int8": ((), ("engine/har_blob.c", "engine/har_engine.c", "host/har_native_integer.c")),
}
_TIMEOUT_S: Final = 120


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C compiler: where it is, and what it calls itself."""

    path: str
    version: str


@functools.cache
def find_compiler() -> Compiler:
    """Return the compiler that ``CC`` names, or the first of cc, gcc and clang.

    Raises
    ------
    EngineError
        If there is none.
    """
    wanted = os.environ.get("CC", "").split()[:1] or _COMPILERS
    for name in wanted:
        path = shutil.which(name)
        if path is not None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                reply = _run([path, "--version"])
                if reply.returncode == 0:
                    return Compiler(path, reply.stdout.partition("\n")[0].strip())
    raise EngineError(
        f"engine native: expected a C compiler ({', '.join(wanted)}), found none",
        next_step="Install gcc or clang, or use another engine.",
    )


@functools.cache
def load_library(quantization: str) -> ctypes.CDLL:
    """Return the library for models of this quantization, built now if it was not before.

    Raises
    ------
    EngineError
        If there is no compiler, its sources are not installed, or it cannot build them.
    """
    path = _built_library(quantization)
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise EngineError(
            f"engine native: {path} cannot be loaded ({error})", next_step="Remove this file and try again."
        ) from error
    library.har_native_size.restype = ctypes.c_size_t
    library.har_native_memory.restype = ctypes.c_size_t
    library.har_native_memory.argtypes = [ctypes.c_void_p]
    library.har_native_open.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    library.har_native_predict.argtypes = [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
    ]
    return library


def _fingerprint(compiler: Compiler, sources: Path, quantization: str) -> str:
    """Return what the library depends on, as a hash: sources, compiler, flags, processor."""
    digest = hashlib.sha256(repr((compiler, _FLAGS, _FILES[quantization], _processor())).encode())
    for folder in ("engine", "host"):
        for file in sorted((sources / folder).glob("*.[ch]")):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:20]


def _processor() -> str:
    """Return the processor's kind and what it can do: a library for a better one would not run on it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    wanted = ("flags", "Features", "model name", "CPU part")
    return "\n".join([platform.machine(), *sorted({line for line in lines if line.startswith(wanted)})])


def _built_library(quantization: str) -> Path:
    """Return the library's file; where there is no folder to keep it in, it is built for this process alone."""
    compiler, sources = find_compiler(), SOURCES
    name = f"{_fingerprint(compiler, sources, quantization)}-{quantization}.so"
    try:
        kept = _cache_folder() / name
        if not kept.is_file():
            _build(compiler, sources, quantization, kept)
        return kept
    except _NoCacheError as error:
        _log.warning("engine native: %s; the C engine is built again in every process", error)
    passing = _private_folder() / name
    if not passing.is_file():
        try:
            _build(compiler, sources, quantization, passing)
        except _NoCacheError as error:
            raise EngineError(
                f"engine native: {error}",
                next_step="Set XDG_CACHE_HOME to a folder that can be written to, or use another engine.",
            ) from error
    return passing


class _NoCacheError(Exception):
    """There is no folder for a library; its text is a clause that says why."""


def _cache_folder() -> Path:
    """Return the folder of built libraries, which only this user can write to."""
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgehar" / "native"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder.
        reason = error.strerror if isinstance(error, OSError) else error
        raise _NoCacheError(f"expected a folder for built libraries ({reason}: set XDG_CACHE_HOME)") from error
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        raise _NoCacheError(f"expected {folder} to be writable to you alone (run: chmod 700 {folder})")
    return folder


@functools.cache
def _private_folder() -> Path:
    """Return a new folder for this process alone, removed when it ends."""
    try:
        folder = tempfile.mkdtemp(prefix="edgehar-native-")
    except OSError as error:
        raise EngineError(
            f"engine native: expected a folder for temporary files ({error.strerror})",
            next_step="Set TMPDIR to a folder that can be written to, or use another engine.",
        ) from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _build(compiler: Compiler, sources: Path, quantization: str, target: Path) -> None:
    """Build a library under a temporary name, then give it its own."""
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            output = Path(folder) / target.name
            _compile(compiler, sources, quantization, output)
            output.replace(target)
    except OSError as error:
        raise _NoCacheError(f"expected to write to {target.parent} ({error.strerror})") from error


def _compile(compiler: Compiler, sources: Path, quantization: str, output: Path) -> None:
    """Run the compiler for this processor, or for any where it does not know this one."""
    defines, files = _FILES[quantization]
    inputs = [f"-I{sources / folder}" for folder in ("engine", "host")] + [str(sources / file) for file in files]
    complaint = ""
    for processor in _THIS_PROCESSOR:
        command = [compiler.path, *_FLAGS, *processor, *defines, *inputs, "-o", str(output), "-lm"]
        try:
            done = _run(command)
        except subprocess.TimeoutExpired:
            complaint = f"no end after {_TIMEOUT_S} s"
            break
        if done.returncode == 0:
            return
        complaint = " ".join(done.stderr.split())
    raise EngineError(
        f"engine native: {compiler.version} cannot build the C engine ({complaint[:200]})",
        next_step="Install the C library's headers (Debian: libc6-dev) or another compiler, or use another engine.",
    )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a compiler."""
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S, check=False)
