"""A short form of the fuzzing of all decoders; the long one is `tools/fuzz_decoders.py`."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.firmware_bridge.text.source import TextSource

ROOT = Path(__file__).resolve().parents[4]


def load() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("fuzz_decoders", ROOT / "tools" / "fuzz_decoders.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_decoders"] = module
    spec.loader.exec_module(module)
    return module


FUZZ = load()


def test_altered_golden_frames_break_no_decoder() -> None:
    assert FUZZ.plain(600, seed=4) > 600


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=1500))
def test_no_bytes_break_a_decoder(data: bytes) -> None:
    FUZZ.one_input(data)


@pytest.mark.parametrize("path", sorted((ROOT / "tests/golden/fuzz/wire").iterdir()), ids=lambda path: path.name)
def test_what_once_broke_a_decoder_does_not_again(path: Path) -> None:
    FUZZ.one_input(path.read_bytes())


def test_a_decoder_that_raises_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: TextSource, data: bytes, arrived_s: float) -> None:
        raise IndexError(data)

    monkeypatch.setattr(TextSource, "feed", broken)
    with pytest.raises(IndexError):
        FUZZ.one_input(b"\x20\x00anything")
