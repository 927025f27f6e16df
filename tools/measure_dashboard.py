"""Compare `har live` without a dashboard, with one that nobody watches, and with one open page, in one run.

Three live sessions run side by side, each with a simulated sensor of 100 Hz of its own, on the C engine, with five
labels a second. Reads resident memory and processor time from /proc. Needs Chromium and the package playwright.

Usage: tools/measure_dashboard.py [SECONDS]
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
HAR = [sys.executable, "-P", "-m", "edgehar"]
SETTLES_S = 8.0
RUNS = ("alone", "dashboard, no page", "dashboard, one page")


def processor_s(process: "subprocess.Popen[str]") -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(process: "subprocess.Popen[str]") -> float:
    """Return the memory of a process that is in use, in MiB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def start(folder: Path, number: int, ending: contextlib.ExitStack) -> tuple["subprocess.Popen[str]", str]:
    """Start a sensor and a live session; return the session and the address of its page, if it has one."""
    link = folder / f"sensor-{number}"
    options = [] if number == 0 else ["--dashboard", "--dashboard-port", "0", "--recordings", str(folder / "kept")]
    live = ["live", "lstm", "--engine", "native", "--hop", "20", "--json", "--jsonl", str(folder / f"{number}.jsonl")]
    for command in (
        ["simulate", "--data", "synthetic", "--link", str(link), "--loop"],
        [*live, "--port", str(link), *options],
    ):
        while command[0] == "live" and not link.exists():
            time.sleep(0.1)
        process = subprocess.Popen([*HAR, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        ending.callback(process.communicate)
        ending.callback(process.send_signal, signal.SIGINT)
    url = ""
    while options and not url and process.stderr is not None:
        line = process.stderr.readline()
        url = line.removeprefix("dashboard: ").strip() if line.startswith("dashboard: ") else ""
    return process, url


def main(seconds: float) -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    with contextlib.ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        started = [start(folder, number, ending) for number in range(len(RUNS))]
        runner = ending.enter_context(sync_playwright())
        browser = runner.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        ending.callback(browser.close)
        page = browser.new_page()
        page.goto(started[-1][1])
        page.wait_for_timeout(1000 * SETTLES_S)
        before = [processor_s(process) for process, _ in started]
        began_s = time.monotonic()
        page.wait_for_timeout(1000 * seconds)
        elapsed_s = time.monotonic() - began_s
        for name, (process, _), used_s in zip(RUNS, started, before, strict=True):
            share = 100 * (processor_s(process) - used_s) / elapsed_s
            print(f"{name:<22} {resident_mib(process):6.1f} MiB resident {share:6.2f} % of a core")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
