"""The machine a benchmark ran on: processor, cores, memory, system, versions. No names of hosts or people."""

import importlib.metadata
import os
import platform
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from edgehar.models import __version__

_LIBRARIES: Final = ("numpy", "ai-edge-litert", "tflite-runtime", "onnxruntime", "tensorflow")


@dataclass(frozen=True, slots=True)
class Machine:
    """What a reader needs to judge a time.

    ``load_average`` is that of the last minute, before the first measurement: what else the machine was doing. None
    stands for what the system does not tell.
    """

    cpu: str
    cores: int
    usable_cores: int
    memory_mb: float | None
    governor: str | None
    load_average: float | None
    os: str
    python: str
    versions: dict[str, str]

    @property
    def busy(self) -> bool:
        """Whether something else took so much of the machine that times are longer than they need be."""
        return self.load_average is not None and self.load_average > 0.5 * self.usable_cores

    def to_json(self) -> dict[str, Any]:
        """Return the description as JSON-ready data."""
        return asdict(self)


def describe_machine() -> Machine:
    """Describe this machine, as it is now."""
    cores = os.cpu_count() or 1
    affinity = getattr(os, "sched_getaffinity", None)
    return Machine(
        cpu=_cpu_model(),
        cores=cores,
        usable_cores=len(affinity(0)) if affinity else cores,
        memory_mb=_memory_mb(),
        governor=_first_line(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        load_average=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        os=_system(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        versions={"edgehar": __version__} | {name: found for name in _LIBRARIES if (found := _version(name))},
    )


def _cpu_model(cpuinfo: Path = Path("/proc/cpuinfo"), device_tree: Path = Path("/proc/device-tree/model")) -> str:
    """Return the processor's name; a board's name where processors have none, as on a Raspberry Pi."""
    text = cpuinfo.read_text(encoding="utf-8", errors="replace") if cpuinfo.is_file() else ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    board = _first_line(device_tree)
    found = [entry for entry in (board, named.group(1).strip() if named else None) if entry]
    return ", ".join(found) or platform.processor() or platform.machine()


def _memory_mb(meminfo: Path = Path("/proc/meminfo")) -> float | None:
    """Return the installed memory in units of 10^6 bytes."""
    text = meminfo.read_text(encoding="utf-8", errors="replace") if meminfo.is_file() else ""
    total = re.search(r"^MemTotal:\s*(\d+) kB$", text, re.MULTILINE)
    return round(int(total.group(1)) * 1024 / 1e6) if total else None


def _system() -> str:
    """Return the name of the distribution, the kernel and the instruction set."""
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()}, {platform.machine()}"


def _first_line(path: Path) -> str | None:
    """Return the first line of a system file without its closing zero byte, or None."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ").partition("\n")[0] or None
    except OSError:
        return None


def _version(distribution: str) -> str | None:
    """Return the installed version of a library, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
