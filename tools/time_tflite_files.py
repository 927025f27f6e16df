"""Time TFLite files side by side, one window after the other, in one run: those of two versions of our compiler, say.

Usage: PYTHON tools/time_tflite_files.py A.tflite B.tflite ...

PYTHON may be any with ai-edge-litert or tflite-runtime: this script needs nothing else of the project. Every file is
timed for a moment in each of many rounds, in changing order, on one thread. Times are those of the thread on the
processor: what other programs take is not in them. Variable tensors are reset before each window, as files with fused
recurrent operators need. Prints microseconds, and the ratio to the first file.
"""

import random
import sys
from time import thread_time_ns

import numpy as np

ROUNDS, WINDOWS_A_ROUND = 20, 50


def interpreter_class():
    """Return the Interpreter that is installed, and its name."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tflite_runtime.interpreter import Interpreter
    return Interpreter


class File:
    """A loaded file and its times."""

    def __init__(self, path: str, interpreter) -> None:
        self.path, self._interpreter = path, interpreter(model_path=path, num_threads=1)
        self._interpreter.allocate_tensors()
        (given,), (result,) = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._input, self._output = given["index"], result["index"]
        values = np.random.default_rng(0).normal(size=(WINDOWS_A_ROUND, *given["shape"][1:]))
        self._windows = (values / (given["quantization"][0] or 1)).astype(given["dtype"])
        self.times_us: list[float] = []

    def run(self) -> None:
        """Time every window once."""
        for window in self._windows:
            start = thread_time_ns()
            self._interpreter.reset_all_variables()
            self._interpreter.set_tensor(self._input, window[np.newaxis])
            self._interpreter.invoke()
            self._interpreter.get_tensor(self._output)
            self.times_us.append((thread_time_ns() - start) / 1e3)


def main(paths: list[str]) -> None:
    """Time the files and print a line for each."""
    interpreter = interpreter_class()
    files = [File(path, interpreter) for path in paths]
    order = random.Random(0)
    for file in files:
        file.run()
        file.times_us.clear()
    for _ in range(ROUNDS):
        for file in order.sample(files, len(files)):
            file.run()
    first = np.median(files[0].times_us)
    print(interpreter.__module__)
    for file in files:
        p50, p95, p99 = np.percentile(file.times_us, [50, 95, 99], method="inverted_cdf")
        print(f"{file.path:40} p50 {p50:7.0f}  p95 {p95:7.0f}  p99 {p99:7.0f} us   {p50 / first:.2f} x")


if __name__ == "__main__":
    main(sys.argv[1:])
