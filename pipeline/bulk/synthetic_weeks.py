"""Openly synthetic recordings of days and weeks, written batch by batch: for examples, measurements and tests.

A person walks, sits, runs and sleeps by a fixed timetable, and takes the sensor off for two hours a day. The motion is
sine waves and noise; it stands for the amount of data, not for people.
"""

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

START_S: Final = 1_400_000_400.0
"""13 May 2014, at one minute to five in the afternoon, UTC."""
_BATCH_ROWS: Final = 2**18
_PHASE_S: Final = 300.0
_STRENGTH_G: Final = np.array([0.02, 0.25, 0.03, 0.6, 0.25], np.float32)

Samples = npt.NDArray[np.float32]


def movement(first: int, stop: int, *, rate_hz: float = 100.0, seed: int = 0, off_hour: float = 3.0) -> Samples:
    """Return samples ``first`` to ``stop`` of a person, in g; what is asked for twice is the same.

    Parameters
    ----------
    first, stop
        Numbers of samples; ``first`` is a multiple of 2**18.
    rate_hz
        Samples per second.
    seed
        Of the person.
    off_hour
        At which hour of every 24 the sensor lies on a table, for two hours.

    Examples
    --------
    >>> movement(0, 3).shape
    (3, 3)
    """
    generator = np.random.default_rng([seed, first])
    times = np.arange(first, stop) / rate_hz
    strength = _STRENGTH_G[(times // _PHASE_S).astype(int) % len(_STRENGTH_G)]
    lies = (times / 3600 - off_hour) % 24 < 2
    strength = np.where(lies, np.float32(0.002), strength)[:, np.newaxis]
    step = np.where(lies, 0.0, np.sin(2 * np.pi * (1.6 + 0.1 * (seed % 5)) * times)).astype(np.float32)[:, np.newaxis]
    noise = generator.standard_normal((stop - first, 3), np.float32)
    gravity = np.array([0.97, 0.1, -0.2], np.float32)
    return np.asarray(gravity + strength * (step + np.float32(0.5) * noise), np.float32)


def write_week(
    path: Path, *, days: float = 7.0, rate_hz: float = 100.0, seed: int = 0, unit_per_g: float = 1.0, **metadata: str
) -> Path:
    """Write a recording as Parquet: columns time, x, y, z; about 125 MB a day at 100 Hz.

    Parameters
    ----------
    path
        Of the file.
    days
        How long it is.
    rate_hz
        Samples per second.
    seed
        Of the person.
    unit_per_g
        What is written for 1 g: 9.80665 writes m/s².
    **metadata
        What the file says of itself: ``subject``, ``unit``.
    """
    rows = round(days * 86_400 * rate_hz)
    fields = [("time", pa.timestamp("us")), ("x", pa.float32()), ("y", pa.float32()), ("z", pa.float32())]
    schema = pa.schema(fields, metadata=metadata or None)
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, rows, _BATCH_ROWS):
            stop = min(rows, first + _BATCH_ROWS)
            samples = movement(first, stop, rate_hz=rate_hz, seed=seed) * np.float32(unit_per_g)
            times = round(START_S * 1e6) + np.rint(np.arange(first, stop) * (1e6 / rate_hz)).astype(np.int64)
            columns = [
                pa.array(times, pa.timestamp("us")),
                *(np.ascontiguousarray(samples[:, axis]) for axis in range(3)),
            ]
            writer.write_table(pa.table(columns, schema=schema))
    return path


def write_capture24(folder: Path, *, people: int = 3, hours: float = 1.0) -> Path:
    """Write files of the layout of Capture-24: `P001.csv.gz` and so on, with times, x, y, z in g, and annotations.

    Parameters
    ----------
    folder
        Where.
    people
        How many files.
    hours
        How long each is; the real ones have about 24.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = round(hours * 3600 * 100)
    begin = np.datetime64(datetime.fromtimestamp(START_S, UTC).replace(tzinfo=None), "ms")
    for person in range(1, people + 1):
        with gzip.open(folder / f"P{person:03d}.csv.gz", "wt", encoding="utf-8", compresslevel=1) as stream:
            stream.write("time,x,y,z,annotation\n")
            for first in range(0, rows, _BATCH_ROWS):
                stop = min(rows, first + _BATCH_ROWS)
                times = np.datetime_as_string(begin + 10 * np.arange(first, stop)).tolist()
                samples = movement(first, stop, seed=person).tolist()
                stream.writelines(
                    f"{time.replace('T', ' ')}000,{x:.7f},{y:.7f},{z:.7f},7030 sleeping;MET 0.95\n"
                    for time, (x, y, z) in zip(times, samples, strict=True)
                )
    return folder
