"""Where tasks run: in this process, on a Dask cluster of this machine, or on one at an address.

A task that a lost worker had is repeated by another one; nothing is written by workers, so nothing is half done.
"""

import contextlib
import logging
import os
import queue
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import resource_tracker
from typing import Any, Final, Protocol

from edgehar.models.errors import HarError, UsageError
from edgehar.models.foreign_text import printable

CONNECT_S: Final = 20
GONE_S: Final = 15
"""How long a scheduler may be away before it is given up."""
_POLL_S: Final = 0.5
_CLOSE_S: Final = 30
_SILENT: Final = logging.CRITICAL + 1
_BYTES_A_WORKER: Final = 2**25
_LOCAL_SETTINGS: Final = {
    # Dask has glibc give memory back at once: what each block touches anew then costs a tenth of the whole time. Blocks
    # are of a bounded size here.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
    # It would look at every thread a hundred times a second.
    "distributed.worker.profile.enabled": False,
    # And at itself and its memory so often that a busy machine has some per cent less to compute with.
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "2s",
    "distributed.worker.memory.monitor-interval": "500ms",
}
"""What a cluster of this machine has otherwise than Dask by default."""


class ClusterError(HarError):
    """A cluster cannot be reached, or went away."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task: a value, or why there is none."""

    name: str
    value: Any = None
    error: BaseException | None = None


class Cluster(Protocol):
    """Runs functions; arguments may be what `submit` returned."""

    workers: int
    """How many tasks run at a time."""

    dashboard: str | None
    """Where to watch them, if anywhere."""

    def submit(self, name: str, work: Callable[..., Any], *arguments: Any, fetch: bool = True) -> Any:
        """Begin a task; without ``fetch`` its value stays where it is, for the tasks that need it."""

    def wait(self) -> Outcome:
        """Return the next task that has ended."""

    def forget(self, tasks: list[Any]) -> None:
        """Let go of results that are needed no more."""


@dataclass(slots=True, eq=False)
class _Task:
    """A task of this process."""

    name: str
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    outcome: Outcome | None = None

    def run(self) -> Outcome:
        """Run it, unless one that it needs has failed."""
        needed = [item.outcome for item in self.arguments if isinstance(item, _Task) and item.outcome is not None]
        error = next((outcome.error for outcome in needed if outcome.error is not None), None)
        if error is None:
            values = [
                item.outcome.value if isinstance(item, _Task) and item.outcome is not None else item
                for item in self.arguments
            ]
            try:
                self.outcome = Outcome(self.name, self.work(*values))
            except Exception as raised:
                self.outcome = Outcome(self.name, error=raised)
        else:
            self.outcome = Outcome(self.name, error=error)
        return self.outcome


class InProcess:
    """Run one task after the other in this process; nothing of Dask is needed."""

    def __init__(self) -> None:
        self.workers = 1
        self.dashboard: str | None = None
        self._waiting: deque[_Task] = deque()

    def submit(self, name: str, work: Callable[..., Any], *arguments: Any, fetch: bool = True) -> Any:
        """Put a task behind the others."""
        task = _Task(name, work, arguments)
        self._waiting.append(task)
        return task

    def wait(self) -> Outcome:
        """Run the oldest task."""
        return self._waiting.popleft().run()

    def forget(self, tasks: list[Any]) -> None:
        """Let go of results."""
        for task in tasks:
            task.outcome, task.arguments = None, ()


class DaskCluster:
    """Run tasks on a Dask cluster.

    Parameters
    ----------
    client
        A connected `distributed.Client`.
    address
        Of its scheduler, for messages.
    """

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._ended: queue.SimpleQueue[tuple[str, Any, bool]] = queue.SimpleQueue()
        self._away_since: float | None = None
        self.workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        self.dashboard = client.dashboard_link if find_spec("bokeh") else None

    def submit(self, name: str, work: Callable[..., Any], *arguments: Any, fetch: bool = True) -> Any:
        """Begin a task."""
        if self._client.status == "closed":
            raise self._gone()
        future = self._client.submit(work, *arguments, key=f"{name}-{os.urandom(4).hex()}", pure=False)
        future.add_done_callback(lambda ended: self._ended.put((name, ended, fetch)))
        return future

    def wait(self) -> Outcome:
        """Return the next task that has ended.

        Raises
        ------
        ClusterError
            When the scheduler, or every worker, is gone.
        """
        while True:
            try:
                name, future, fetch = self._ended.get(timeout=_POLL_S)
            except queue.Empty:
                self._check()
                continue
            if future.status == "finished" and not fetch:
                return Outcome(name)
            return self._outcome(name, future)

    def forget(self, tasks: list[Any]) -> None:
        """Let go of results."""
        for task in tasks:
            task.release()

    def _outcome(self, name: str, future: Any) -> Outcome:
        """Fetch what came of a task."""
        from distributed import KilledWorker

        if future.status not in ("finished", "error"):
            raise self._gone()
        while True:
            try:
                return Outcome(name, future.result(timeout=GONE_S))
            except KilledWorker as error:
                return Outcome(name, error=_killed(error))
            except (TimeoutError, OSError) as error:
                if future.status == "error":
                    return Outcome(name, error=error)
                self._check()
            except Exception as error:
                if future.status != "error":
                    raise self._gone() from error
                return Outcome(name, error=error)

    def _check(self) -> None:
        """Raise if the scheduler has been away for too long, or has no worker."""
        has_workers = self._client.status == "running" and bool(self._client.scheduler_info(n_workers=1)["workers"])
        if has_workers:
            self._away_since = None
            return
        if self._client.status == "closed":
            raise self._gone()
        self._away_since = self._away_since or time.monotonic()
        if time.monotonic() - self._away_since > GONE_S:
            raise self._gone()

    def _gone(self) -> ClusterError:
        """Return the error of a cluster that went away."""
        return ClusterError(
            f"{self._address}: expected a Dask scheduler with workers, but it went away; what is done is kept",
            next_step="Start it again and run the same command: it goes on where it stopped.",
        )


@contextlib.contextmanager
def opened_cluster(scheduler: str | None, workers: int | None, *, size: int = 2**40) -> Iterator[Cluster]:
    """Yield where tasks run.

    Parameters
    ----------
    scheduler
        Address of a Dask scheduler; None for this machine.
    workers
        Processes on this machine, one thread each; None for one a core, as far as there is work for them. With 1,
        everything runs in this process.
    size
        Bytes to read: a process takes longer to start than a few megabytes take to classify.

    Raises
    ------
    ClusterError
        When there is no scheduler at the address, or it has no workers.
    """
    if scheduler is None:
        count = workers or max(1, min(_cores(), size // _BYTES_A_WORKER))
        if count == 1:
            yield InProcess()
        else:
            _quiet()
            with _local_client(count) as client:
                yield DaskCluster(client, "the local cluster")
        return
    if workers is not None:
        raise UsageError(
            "--workers: expected it without --scheduler: the cluster has its own", next_step="Leave one of them out."
        )
    _quiet()
    with _remote_client(scheduler) as client:
        yield DaskCluster(client, printable(scheduler, 200))


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


@contextlib.contextmanager
def _local_client(count: int) -> Iterator[Any]:
    """Yield a client of a cluster of processes on this machine."""
    import dask
    from distributed import Client, LocalCluster

    with dask.config.set(_LOCAL_SETTINGS), _deaf_children():
        cluster = LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0" if find_spec("bokeh") else None,
            silence_logs=logging.CRITICAL,
        )
    client = Client(cluster, set_as_default=False)  # type: ignore[no-untyped-call]
    try:
        yield client
    finally:
        _close(client, timeout_s=_CLOSE_S)
        _close(cluster, timeout_s=_CLOSE_S)


@contextlib.contextmanager
def _deaf_children() -> Iterator[None]:
    """Let processes that are started not hear Ctrl-C, which a terminal sends to all: this one tells them to end.

    A blocked signal stays blocked in threads and processes begun meanwhile; one that comes meanwhile is kept for us.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # It is started with the first child, and unblocks the signal in the thread that starts it.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _close(what: Any, *, timeout_s: float) -> None:
    """Close a client or a cluster; what is no longer there needs no goodbye."""
    with contextlib.suppress(Exception):
        what.close(timeout=timeout_s)


@contextlib.contextmanager
def _remote_client(address: str) -> Iterator[Any]:
    """Yield a client of the scheduler at an address, when it has a worker."""
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"{printable(address, 200)}: expected a Dask scheduler, but {printable(str(error), 160)}",
            next_step="Start one with `dask scheduler`, and workers with `dask worker ADDRESS --nthreads 1`.",
        ) from error
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError as error:
        _close(client, timeout_s=1)
        raise ClusterError(
            f"{printable(address, 200)}: expected a worker, found none within {CONNECT_S} s",
            next_step=f"Start one with `dask worker {printable(address, 200)} --nthreads 1`.",
        ) from error
    try:
        yield client
    finally:
        _close(client, timeout_s=_CLOSE_S)


def _quiet() -> None:
    """Keep what Dask logs of lost connections from the terminal: what matters is said as one sentence."""
    import distributed  # noqa: F401, its import sets the levels that are changed here

    for name in ("distributed", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(_SILENT)
        for known in list(logging.root.manager.loggerDict):
            if known.startswith(f"{name}."):
                logging.getLogger(known).setLevel(_SILENT)


def _killed(error: Exception) -> ClusterError:
    """Return the error of a task that took several workers with it."""
    return ClusterError(
        "expected a worker to live through it, but several were killed by it "
        f"({printable(' '.join(str(error).split()), 120)})",
        next_step="Give workers more memory, or look into what they read.",
    )
