"""Measure `har live` on this machine: share of a core, resident memory, label latency. Loopback only.

    python tools/measure_live.py BUNDLE [--engine litert] [--rate 100] [--hop 20] [--seconds 60] [--json]

A virtual sensor plays synthetic recordings in real time; `har live` classifies them with a sink that writes JSON lines.
CPU time and memory are the kernel's account of the `har live` process alone, from three seconds after its first label,
so that imports do not count; the latencies are those the program measured, from a window's last sample to its label.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_SETTLE_S = 3.0


def main() -> int:
    """Run both, watch one, report."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        link, labels = Path(folder) / "sensor", Path(folder) / "labels.jsonl"
        sensor = _start(
            "simulate", "--data", "synthetic", "--link", link, "--loop", "--rate", options.rate, *options.wire
        )
        live = None
        try:
            _wait_for(link.is_symlink, sensor)
            live = _start(
                *("live", options.bundle, "--port", link, "--rate", options.rate, "--hop", options.hop, "--json"),
                *("--jsonl", labels, "--engine", options.engine),
            )
            _wait_for(lambda: labels.exists() and labels.stat().st_size > 0, live)
            time.sleep(_SETTLE_S)
            began_s, busy_s, began_kb = time.monotonic(), _cpu_s(live.pid), _resident_kb(live.pid)
            time.sleep(options.seconds / 2)
            half_kb = _resident_kb(live.pid)
            time.sleep(options.seconds / 2)
            share = (_cpu_s(live.pid) - busy_s) / (time.monotonic() - began_s)
            resident_kb = _resident_kb(live.pid)
            live.send_signal(signal.SIGINT)
            summary = json.loads(live.communicate(timeout=20)[0])
        finally:
            for process in (live, sensor):
                if process is not None:
                    process.terminate()
                    process.wait(timeout=20)
    found = {
        "engine": options.engine,
        "rate_hz": options.rate,
        "hop": options.hop,
        "seconds": options.seconds,
        "core_percent": round(100 * share, 2),
        "resident_mb": round(resident_kb / 1024, 1),
        "growth_mb": round((resident_kb - began_kb) / 1024, 2),
        "growth_second_half_mb": round((resident_kb - half_kb) / 1024, 2),
        "windows": summary["windows"],
        "lost_samples": summary["lost_samples"],
        "latency_ms": summary["latency_ms"],
    }
    print(json.dumps(found) if options.json else "\n".join(f"{name:22} {value}" for name, value in found.items()))
    return 0


def _options() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--engine", default="litert")
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--hop", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--wire", nargs="*", default=["--timestamps"], help="more options of har simulate")
    return parser.parse_args()


def _start(*arguments: object) -> subprocess.Popen[str]:
    """Start a `har`."""
    command = [sys.executable, "-P", "-m", "edgehar", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _wait_for(condition, process: subprocess.Popen[str]) -> None:
    """Wait until something is so, unless the process ends first."""
    deadline_s = time.monotonic() + 60
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise SystemExit(f"{' '.join(map(str, process.args))} did not get going")
        time.sleep(0.05)


def _cpu_s(pid: int) -> float:
    """Return the processor time of all threads of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_kb(pid: int) -> int:
    """Return resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise SystemExit("no VmRSS: is this Linux?")


if __name__ == "__main__":
    sys.exit(main())
