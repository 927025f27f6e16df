"""The real binaries on emulated chips: the integer engine's bits are the reference's on every one."""

from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.device.emulators import emulate
from edgehar.firmware_bridge.device.engine import DeviceEngine
from edgehar.firmware_bridge.frames.fields import DurationUnit
from edgehar.models.errors import BridgeError
from edgehar.models.reference import forward

WINDOWS = 4
ARM = ("arm-none-eabi-gcc", "make", "qemu-system-arm")
AVR = ("avr-gcc", "gcc", "make")
PERIOD = 7
"""Every so many golden windows one is classified: rest, gait, noise, saturation and silence among them."""


def run(folder: Path, machine: str, bundle, windows) -> tuple[np.ndarray, DeviceEngine, dict[str, int]]:
    """Classify windows on an emulated board."""
    with emulate(machine, folder / "firmware.elf") as board:
        engine = DeviceEngine(bundle, board.url)
        outputs = engine.predict(windows)
        engine.close()
    return outputs, engine, board.ended


@pytest.mark.parametrize(
    ("model", "board", "machine", "cpu"),
    [
        ("simple_rnn", "mps2-an386", "mps2-an386", "cortex-m4"),
        ("gru", "mps2-an386", "mps2-an386", "cortex-m4"),
        ("lstm", "mps2-an386", "mps2-an386", "cortex-m4"),
        ("lstm", "mps2-an386", "mps2-an385", "cortex-m3"),
        ("gru", "mps2-an386", "mps2-an385", "cortex-m0plus"),
        ("lstm", "netduinoplus2", "netduinoplus2", "cortex-m4"),
    ],
)
def test_cortex_m_gives_the_references_bits(
    model: str, board: str, machine: str, cpu: str, compiled, build_firmware, need
) -> None:
    need(*ARM)
    bundle = compiled(model)
    windows = bundle.golden["windows"][::PERIOD]
    folder = build_firmware(bundle, board, "int8", f"CPU={cpu}")
    outputs, engine, _ = run(folder, machine, bundle, windows)
    np.testing.assert_array_equal(outputs, bundle.golden["model.int8.harc"][::PERIOD])
    assert engine.frames_lost == 0
    assert {duration.unit for duration in engine.durations} == {DurationUnit.INSTRUCTIONS}


@pytest.mark.parametrize("model", ["simple_rnn", "lstm"])
def test_cortex_m4f_floats_are_close_to_the_oracle(model: str, compiled, build_firmware, need) -> None:
    need(*ARM)
    bundle = compiled(model)
    windows = bundle.golden["windows"][:WINDOWS]
    outputs, _, _ = run(build_firmware(bundle, "mps2-an386", "float32"), "mps2-an386", bundle, windows)
    expected = forward(bundle.manifest.architecture, bundle.folded_weights, windows)
    np.testing.assert_allclose(outputs, expected, atol=1e-5, rtol=0)


def test_atmega328p_gives_the_references_bits_in_its_budget(compiled, build_firmware, need) -> None:
    need(*AVR)
    bundle = compiled("simple_rnn")
    windows = bundle.golden["windows"][::PERIOD]
    folder = build_firmware(bundle, "atmega328p", "int8")
    outputs, engine, ended = run(folder, "atmega328p", bundle, windows)
    np.testing.assert_array_equal(outputs, bundle.golden["model.int8.harc"][::PERIOD])
    assert {duration.unit for duration in engine.durations} == {DurationUnit.CYCLES}
    # simavr counts cycles exactly: this is no measurement of this machine. A finish is 25,000 of them.
    assert max(duration.count for duration in engine.durations) < 200 * 80_000 + 30_000
    assert ended["stack"] < 192


def test_gates_on_an_avr_give_the_references_bits(compiled, build_firmware, need) -> None:
    need(*AVR)
    for model in ("gru", "lstm"):
        bundle = compiled(model)
        outputs, _, _ = run(
            build_firmware(bundle, "atmega328p", "int8"), "atmega328p", bundle, bundle.golden["windows"][1:2]
        )
        np.testing.assert_array_equal(outputs, bundle.golden["model.int8.harc"][1:2])


def test_what_is_no_firmware_is_said(tmp_path: Path, need) -> None:
    need("qemu-system-arm")
    with (
        pytest.raises(BridgeError, match="expected firmware to run, found nothing"),
        emulate("mps2-an386", tmp_path / "x"),
    ):
        pass
    with (
        pytest.raises(BridgeError, match="expected the emulator to listen"),
        emulate("no-such-machine", Path(__file__)),
    ):
        pass
