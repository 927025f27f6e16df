"""`har classify` with real processes: a scheduler, workers, an object store; killed, stopped, refused, full."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client

from edgehar.api.compilation import compile as compile_bundle
from edgehar.models.bundle import Bundle
from edgehar.pipeline.bulk.cluster import opened_cluster
from edgehar.pipeline.bulk.synthetic_weeks import write_week

HAR = [sys.executable, "-m", "edgehar"]


@pytest.fixture(scope="module")
def model(
    tmp_path_factory: pytest.TempPathFactory, random_bundle: Callable[..., Bundle], need_engine: Callable[[str], None]
) -> Path:
    """A bundle on the disk."""
    need_engine("native")
    place = tmp_path_factory.mktemp("model") / "lstm"
    compile_bundle(random_bundle("lstm", 3), formats=["c"], quantizations=["float32"]).save(place, plots={})
    return place


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings of different lengths."""
    folder = tmp_path_factory.mktemp("archive")
    for seed, days in enumerate((0.5, 0.25, 0.1)):
        write_week(folder / f"{seed}.parquet", days=days, seed=seed, subject=str(seed))
    return folder


@pytest.fixture(scope="module")
def large_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many recordings that, on a fast machine too, most are left when the first is done."""
    folder = tmp_path_factory.mktemp("large")
    for seed in range(16):
        write_week(folder / f"{seed}.parquet", days=0.1, seed=seed, subject=str(seed))
    return folder


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(*command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of its own, and end it by its id."""
    running = subprocess.Popen(
        [*command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@contextlib.contextmanager
def scheduler() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run `dask scheduler`."""
    port = free_port()
    arguments = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    with process(sys.executable, "-m", "distributed.cli.dask_scheduler", *arguments) as running:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"tcp://127.0.0.1:{port}", running


def worker(address: str, *options: str) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """Run `dask worker`, without a nanny that would start it again."""
    arguments = (address, "--nthreads", "1", "--no-nanny", "--no-dashboard", *options)
    return process(sys.executable, "-m", "distributed.cli.dask_worker", *arguments)


def classify(model: Path, out: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run `har classify` to its end."""
    return subprocess.run(
        [*HAR, "classify", str(model), *arguments, "--out", str(out)],
        capture_output=True, text=True, timeout=240, check=False, **options,
    )  # fmt: skip


def contents(out: Path) -> dict[str, bytes]:
    """Return the labels of a folder, byte by byte."""
    return {path.name: path.read_bytes() for path in finished(out)}


def finished(out: Path) -> list[Path]:
    """The files of labels that are whole: one that is being written has a name with a dot before it."""
    return [path for path in (out / "labels").glob("*.parquet") if not path.name.startswith(".")]


def tables(out: Path) -> dict[str, pa.Table]:
    """Return the labels of a folder by recording, without what says where the file was."""
    found = [pq.read_table(path).replace_schema_metadata(None) for path in (out / "labels").glob("*.parquet")]
    return {table["recording"][0].as_py(): table for table in found}


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_workers_of_this_machine_keep_the_memory_that_they_will_need_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    with opened_cluster(None, 2) as cluster:
        cluster.submit("setting", os.environ.get, "MALLOC_TRIM_THRESHOLD_", "glibc's own")
        assert cluster.wait().value == "glibc's own"


def test_one_two_and_three_workers_write_the_same_bytes_and_a_killed_one_loses_nothing(
    model: Path, archive: Path, tmp_path: Path
) -> None:
    assert classify(model, tmp_path / "alone", str(archive), "--workers", "1").returncode == 0
    assert classify(model, tmp_path / "local", str(archive), "--workers", "2").returncode == 0
    with (
        scheduler() as (address, _),
        worker(address),
        worker(address),
        worker(address, "--name", "third") as third,
        Client(address) as client,
    ):
        client.wait_for_workers(3, timeout=120)
        third_address = next(at for at, it in client.scheduler_info()["workers"].items() if it["name"] == "third")
        third.send_signal(signal.SIGSTOP)  # What it is given stays with it.
        running = subprocess.Popen(
            [*HAR, "classify", str(model), str(archive), "--out", str(tmp_path / "killed"), "--scheduler", address],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        wait_for(lambda: bool(client.processing()[third_address]))
        third.kill()
        _, errors = running.communicate(timeout=240)
    assert running.returncode == 0, errors
    assert contents(tmp_path / "alone") == contents(tmp_path / "local") == contents(tmp_path / "killed")
    assert len(contents(tmp_path / "alone")) == 3


def test_a_scheduler_that_goes_away_is_one_sentence_and_what_is_done_is_kept(
    model: Path, large_archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with scheduler() as (address, running), worker(address):
        command = [*HAR, "classify", str(model), str(large_archive), "--out", str(out), "--scheduler", address]
        client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: bool(finished(out)))
        running.kill()
        _, errors = client.communicate(timeout=120)
    assert client.returncode == 1
    assert errors.strip().splitlines()[-1].startswith("har: tcp://127.0.0.1")
    assert "went away" in errors
    assert "Traceback" not in errors
    before = contents(out)
    assert 1 <= len(before) < 16
    again = json.loads(classify(model, out, str(large_archive), "--workers", "1", "--json").stdout)
    assert (again["done"], again["skipped"]) == (16 - len(before), len(before))
    assert before.items() <= contents(out).items()


def test_no_scheduler_and_no_worker_are_one_sentence(model: Path, archive: Path, tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    nobody = classify(model, tmp_path / "a", str(archive), "--scheduler", address)
    assert nobody.returncode == 1
    assert "expected a Dask scheduler" in nobody.stderr
    assert "Traceback" not in nobody.stderr
    both = classify(model, tmp_path / "b", str(archive), "--scheduler", "tcp://127.0.0.1:1", "--workers", "2")
    assert both.returncode == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_quickly_and_goes_on_later(
    model: Path, large_archive: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    command = [*HAR, "classify", str(model), str(large_archive), "--out", str(out), "--workers", "2"]
    client = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_for(lambda: bool(finished(out)))
    # As a terminal does: the whole group is told, workers too.
    os.killpg(client.pid, number) if number == signal.SIGINT else client.send_signal(number)
    _, errors = client.communicate(timeout=60)
    assert client.returncode == 130, errors
    assert "Traceback" not in errors
    assert not [path for path in (out / "labels").iterdir() if path.suffix == ".parquet" and path.name.startswith(".")]
    before = contents(out)
    assert 1 <= len(before) < 16
    assert classify(model, out, str(large_archive), "--workers", "2").returncode == 0
    assert before.items() <= contents(out).items()
    assert len(contents(out)) == 16


def test_a_full_disk_is_one_sentence(model: Path, tmp_path: Path) -> None:
    path = write_week(tmp_path / "a.parquet", days=0.2)

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    first = classify(model, tmp_path / "warm", str(path), "--workers", "1")
    assert first.returncode == 0, first.stderr
    found = classify(model, tmp_path / "out", str(path), "--workers", "1", preexec_fn=small_files)
    assert found.returncode == 1
    assert "expected room for the labels, but file too large" in found.stderr
    assert "Traceback" not in found.stderr
    assert contents(tmp_path / "out") == {}
    assert classify(model, tmp_path / "out", str(path), "--workers", "1").returncode == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "warm")


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """An object store on loopback, that checks who asks once it was told to."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_an_object_store_gives_the_same_labels(
    model: Path, archive: Path, tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": store}
    known |= {"AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    upload = (
        "import s3fs, sys, pathlib; s = s3fs.S3FileSystem(); s.mkdir('weeks')\n"
        "for p in pathlib.Path(sys.argv[1]).glob('*.parquet'): s.put(str(p), f'weeks/cohort/{p.name}')"
    )
    subprocess.run([sys.executable, "-c", upload, str(archive)], check=True, env={**os.environ, **known})
    there = classify(model, tmp_path / "there", "s3://weeks/cohort/[12].parquet", "--json")
    assert there.returncode == 0, there.stderr
    assert json.loads(there.stdout)["done"] == 2
    again = json.loads(classify(model, tmp_path / "there", "s3://weeks/cohort", "--json").stdout)
    assert (again["done"], again["skipped"]) == (1, 2)
    assert classify(model, tmp_path / "here", str(archive)).returncode == 0
    remote, local = tables(tmp_path / "there"), tables(tmp_path / "here")
    assert len(remote) == 3
    assert remote.keys() == local.keys()
    assert all(remote[name].equals(local[name]) for name in remote)


def test_refused_credentials_and_a_bucket_that_is_not_there_are_one_sentence(
    model: Path, tmp_path: Path, store: str
) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": store}
    none = classify(model, tmp_path / "a", "s3://weeks/cohort", env=environment)
    environment |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    lost = classify(model, tmp_path / "b", "s3://nowhere/cohort", env=environment)
    for found in (none, lost):
        assert found.returncode == 1, found.stdout
        assert "Traceback" not in found.stderr
        assert found.stderr.strip().startswith("har: s3://")
    assert "credentials" in none.stderr
