"""C sources as a shared library: a compiler found, built for this very processor, kept, loaded."""

import atexit
import contextlib
import ctypes
import functools
import hashlib
import importlib.util
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgehar.models.errors import EngineError
from edgehar.models.installation import install_command
from edgehar.models.portable import SOURCES
from edgehar.models.portable.tables import FLOAT32

_log = logging.getLogger(__name__)

_COMPILERS: Final = ("cc", "gcc", "clang")
_FLAGS: Final = ("-std=c99", "-O3", "-fPIC", "-shared", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math")
_THIS_PROCESSOR: Final = (("-march=native",), ("-mcpu=native",), ())
"""What makes a compiler use everything the processor has; the first that the compiler knows is taken."""

_TIMEOUT_S: Final = 120


@dataclass(frozen=True, slots=True)
class CLibrary:
    """What a shared library is built from.

    Parameters
    ----------
    title
        What errors begin with.
    name
        What its file name ends with.
    folders
        Of `SOURCES`: what they hold decides whether a kept library is still the right one.
    files
        What is compiled, relative to `SOURCES`.
    defines
        Further options of the compiler.
    advice
        What to do where it cannot be built.
    """

    title: str
    name: str
    folders: tuple[str, ...]
    files: tuple[str, ...]
    defines: tuple[str, ...] = ()
    advice: str = "use another engine"


_ENGINES: Final = {
    FLOAT32: CLibrary(
        "engine native",
        FLOAT32,
        ("engine", "host"),
        ("engine/har_blob.c", "host/har_native_float.c", "host/har_units.c", "host/har_windows.c"),
        ("-DHAR_FLOAT",),
    ),
    "int8": CLibrary(
        "engine native",
        "int8",
        ("engine", "host"),
        ("engine/har_blob.c", "engine/har_engine.c", "host/har_native_integer.c"),
    ),
}

_STREAM_FILES: Final = (
    "engine/har_blob.c",
    "engine/har_engine.c",
    "engine/har_stream.c",
    "host/har_native_integer.c",
    "host/har_native_stream.c",
)
_STREAMS: Final = {
    name: CLibrary("engine native", f"stream-{name}", ("engine", "host"), _STREAM_FILES, defines)
    for name, defines in ((FLOAT32, ("-DHAR_FLOAT",)), ("int8", ()))
}
"""One sample after another, in the engine of the microcontrollers, in floats as in integers."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C compiler: how it is called, and what it calls itself."""

    command: tuple[str, ...]
    version: str

    @property
    def path(self) -> str:
        """The program."""
        return self.command[0]


@functools.cache
def find_compiler(title: str = "engine native", advice: str = "use another engine") -> Compiler:
    """Return the compiler that ``CC`` names, or the first of cc, gcc, clang and the Python package ziglang.

    Raises
    ------
    EngineError
        If there is none.
    """
    wanted = os.environ.get("CC", "").split()[:1]
    commands: list[tuple[str, ...]] = [(path,) for path in map(shutil.which, wanted or _COMPILERS) if path is not None]
    if not wanted and importlib.util.find_spec("ziglang") is not None:
        commands.append((sys.executable, "-P", "-m", "ziglang", "cc"))
    for command in commands:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            reply = _run([*command, "--version"])
            if reply.returncode == 0:
                return Compiler(command, reply.stdout.partition("\n")[0].strip())
    raise EngineError(
        f"{title}: expected a C compiler ({', '.join(wanted or _COMPILERS)}), found none",
        next_step=f"Install gcc or clang, or run: {install_command('native')} (ziglang, a compiler as a package); or "
        f"{advice}.",
    )


@functools.cache
def load_library(quantization: str) -> ctypes.CDLL:
    """Return the library for models of this quantization, built now if it was not before.

    Raises
    ------
    EngineError
        If there is no compiler, its sources are not installed, or it cannot build them.
    """
    library = _described(build_library(_ENGINES[quantization]))
    library.har_native_predict.argtypes = [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
    ]
    return library


@functools.cache
def load_stream_library(quantization: str) -> ctypes.CDLL:
    """Return the library that carries the state of models of this quantization; see `load_library`."""
    library = _described(build_library(_STREAMS[quantization]))
    library.har_native_stream.argtypes = [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    return library


def _described(library: ctypes.CDLL) -> ctypes.CDLL:
    """Return a library whose functions are known by the types that all libraries share."""
    library.har_native_size.restype = ctypes.c_size_t
    library.har_native_memory.restype = ctypes.c_size_t
    library.har_native_memory.argtypes = [ctypes.c_void_p]
    library.har_native_open.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    return library


def build_library(wanted: CLibrary) -> ctypes.CDLL:
    """Return a library, built now if it was not before.

    Raises
    ------
    EngineError
        If there is no compiler, its sources are not installed, or it cannot build them.
    """
    path = _built_library(wanted)
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise EngineError(
            f"{wanted.title}: {path} cannot be loaded ({error})", next_step="Remove this file and try again."
        ) from error


def _fingerprint(compiler: Compiler, wanted: CLibrary) -> str:
    """Return what the library depends on, as a hash: sources, compiler, flags, processor."""
    digest = hashlib.sha256(repr((compiler, _FLAGS, wanted.defines, wanted.files, _processor())).encode())
    for folder in wanted.folders:
        for file in sorted((SOURCES / folder).glob("*.[ch]")):
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


def _built_library(wanted: CLibrary) -> Path:
    """Return the library's file; where there is no folder to keep it in, it is built for this process alone."""
    compiler = find_compiler(wanted.title, wanted.advice)
    name = f"{_fingerprint(compiler, wanted)}-{wanted.name}.so"
    try:
        kept = _cache_folder() / name
        if not kept.is_file():
            _build(compiler, wanted, kept)
        return kept
    except _NoCacheError as error:
        _log.warning("%s: %s; the C sources are built again in every process", wanted.title, error)
    passing = _private_folder() / name
    if not passing.is_file():
        try:
            _build(compiler, wanted, passing)
        except _NoCacheError as error:
            raise EngineError(
                f"{wanted.title}: {error}",
                next_step=f"Set XDG_CACHE_HOME to a folder that can be written to, or {wanted.advice}.",
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
            f"C sources: expected a folder for temporary files ({error.strerror})",
            next_step="Set TMPDIR to a folder that can be written to, or use another engine.",
        ) from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _build(compiler: Compiler, wanted: CLibrary, target: Path) -> None:
    """Build a library under a temporary name, then give it its own."""
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            output = Path(folder) / target.name
            _compile(compiler, wanted, output)
            output.replace(target)
    except OSError as error:
        raise _NoCacheError(f"expected to write to {target.parent} ({error.strerror})") from error


def _compile(compiler: Compiler, wanted: CLibrary, output: Path) -> None:
    """Run the compiler for this processor, or for any where it does not know this one."""
    inputs = [f"-I{SOURCES / folder}" for folder in wanted.folders] + [str(SOURCES / file) for file in wanted.files]
    complaint = ""
    for processor in _THIS_PROCESSOR:
        command = [*compiler.command, *_FLAGS, *processor, *wanted.defines, *inputs, "-o", str(output), "-lm"]
        try:
            done = _run(command, zig_folder=output.parent / "zig")
        except subprocess.TimeoutExpired:
            complaint = f"no end after {_TIMEOUT_S} s"
            break
        if done.returncode == 0:
            return
        complaint = " ".join(done.stderr.split())
    raise EngineError(
        f"{wanted.title}: {compiler.version} cannot build the C sources ({complaint[:200]})",
        next_step=f"Install the C library's headers (Debian: libc6-dev) or another compiler, or {wanted.advice}.",
    )


def _run(command: list[str], *, zig_folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a compiler; what ziglang would keep in the home folder goes into one that is removed."""
    environment = None if zig_folder is None else {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(zig_folder)}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIMEOUT_S,
        check=False,
        env=environment,
    )
