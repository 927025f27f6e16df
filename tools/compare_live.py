"""Compare `har live` with a plain loop of pyserial and LiteRT, fed with the same samples at the same time.

    python tools/compare_live.py BUNDLE [--rate 100] [--hop 20] [--seconds 60] [--json]

Two ptys get the same text lines ``x,y,z``, in real time; every write is stamped. The latency of a label is the time
from the write of its window's last sample to the arrival of the label at this program, over a pipe. CPU time is the
kernel's account of each process alone, from the third label on. The plain loop does what a careful beginner
writes: read a line, keep the last 200 samples, run the model every hop; at higher rates it takes every n-th line,
where `har live` filters, and waits for the samples that its filter needs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import tty
from pathlib import Path

import numpy as np

_PLAIN_LOOP = """
import sys
from collections import deque
import numpy as np
import serial
from ai_edge_litert.interpreter import Interpreter
path, port, every, hop = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
model = Interpreter(path, num_threads=1)
model.allocate_tensors()
inputs, outputs = model.get_input_details()[0]["index"], model.get_output_details()[0]["index"]
window, count = deque(maxlen=200), 0
line = serial.Serial(port, 115200)
while True:
    fields = line.readline().split(b",")
    try:
        row = [float(field) for field in fields]
    except ValueError:
        continue
    count += 1
    if (count - 1) % every:
        continue
    window.append(row)
    taken = (count - 1) // every + 1
    if len(window) == 200 and (taken - 200) % hop == 0:
        model.set_tensor(inputs, np.float32(window)[np.newaxis])
        model.invoke()
        print(count - 1, int(model.get_tensor(outputs)[0].argmax()), flush=True)
"""


class Port:
    """A pty that a reader opens under a name."""

    def __init__(self) -> None:
        self._end, reader = os.openpty()
        tty.setraw(reader)
        self.name = os.ttyname(reader)
        self._reader = reader
        os.set_blocking(self._end, False)

    def send(self, data: bytes) -> None:
        """Write, and lose what a reader that is too slow leaves no room for."""
        try:
            os.write(self._end, data)
        except BlockingIOError:
            print(f"{self.name}: the reader is too slow", file=sys.stderr)


class Reader:
    """A process that prints labels, and the times at which they came."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.labels: list[tuple[str, float]] = []
        self.busy_from: tuple[float, float] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        """Stamp every line."""
        for line in self.process.stdout or ():
            self.labels.append((line, time.monotonic()))
            if len(self.labels) == 3:
                self.busy_from = (self.cpu_s(), time.monotonic())

    def cpu_s(self) -> float:
        """Return the processor time it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def share(self) -> float:
        """Return the share of a core since its third label, in percent."""
        if self.busy_from is None:
            raise RuntimeError("fewer than three labels came")
        return 100 * (self.cpu_s() - self.busy_from[0]) / (time.monotonic() - self.busy_from[1])

    def end(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(timeout=20)


def main() -> int:
    """Run both, feed both, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--rate", type=int, default=100, help="a multiple of 100 Hz")
    parser.add_argument("--hop", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    (tflite,) = options.bundle.glob("*float32*.tflite")
    ports = {"har live": Port(), "plain loop": Port()}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "plain.py"
        script.write_text(_PLAIN_LOOP)
        live = [sys.executable, "-P", "-m", "edgehar", "live", str(options.bundle), "--engine", "litert", "--raw"]
        live += ["--port", ports["har live"].name, "--rate", str(options.rate), "--hop", str(options.hop)]
        live += ["--unit", "g", "--protocol", "text", "--jsonl", "-"]
        plain = [sys.executable, str(script), str(tflite), ports["plain loop"].name, str(options.rate // 100)]
        readers = {"har live": Reader(live), "plain loop": Reader([*plain, str(options.hop)])}
        time.sleep(8)
        written_s = _feed(list(ports.values()), options.rate, options.seconds)
        time.sleep(0.5)
        found = {
            name: {
                "core_percent": round(reader.share(), 2),
                **_latencies(name, reader.labels, written_s, options.rate),
            }
            for name, reader in readers.items()
        }
        for reader in readers.values():
            reader.end()
    report = {"rate_hz": options.rate, "hop": options.hop, "seconds": options.seconds, **found}
    print(json.dumps(report) if options.json else "\n".join(f"{key:12} {value}" for key, value in report.items()))
    return 0


def _feed(ports: list[Port], rate_hz: int, seconds: float) -> np.ndarray:
    """Write a walk to all ports in real time, and return when each line had been written."""
    count = int(rate_hz * seconds)
    time_s = np.arange(count) / rate_hz
    walk = np.stack([0.3 * np.sin(12 * time_s), 0.2 * np.cos(24 * time_s), 1 + 0.4 * np.sin(12 * time_s)], axis=1)
    lines = [f"{x:.4f},{y:.4f},{z:.4f}\n".encode() for x, y, z in walk]
    for port in ports:
        port.send(b"x,y,z\n")
    written_s = np.zeros(count)
    began_s = time.monotonic()
    for index, line in enumerate(lines):
        wait_s = began_s + index / rate_hz - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        # The turn changes, so that neither is always first.
        for port in ports if index % 2 else ports[::-1]:
            port.send(line)
        written_s[index] = time.monotonic()
    return written_s


def _latencies(name: str, labels: list[tuple[str, float]], written_s: np.ndarray, rate_hz: int) -> dict[str, object]:
    """Return percentiles of the time from the last sample of a window to its label, in milliseconds."""
    latencies_ms = []
    for line, arrived_s in labels[3:]:
        index = round(json.loads(line)["t_s"] * rate_hz) if name == "har live" else int(line.split()[0])
        latencies_ms.append(1e3 * (arrived_s - written_s[min(index, len(written_s) - 1)]))
    p50, p99 = np.percentile(latencies_ms, [50, 99])
    return {"labels": len(labels), "p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2)}


if __name__ == "__main__":
    sys.exit(main())
