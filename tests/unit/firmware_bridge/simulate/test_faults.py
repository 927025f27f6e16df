"""Injected damage is seeded and counted, and the truth about it is what a reader reports."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from edgehar.firmware_bridge.simulate.faults import FaultInjector, Faults, Truth, WireTruth, parse_faults
from edgehar.models.errors import UsageError

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def soak_wire() -> ModuleType:
    """The soak script, as a module."""
    spec = importlib.util.spec_from_file_location("soak_wire", ROOT / "tools" / "soak_wire.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["soak_wire"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [1, 2])
def test_reported_loss_is_injected_loss_exactly(soak_wire: ModuleType, seed: int) -> None:
    result = soak_wire.soak(45_000, seed)
    assert result["reported"] == {name: result["truth"][name] for name in result["reported"]}
    assert result["damaged_accepted"] == result["whole_not_delivered"] == 0
    assert all(count > 0 for count in result["injected"].values())
    assert result["truth"]["restarts"] == 2
    assert result["truth"]["used"] + result["truth"]["lost"] + result["truth"]["unknowable"] == 450_000


def test_a_wrong_reader_is_caught(soak_wire: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its checksum the reader takes damaged frames, and the soak says so."""
    monkeypatch.setattr("edgehar.firmware_bridge.frames.framing.zlib.crc32", lambda data: 0)

    class Blind(int):
        @staticmethod
        def from_bytes(data: bytes, order: str) -> int:
            return 0

    monkeypatch.setattr("edgehar.firmware_bridge.frames.framing.int", Blind, raising=False)
    result = soak_wire.soak(3000, 1)
    assert result["damaged_accepted"] > 10
    assert not result["exact"]


@pytest.mark.parametrize(
    ("faults", "through"),
    [
        (Faults(), b"abcd"),
        (Faults(lose=1), b""),
        (Faults(repeat=1), b"abcdabcd"),
        (Faults(swap=1), b""),
    ],
)
def test_certain_faults_do_what_they_say(faults: Faults, through: bytes) -> None:
    assert FaultInjector(faults, seed=0).through(b"abcd") == through


def test_bytes_are_lost_doubled_and_flipped_one_at_a_time() -> None:
    cut, stutter, flip = (FaultInjector(Faults(**{name: 1}), seed=3) for name in ("cut", "stutter", "flip"))
    assert len(cut.through(b"abcd")) == 3
    assert len(stutter.through(b"abcd")) == 5
    flipped = flip.through(bytes(4))
    assert sum(byte.bit_count() for byte in flipped) == 1
    assert (cut.injected.cut, stutter.injected.stutter, flip.injected.flip) == (1, 1, 1)


def test_the_same_seed_does_the_same() -> None:
    faults = Faults(lose=0.1, cut=0.1, flip=0.3, stutter=0.1, repeat=0.1, swap=0.1)
    lines = [FaultInjector(faults, seed=seed) for seed in (5, 5, 6)]
    out = [[line.through(bytes(range(20))) for _ in range(200)] for line in lines]
    assert out[0] == out[1] != out[2]


def test_swapped_transmissions_change_places() -> None:
    line = FaultInjector(Faults(swap=1), seed=0)
    assert [line.through(b"a"), line.through(b"b"), line.through(b"c"), line.flush()] == [b"", b"ba", b"", b"c"]


def test_the_truth_of_a_short_story() -> None:
    account = WireTruth()
    for number in range(5):
        account.sent(None if number == 1 else b"frame%d\0" % number, boot_id=1, count=10)
    account.sent(b"next\0", boot_id=2, count=10)
    account.arrived(b"fra")
    account.arrived(b"me0\0frame2\0frame2\0damaged\0next\0frame3\0")
    assert account.finish() == Truth(
        sent=60, used=30, lost=10, dropped=10, unknowable=20, late=10, repeated=10, restarts=1
    )


@pytest.mark.parametrize("text", ["flip", "flip=2", "flip=x", "explode=0.1", "=0.1", "flip=-1", "flip=nan"])
def test_faults_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a fault as NAME=PROBABILITY"):
        parse_faults([text])


def test_faults_are_read() -> None:
    assert parse_faults(["flip=0.25", "lose=1"]) == Faults(flip=0.25, lose=1.0)
    assert not Faults()
    assert Faults(flip=0.1)
