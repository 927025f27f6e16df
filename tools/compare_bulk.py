"""Classify the same days with `har classify` and with plain loops over other runtimes: tools/compare_bulk.py BUNDLE.

A line each, from one run: CPU seconds (imports left out), times slower than ours, peak memory, and how many windows
have the same label as ours. A plain loop reads the file's columns, cuts windows, calls the runtime and keeps labels;
nothing else. The days are synthetic, 100 Hz, hop 100. On a busy machine compare CPU seconds, not seconds.

With `--workers N`: two files a worker by `har classify`, seconds with one worker, with N, and with N programs of one
worker that know nothing of each other, which is what the machine itself gives. Only a quiet machine tells.

    tools/compare_bulk.py BUNDLE [--days 7] [--skip keras] [--peer-days 1]
    tools/compare_bulk.py BUNDLE [--days 7] --workers 2
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from edgehar.models.bundle import Bundle, read_bundle
from edgehar.pipeline.bulk.synthetic_weeks import write_week

PEERS = ("onnxruntime", "litert", "keras")


def ours(bundle: Bundle, data: Path, folder: Path, workers: int) -> dict[str, Any]:
    """Classify with this project, and return labels and figures."""
    from edgehar.pipeline.bulk.classification import classify_recordings

    began_s = time.process_time()
    classify_recordings(bundle, [str(data)], folder, workers=workers, engine="native")
    table = pq.read_table(next((folder / "labels").glob("*.parquet")), columns=["raw_label"])
    return {"labels": table["raw_label"].to_pylist(), "cpu_s": time.process_time() - began_s}


def parts(bundle: Bundle, data: Path, folder: Path) -> dict[str, float]:
    """Return the CPU seconds of each part of the work, and of everything; imports left out."""
    from edgehar.models.engines.native import NativeEngine
    from edgehar.pipeline.bulk import parquet_samples, posteriors, tasks
    from edgehar.pipeline.bulk.classification import classify_recordings
    from edgehar.pipeline.bulk.listening import Listener

    found: dict[str, float] = {}

    def count(part: str, owner: Any, name: str) -> None:
        work = getattr(owner, name)
        found[part] = 0.0

        def counted(*arguments: Any, **options: Any) -> Any:
            began_s = time.process_time()
            try:
                result = work(*arguments, **options)
            finally:
                found[part] += time.process_time() - began_s
            return stepped(result) if isinstance(result, Iterator) else result

        def stepped(blocks: Iterator[Any]) -> Iterator[Any]:
            while True:
                began_s = time.process_time()
                block = next(blocks, None)
                found[part] += time.process_time() - began_s
                if block is None:
                    return
                yield block

        setattr(owner, name, counted)

    count("reading samples", parquet_samples, "read_rows")
    count("reading times", parquet_samples, "plan_parquet")
    count("hash of the file", tasks, "content_key")
    count("engine", NativeEngine, "_run")
    count("windows", posteriors._Batches, "feed")
    count("elevators", Listener, "feed")
    count("worn or not", posteriors, "still_blocks")
    count("decoder, days and writing", tasks, "finish")
    began_s = time.process_time()
    classify_recordings(bundle, [str(data)], folder, workers=1, engine="native")
    took_s = time.process_time() - began_s
    found["windows"] -= found["engine"]
    return {**found, "all else": took_s - sum(found.values())}


def window_batches(data: Path, size: int) -> Iterator[np.ndarray]:
    """Yield batches of windows of 200, 100 apart."""
    held = np.empty((0, 3), np.float32)
    for batch in pq.ParquetFile(data).iter_batches(size * 100, columns=["x", "y", "z"]):
        held = np.concatenate([held, np.stack([column.to_numpy() for column in batch.columns], axis=1)])
        count = (len(held) - 200) // 100 + 1
        views = np.lib.stride_tricks.sliding_window_view(held, 200, axis=0)[::100][:count]
        yield np.ascontiguousarray(views.swapaxes(1, 2))
        held = held[count * 100 :]


def runtime(name: str, bundle: Bundle) -> Callable[[np.ndarray], np.ndarray]:
    """Return how a runtime predicts a batch, as its documentation shows."""
    if name == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(bundle.files["model.float32.onnx"], options)
        entry = session.get_inputs()[0].name
        return lambda windows: session.run(None, {entry: windows})[0]
    if name == "litert":
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=bundle.files["model.float32.tflite"], num_threads=1)
        entry, end = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

        interpreter.allocate_tensors()

        def predict(windows: np.ndarray) -> np.ndarray:
            found = []
            # One by one: files of recurrent models do not take another batch with its default delegate.
            for window in windows:
                interpreter.set_tensor(entry, window[np.newaxis])
                interpreter.invoke()
                found.append(interpreter.get_tensor(end)[0])
            return np.stack(found)

        return predict
    import tensorflow as tf

    from edgehar.pipeline.training.keras_model import keras_model, set_weights

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = keras_model(bundle.manifest.architecture)
    set_weights(model, bundle.folded_weights)
    return lambda windows: model.predict(windows, batch_size=256, verbose=0)


def peer(name: str, bundle: Bundle, data: Path) -> dict[str, Any]:
    """Classify with a plain loop."""
    predict = runtime(name, bundle)
    predict(np.zeros((1024, 200, 3), np.float32))
    began_s = time.process_time()
    labels: list[str] = []
    for windows in window_batches(data, 1024):
        labels += [bundle.manifest.labels[place] for place in predict(windows).argmax(axis=1)]
    return {"labels": labels, "cpu_s": time.process_time() - began_s}


def one(name: str, bundle: Path, data: Path, target: Path) -> int:
    """Run one candidate in this process, and write what it took."""
    model = read_bundle(bundle)
    with tempfile.TemporaryDirectory() as folder:
        if name == "parts":
            target.write_text(json.dumps(parts(model, data, Path(folder) / "out")))
            return 0
        found = ours(model, data, Path(folder) / "out", 1) if name == "ours" else peer(name, model, data)
    found["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    target.write_text(json.dumps(found))
    return 0


def compare_workers(bundle: Path, place: Path, *, days: float, workers: int) -> None:
    """Print how long one worker, several, and as many programs take for the same files."""
    files = [str(write_week(place / f"{seed}.parquet", days=days, seed=seed)) for seed in range(2 * workers)]
    apart = [files[first::workers] for first in range(workers)]
    ways = [("1 worker", [files], 1), (f"{workers} workers", [files], workers), (f"{workers} programs", apart, 1)]
    alone_s, labels = 0.0, []
    for name, shares, count in ways:
        outs = [place / f"{name} {number}" for number in range(len(shares))]
        began_s, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        running = [
            subprocess.Popen(
                [sys.executable, "-P", "-m", "edgehar", "classify", str(bundle), *share, "--out", str(out), "--workers",
                 str(count), "--engine", "native"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            for share, out in zip(shares, outs, strict=True)
        ]  # fmt: skip
        codes = [process.wait() for process in running]
        if any(codes):
            raise SystemExit(f"{name}: har classify failed")
        took_s, after = time.perf_counter() - began_s, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found = {file.name: file.read_bytes() for out in outs for file in (out / "labels").glob("*.parquet")}
        labels.append(found)
        alone_s = alone_s or took_s
        print(
            f"{name}: {len(files)} files of {days:g} days: {took_s:.1f} s ({alone_s / took_s:.2f} x 1 worker), "
            f"{cpu_s:.1f} s CPU, {'the same' if found == labels[0] else 'OTHER'} bytes",
            flush=True,
        )


def main() -> int:
    """Print a table, a line when it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--peer-days", type=float, default=1.0)
    parser.add_argument("--skip", action="append", default=[])
    parser.add_argument("--workers", type=int, help="compare workers, not runtimes")
    parser.add_argument("--one", nargs=3, metavar=("NAME", "DATA", "RESULT"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        return one(chosen.one[0], chosen.bundle, Path(chosen.one[1]), Path(chosen.one[2]))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if chosen.workers:
            compare_workers(chosen.bundle, place, days=chosen.days, workers=chosen.workers)
            return 0
        long = write_week(place / "long.parquet", days=chosen.days)
        short = write_week(place / "short.parquet", days=chosen.peer_days)
        names = [name for name in PEERS if name not in chosen.skip]
        runs = [("ours", long, chosen.days), ("ours", short, chosen.peer_days)]
        runs.insert(0, ("parts", long, chosen.days))
        runs += [(name, short, chosen.peer_days) for name in names]
        base: dict[str, Any] = {}
        for name, data, days in runs:
            result = place / "result.json"
            command = [sys.executable, "-P", __file__, str(chosen.bundle), "--one", name, str(data), str(result)]
            if (ended := subprocess.run(command, check=False)).returncode:
                print(f"{name}: ended with {ended.returncode}")
                continue
            found = json.loads(result.read_text())
            if name == "parts":
                took_s = sum(found.values())
                for part, cpu_s in found.items():
                    print(f"ours: {days:g} days: {part}: {cpu_s:.2f} s CPU, {cpu_s / took_s:.0%}")
                continue
            base = found if name == "ours" else base
            same = np.mean([a == b for a, b in zip(found["labels"], base["labels"], strict=True)])
            print(
                f"{name}: {days:g} days, {len(found['labels']):,} windows: {found['cpu_s']:.1f} s CPU "
                f"({found['cpu_s'] / base['cpu_s']:.2f} x ours), {found['memory_mb']:.0f} MB, {same:.4%} same labels",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
