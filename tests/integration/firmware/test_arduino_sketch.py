"""The Arduino sketch, built with Debian's core, on a simulated Uno with a simulated MPU-6050."""

import re
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.device.emulators import emulate
from edgehar.firmware_bridge.frames.framing import Frame, FrameParser, encode_frame
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.messages import Hello, Log, Samples, Start, Stats, Stop, Who
from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.projects.boards import find_board
from edgehar.firmware_bridge.projects.project import write_project
from edgehar.firmware_bridge.projects.sensors import find_sensor
from edgehar.models.portable.blob import unpack_model
from edgehar.models.portable.integer_reference import forward

CORE = Path("/usr/share/arduino/hardware/arduino/avr")
DEFINES = ("-DF_CPU=16000000L", "-DARDUINO=10819", "-DARDUINO_AVR_UNO", "-DARDUINO_ARCH_AVR", "-DDECIMAL_DIG=17")
COMMON = ("-mmcu=atmega328p", *DEFINES, "-Os", "-ffunction-sections", "-fdata-sections", "-flto")
CPP = ("-std=gnu++11", "-fno-exceptions", "-fno-threadsafe-statics")
STRICT = ("-Wall", "-Wextra", "-Werror")
ARDUINO_FLASH, ARDUINO_RAM = 32_256, 2048


def make(command: list) -> None:
    """Run a compiler."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def build_sketch(project: Path, folder: Path) -> Path:
    """Build the library, the sketch and Arduino's core."""
    folder.mkdir()
    wire = CORE / "libraries" / "Wire" / "src"
    places = (CORE / "cores" / "arduino", CORE / "variants" / "standard", wire, project / "src")
    common = [*COMMON, *(f"-I{place}" for place in places)]
    core_c = [*(CORE / "cores" / "arduino").glob("*.c"), *wire.glob("utility/*.c")]
    core_cpp = [*(CORE / "cores" / "arduino").glob("*.cpp"), *wire.glob("*.cpp")]
    for source in core_c:
        make(["avr-gcc", *common, "-std=gnu11", "-w", "-c", source, "-o", folder / f"{source.name}.o"])
    for source in core_cpp:
        make(["avr-g++", *common, *CPP, "-w", "-fpermissive", "-c", source, "-o", folder / f"{source.name}.o"])
    for source in (project / "src").glob("*.c"):
        make(["avr-gcc", *common, "-std=gnu11", *STRICT, "-c", source, "-o", folder / f"{source.name}.o"])
    for source in [*(project / "src").glob("*.S"), *(CORE / "cores" / "arduino").glob("*.S")]:
        make(["avr-gcc", *common, "-x", "assembler-with-cpp", "-c", source, "-o", folder / f"{source.name}.o"])
    sketch = project / "examples" / "EdgeHAR" / "EdgeHAR.ino"
    arduino = ("-include", "Arduino.h", "-x", "c++")
    make(["avr-g++", *common, *CPP, *STRICT, *arduino, "-c", sketch, "-o", folder / "sketch.o"])
    objects = sorted(folder.glob("*.o"))
    make(["avr-gcc", *COMMON, "-Wl,--gc-sections", *objects, "-lm", "-o", folder / "firmware.elf"])
    return folder / "firmware.elf"


@pytest.fixture(scope="module")
def bundle(compiled):
    """An untrained SimpleRNN."""
    return compiled("simple_rnn")


@pytest.fixture(scope="module")
def sketch(bundle, need, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sketch for an MPU-6050, built."""
    need("avr-gcc", "gcc")
    if not CORE.is_dir():
        pytest.skip("Arduino's AVR core is not installed (Debian package arduino-core-avr)")
    folder = tmp_path_factory.mktemp("arduino")
    write_project(bundle, find_board("arduino"), folder / "EdgeHAR", quantization="int8", sensor=find_sensor("mpu6050"))
    return build_sketch(folder / "EdgeHAR", folder / "build")


def listen(url: str, seconds: float) -> list:
    """Greet the board, start its stream, stop it, and return everything it said."""
    line, parser, heard = open_transport(url), FrameParser(), []
    end_s, started, stopped = time.monotonic() + seconds, False, False
    line.write(encode_frame(Who().pack(), after_silence=True))
    while time.monotonic() < end_s + 2 and not (stopped and isinstance(heard[-1], Stats)):
        for event in parser.feed(line.read(timeout_s=0.1), time.monotonic()):
            assert isinstance(event, Frame)
            heard.append(decode_message(event.body))
        if not started and any(isinstance(message, Hello) for message in heard):
            line.write(encode_frame(Start().pack()))
            started = True
        if not stopped and time.monotonic() > end_s:
            line.write(encode_frame(Stop().pack()))
            stopped = True
    line.close()
    return heard


def test_an_uno_streams_and_classifies_what_its_sensor_measures(sketch: Path, bundle) -> None:
    time_s = np.arange(2000) / 100
    ramp = np.arange(2000) * 16 - 16000
    counts = np.stack([4096 + 0 * ramp, 3000 * np.sin(2 * np.pi * 1.7 * time_s), ramp], axis=1).astype(np.int16)
    with emulate("atmega328p", sketch, samples=counts) as board:
        heard = listen(board.url, 5.0)
    hello = next(message for message in heard if isinstance(message, Hello))
    assert (hello.sensor, hello.counts_per_unit, hello.rate_mhz) == ("MPU-6050", 4096.0, 100_000)
    frames = [message for message in heard if isinstance(message, Samples)]
    assert len(frames) > 20
    shift = (int(frames[0].counts[0, 2]) + 16000) // 16 - frames[0].sequence
    for frame in frames:
        at = frame.sequence + shift
        np.testing.assert_array_equal(frame.counts, counts[at : at + frame.count])
        assert frame.dropped == 0
    assert isinstance(heard[-1], Stats)
    assert heard[-1].sequence == frames[-1].sequence + frames[-1].count

    # The labels it found by itself are those of the integer reference for the same samples.
    model = unpack_model(bundle.files["model.int8.harc"])
    said = [message.text for message in heard if isinstance(message, Log)]
    assert len(said) >= 2
    for number, text in enumerate(said):
        window = counts[shift + 200 * number : shift + 200 * (number + 1)].astype(np.int64)
        samples = np.sign(window) * ((np.abs(window) * 2048 + 2048) // 4096)
        probabilities = forward(model, samples[np.newaxis].astype(np.int16))[0]
        percent = int(100.0 * probabilities.max() / 32768)
        assert text == f"{bundle.manifest.labels[probabilities.argmax()]} {percent} %"


def test_the_sketch_fits_an_uno(sketch: Path) -> None:
    said = subprocess.run(["avr-size", sketch], capture_output=True, text=True, check=True).stdout
    text, data, bss = map(int, re.findall(r"^\s*(\d+)\s+(\d+)\s+(\d+)", said, re.MULTILINE)[0])
    assert text + data < ARDUINO_FLASH
    # Measured in simavr: the stack takes 236 bytes at most.
    assert data + bss < ARDUINO_RAM - 300


def test_a_missing_sensor_is_said(sketch: Path) -> None:
    with emulate("atmega328p", sketch) as board:
        line, parser, heard = open_transport(board.url), FrameParser(), []
        end_s = time.monotonic() + 20
        while time.monotonic() < end_s and not any(isinstance(message, Log) for message in heard):
            for event in parser.feed(line.read(timeout_s=0.1), time.monotonic()):
                if isinstance(event, Frame):
                    heard.append(decode_message(event.body))
        line.close()
    assert Log(4, "no sensor answers: check its wires and power") in heard
