"""Programs that do one thing: what they wrote comes back, and how they ended is said in one way."""

import os
import signal
import sys

import pytest

from edgehar.models.isolation import how_it_ended, run_to_end


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_output_complaints_and_success() -> None:
    code = "import sys; print(sys.stdin.read().upper()); print('hm', file=sys.stderr)"
    done = run_to_end(python(code), timeout_s=60, given="word")
    assert (done.output.strip(), done.complaints.strip(), done.failure) == ("WORD", "hm", None)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; print('first\\n why ', file=sys.stderr); sys.exit(3)", "ended with code 3 (why)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV (Segmentation fault)"),
    ],
)
def test_a_bad_end_is_said(code: str, said: str) -> None:
    failure = run_to_end(python(code), timeout_s=60).failure
    assert failure is not None
    assert failure.message == said


def test_what_was_written_before_time_was_over_is_kept() -> None:
    code = "import time; print('half', flush=True); time.sleep(60)"
    done = run_to_end(python(code), timeout_s=3)
    assert done.output == "half\n"
    assert done.failure is not None
    assert done.failure.message == "gave no answer within 3 s"


def test_a_program_that_is_not_there() -> None:
    failure = run_to_end(["/no/such/program"], timeout_s=1).failure
    assert failure is not None
    assert failure.message == "could not be started (No such file or directory)"


def test_the_environment_is_changed_for_the_program_alone() -> None:
    done = run_to_end(python("import os; print(os.environ['EXTRA'])"), timeout_s=60, environment={"EXTRA": "there"})
    assert done.output == "there\n"
    assert "EXTRA" not in os.environ


def test_unknown_signals_and_long_complaints() -> None:
    assert how_it_ended(-200).message == "was ended by signal 200"
    assert how_it_ended(-signal.SIGKILL).details == {"signal": 9}
    assert len(how_it_ended(1, "x" * 10_000).message) < 250
