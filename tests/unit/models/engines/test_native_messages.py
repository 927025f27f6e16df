"""What a native library writes to stderr: information is left out, everything else is passed on."""

import os

import pytest

from edgehar.models.engines.native_messages import without_information


def test_information_is_left_out_and_the_rest_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with without_information():
        os.write(2, b"INFO: Created a delegate.\nERROR: the model is broken\n")
        os.write(2, b"INFO: more\nunfinished")
    os.write(2, b" line\n")
    assert capfd.readouterr().err == "ERROR: the model is broken\nunfinished line\n"


def _refuse() -> None:
    """Say why, then raise."""
    os.write(2, b"why\n")
    raise ValueError("refused")


def test_stderr_is_given_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="refused"), without_information():
        _refuse()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "why\nafter\n"


def test_a_process_without_stderr_goes_on() -> None:
    kept = os.dup(2)
    os.close(2)
    try:
        with without_information():
            value = 1
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    assert value == 1
