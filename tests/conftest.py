"""What all tests share: signals that reach them, whole files for each process, models; and nothing is skipped in CI."""

import os
import signal
from collections.abc import Callable, Generator
from typing import Any

# The matrices of the tests are small: a second thread of the library that multiplies them would wait in a busy loop.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # isort: split

import hypothesis
import numpy as np
import pytest

from edgehar.models.architecture import Architecture, named_architecture
from edgehar.models.bundle import Bundle, make_bundle
from edgehar.models.bundle.manifest import DecoderSpec, Provenance, WindowSpec
from edgehar.models.contract import ACTIVITIES, CHANNELS, MOTION_CHANNELS, MOTION_UNIT
from edgehar.models.engines import missing_reason
from edgehar.models.normalization import Normalization

# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("edgehar", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("edgehar")


def pytest_configure() -> None:
    """Let interruptions reach the tests and the processes they start.

    A shell that starts the tests in the background lets them ignore SIGINT, ``nohup`` lets them ignore SIGHUP, and what
    is ignored stays ignored in every process started from here.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test in CI that would be skipped because a data set, a runtime or a program is missing."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a whole file in CI that would be skipped."""
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a failure of a skip where the environment variable CI is ``true``.

    A reason that begins with ``not for this machine`` says that nothing is missing: another processor, another system.
    """
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    if not reason.removeprefix("Skipped: ").startswith("not for this machine"):
        report.outcome = "failed"
        report.longrepr = f"CI=true: expected that nothing is missing, this would be skipped. {reason}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let processes that share the tests (``-n 2``) begin with the longest files: none then waits at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _turn_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process whole files, which share what they have made; and all browsers to one of them."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browsers" if _turn_of(nodeid) == 0 else super()._split_scope(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)


def _turn_of(nodeid: str) -> int:
    """Return when a test comes: those in browsers, those that start programs, conformance, units."""
    starts = ("tests/integration/web/", "tests/integration/", "tests/conformance/")
    if "in_a_browser" in nodeid.partition("::")[0]:
        return 0
    return next((turn for turn, start in enumerate(starts) if nodeid.startswith(start)), len(starts))


MakeWeights = Callable[..., dict[str, np.ndarray]]
MakeBundle = Callable[..., Bundle]


def _random_weights(architecture: Architecture, seed: int = 0, *, gain: float = 1.0) -> dict[str, np.ndarray]:
    """Return normal weights of deviation gain / sqrt(inputs): lively, and not chaotic at a gain of one."""
    generator = np.random.default_rng(seed)
    weights = {}
    for name, shape in architecture.weight_shapes().items():
        fan_in = np.prod(shape[:-1]) if len(shape) > 1 else 25
        weights[name] = generator.normal(scale=gain / np.sqrt(fan_in), size=shape).astype(np.float32)
    return weights


@pytest.fixture(scope="session")
def random_weights() -> MakeWeights:
    """A function that makes weights for an architecture: ``random_weights(architecture, seed, gain=...)``."""
    return _random_weights


@pytest.fixture(scope="session")
def random_bundle() -> MakeBundle:
    """A function that makes a bundle of an untrained model: ``random_bundle("lstm", seed)``."""

    def make(model: str | Architecture, seed: int = 0, *, gain: float = 1.0) -> Bundle:
        architecture = named_architecture(model) if isinstance(model, str) else model
        turns = architecture.channels == len(MOTION_CHANNELS)
        channels = (MOTION_CHANNELS, MOTION_UNIT) if turns else (CHANNELS, "g")
        mean, deviation = ((0.4, -0.1, 0.1, 5.0, -3.0, 1.0), (0.6, 0.4, 0.5, 80.0, 90.0, 70.0))
        normalization = Normalization(mean[: len(channels[0])], deviation[: len(channels[0])])
        labels = (*ACTIVITIES, *(f"Activity {number}" for number in range(len(ACTIVITIES), architecture.classes)))
        return make_bundle(
            architecture=architecture,
            labels=labels[: architecture.classes],
            window=WindowSpec(architecture.window, 100, 100.0, *channels, "sensor", "front right hip"),
            normalization=normalization,
            weights=_random_weights(architecture, seed, gain=gain),
            decoder=DecoderSpec(smoothing_windows=1, reject_below=0.0, minimum_dwell_windows=1),
            provenance=Provenance(
                dataset="random weights",
                dataset_sha256="",
                dataset_terms="",
                seed=seed,
                complete=True,
                created_utc="2026-01-01T00:00:00Z",
                versions={},
                configuration={},
            ),
        )

    return make


@pytest.fixture(scope="session")
def need_engine() -> Callable[[str], None]:
    """``need_engine(name)``: skip the test where the engine cannot run."""

    def need(name: str) -> None:
        if (reason := missing_reason(name)) is not None:
            pytest.skip(reason)

    return need
