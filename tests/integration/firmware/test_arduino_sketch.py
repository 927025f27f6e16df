"""The Arduino sketch, built with Debian's core, on a simulated Uno with a simulated MPU-6050."""

import contextlib
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.device.emulators import emulate
from edgehar.firmware_bridge.frames.fields import Ability
from edgehar.firmware_bridge.frames.framing import Frame, FrameParser, encode_frame
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.messages import FoundLabel, Hello, Log, Samples, Start, Stats, Stop, Who
from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.projects.boards import find_board
from edgehar.firmware_bridge.projects.project import write_project
from edgehar.firmware_bridge.projects.sensors import find_sensor
from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.models.bundle.manifest import DecoderSpec, PushSpec
from edgehar.models.decoder import Decoder
from edgehar.models.portable.blob import unpack_model
from edgehar.models.portable.integer_reference import forward
from edgehar.pipeline.compilers import Target, compile_bundle

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


def build_sketch(project: Path, folder: Path, sketch: Path | None = None) -> Path:
    """Build the library, a sketch (by default its example) and Arduino's core."""
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
    sketch = sketch or project / "examples" / "EdgeHAR" / "EdgeHAR.ino"
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
def library(bundle, need, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library for an Uno and an MPU-6050."""
    need("avr-gcc", "gcc")
    if not CORE.is_dir():
        pytest.skip("Arduino's AVR core is not installed (Debian package arduino-core-avr)")
    folder = tmp_path_factory.mktemp("arduino") / "EdgeHAR"
    write_project(bundle, find_board("arduino"), folder, quantization="int8", sensor=find_sensor("mpu6050"))
    return folder


@pytest.fixture(scope="module")
def sketch(library: Path) -> Path:
    """The library's example, built."""
    return build_sketch(library, library.parent / "build")


def listen(url: str, seconds: float, *, start: bool = True) -> list:
    """Greet the board, start its stream unless told not to, stop it, and return all it said until then."""
    parser, heard = FrameParser(), []
    end_s, started, stopped = time.monotonic() + seconds, not start, False
    with contextlib.closing(open_transport(url)) as line:
        line.write(encode_frame(Who().pack(), after_silence=True))
        while time.monotonic() < end_s + 60 and not (stopped and any(isinstance(message, Stats) for message in heard)):
            for event in parser.feed(line.read(timeout_s=0.1), time.monotonic()):
                if not heard and not isinstance(event, Frame):
                    # The board speaks when it starts: the line may be joined in the middle of a frame.
                    continue
                assert isinstance(event, Frame)
                heard.append(decode_message(event.body))
            if not started and any(isinstance(message, Hello) for message in heard):
                line.write(encode_frame(Start().pack()))
                started = True
            if not stopped and time.monotonic() > end_s:
                line.write(encode_frame(Stop().pack()))
                stopped = True
    # What it says when it has stopped is not of the stream.
    return heard[: next(at for at, message in enumerate(heard) if isinstance(message, Stats)) + 1]


def expected_labels(bundle, counts: np.ndarray, starts: Iterable[int]) -> list[tuple[str, int]]:
    """Return label and percent that the integer reference finds in windows of counts of an MPU-6050."""
    model, found = unpack_model(bundle.files["model.int8.harc"]), []
    for start in starts:
        window = counts[start : start + model.window].astype(np.int64)
        samples = np.sign(window) * ((np.abs(window) * 2048 + 2048) // 4096)
        probabilities = forward(model, samples[np.newaxis].astype(np.int16))[0]
        label = bundle.manifest.labels[probabilities.argmax()]
        found.append((label, int(100.0 * probabilities.max() / 32768)))
    return found


def named(bundle, found: FoundLabel) -> tuple[str, int]:
    """Return label and percent of what a board has found."""
    assert found.label is not None
    return bundle.manifest.labels[found.label], int(100.0 * found.probability / 32768)


def movement() -> np.ndarray:
    """Return 20 s of counts whose third axis says which sample it is."""
    time_s = np.arange(2000) / 100
    ramp = np.arange(2000) * 16 - 16000
    return np.stack([4096 + 0 * ramp, 3000 * np.sin(2 * np.pi * 1.7 * time_s), ramp], axis=1).astype(np.int16)


def first_sample(frames: list[Samples]) -> int:
    """Return which sample of the movement is number 0 of the board."""
    return (int(frames[0].counts[0, 2]) + 16000) // 16 - frames[0].sequence


def test_an_uno_streams_and_classifies_what_its_sensor_measures(sketch: Path, bundle) -> None:
    counts = movement()
    with emulate("atmega328p", sketch, samples=counts) as board:
        heard = listen(board.url, 8.0)
    hello = next(message for message in heard if isinstance(message, Hello))
    assert (hello.sensor, hello.counts_per_unit, hello.rate_mhz) == ("MPU-6050", 4096.0, 100_000)
    frames = [message for message in heard if isinstance(message, Samples)]
    assert len(frames) > 20
    shift = first_sample(frames)
    for frame in frames:
        at = frame.sequence + shift
        np.testing.assert_array_equal(frame.counts, counts[at : at + frame.count])
        assert frame.dropped == 0
    assert isinstance(heard[-1], Stats)
    assert heard[-1].sequence == frames[-1].sequence + frames[-1].count

    # The labels it found by itself are those of the integer reference for the same samples.
    said = [message for message in heard if isinstance(message, FoundLabel)]
    assert len(said) >= 2
    assert not any(isinstance(message, Log) for message in heard)
    expected = expected_labels(bundle, counts, range(shift, shift + 200 * len(said), 200))
    assert [named(bundle, message) for message in said] == expected
    assert [message.sequence for message in said] == list(range(200, 200 * len(said) + 1, 200))


OWN_SKETCH = """
#define HAR_HOP 30
#include <EdgeHAR.h>

static void found(const char *label, uint8_t percent)
{
    char text[40];
    snprintf(text, sizeof text, "<%s|%u>", label, percent);
    HAR.say(text);
}

void setup()
{
    HAR.onLabel(found);
    HAR.begin();
}

void loop()
{
    HAR.update();
}
"""


def test_a_hop_that_a_board_is_too_slow_for_does_not_compile(library: Path, tmp_path: Path) -> None:
    (tmp_path / "own.ino").write_text(OWN_SKETCH, encoding="utf-8")
    with pytest.raises(AssertionError, match="this board is too slow for so many windows at a time"):
        build_sketch(library, tmp_path / "build", tmp_path / "own.ino")


def test_a_sketch_of_ones_own_hears_the_labels_of_windows_that_overlap(
    library: Path, random_bundle, tmp_path: Path
) -> None:
    architecture = Architecture("small", 50, 3, (SimpleRNN("r", 8), Dense("o", 6, "softmax")))
    bundle = compile_bundle(random_bundle(architecture), [Target("c", "int8")])
    project, uno = tmp_path / "EdgeHAR", find_board("arduino")
    write_project(bundle, uno, project, quantization="int8", sensor=find_sensor("mpu6050"))
    (tmp_path / "own.ino").write_text(OWN_SKETCH, encoding="utf-8")
    program, counts = build_sketch(project, tmp_path / "build", tmp_path / "own.ino"), movement()
    with emulate("atmega328p", program, samples=counts) as board:
        heard = listen(board.url, 8.0)
    frames = [message for message in heard if isinstance(message, Samples)]
    said = [message for message in heard if isinstance(message, FoundLabel | Log)]
    by_hand = [message.text for message in said if isinstance(message, Log)]
    assert len(by_hand) >= 3
    shift = first_sample(frames)
    expected = expected_labels(bundle, counts, range(shift, shift + 30 * len(by_hand), 30))
    assert by_hand == [f"<{label}|{percent}>" for label, percent in expected]
    # The board's own label follows each call.
    labels = [named(bundle, message) for message in said[1::2]]
    assert labels == expected[: len(labels)]


def test_a_board_that_nobody_listens_to_says_its_labels_as_text(sketch: Path) -> None:
    with emulate("atmega328p", sketch, samples=movement()) as board:
        heard = listen(board.url, 8.0, start=False)
    said = [message.text for message in heard if isinstance(message, Log)]
    assert said
    assert all(text.endswith(" %") for text in said)
    assert not any(isinstance(message, FoundLabel | Samples) for message in heard)


@pytest.mark.parametrize("lag_ms", [0, 1000])
def test_a_board_decodes_as_python_does(lag_ms: int, library: Path, random_bundle, tmp_path: Path) -> None:
    architecture = Architecture("small", 50, 3, (SimpleRNN("r", 8), Dense("o", 6, "softmax")))
    bundle = compile_bundle(random_bundle(architecture), [Target("c", "int8")])
    labels, window = bundle.manifest.labels, bundle.manifest.window
    push = PushSpec(labels[0], labels[1], strong_g=0.02, moving_g=0.5)
    bundle = bundle.with_decoder(DecoderSpec(1, 0.25, 2, (), 0.9, 1.25, push))
    project = tmp_path / "EdgeHAR"
    write_project(bundle, find_board("arduino"), project, quantization="int8", sensor=find_sensor("mpu6050"))
    own = OWN_SKETCH.replace("#define HAR_HOP 30", f"#define HAR_HOP 30\n#define HAR_LAG_MS {lag_ms}")
    (tmp_path / "own.ino").write_text(own, encoding="utf-8")
    program, counts = build_sketch(project, tmp_path / "build", tmp_path / "own.ino"), movement()
    with emulate("atmega328p", program, samples=counts) as board:
        heard = listen(board.url, 9.0)
    frames = [message for message in heard if isinstance(message, Samples)]
    said = [message.text for message in heard if isinstance(message, Log) and message.text.startswith("<")]
    assert len(said) >= 4
    assert frames[-1].dropped == 0, "decoding leaves time for every sample"
    shift = first_sample(frames)
    model, decoder = (
        unpack_model(bundle.files["model.int8.harc"]),
        Decoder.of_model(bundle.manifest, hop=30, lag_s=lag_ms / 1000),
    )
    stream = counts[shift:].astype(np.int64)
    samples = (np.sign(stream) * ((np.abs(stream) * 2048 + 2048) // 4096)).astype(np.int16)
    directions, expected = decoder.watch(samples / 2048), []
    for start in range(0, len(samples) - window.length, 30):
        probabilities = forward(model, samples[np.newaxis, start : start + window.length])[0] / 32768
        expected += decoder.feed(probabilities, int(directions[start + window.length - 1]))
    for text, found in zip(said, expected, strict=False):
        label, _, percent = text[1:-1].rpartition("|")
        assert label == found.label
        assert abs(int(percent) - 100 * found.probability) < 1.01


@pytest.mark.parametrize("quantization", ["int8", "float32"])
@pytest.mark.parametrize(
    ("board", "core"),
    [
        ("nano33ble", ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")),
        ("rp2040", ("-mcpu=cortex-m0plus",)),
        ("teensy", ("-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard")),
    ],
)
def test_the_library_builds_for_boards_of_32_bits(
    board: str, core: tuple[str, ...], quantization: str, compiled, need, tmp_path: Path
) -> None:
    """With stand-ins for the Arduino core: every warning is an error, and the memory is what was foretold."""
    need("arm-none-eabi-gcc")
    bundle = compiled("lstm")
    push = PushSpec(bundle.manifest.labels[0], bundle.manifest.labels[1])
    bundle = bundle.with_decoder(DecoderSpec(1, 0.5, 2, (), 0.9, 1.25, push))
    project = write_project(
        bundle, find_board(board), tmp_path / "p", quantization=quantization, sensor=find_sensor("lsm6ds3")
    )
    assert "#define HAR_DECODES 1" in (tmp_path / "p" / "src" / "har_decoding.h").read_text(encoding="utf-8")
    sources, stubs = tmp_path / "p" / "src", Path(__file__).parent / "arduino_stubs"
    common = ["-mthumb", *core, "-Os", "-ffunction-sections", *STRICT, f"-I{stubs}", f"-I{sources}", "-DARDUINO=10819"]
    # Arduino compiles the assembler of a library on every board.
    make(["arm-none-eabi-gcc", *common, "-c", sources / "har_avr.S", "-o", tmp_path / "har_avr.o"])
    for file in sorted(sources.glob("*.c")):
        make(["arm-none-eabi-gcc", *common, "-std=c99", "-pedantic", "-c", file, "-o", tmp_path / f"{file.stem}.o"])
    sketch = tmp_path / "p" / "examples" / "EdgeHAR" / "EdgeHAR.ino"
    cpp = ("-std=gnu++11", "-fno-exceptions", "-fno-rtti", "-include", "Arduino.h", "-x", "c++")
    make(["arm-none-eabi-g++", *common, *cpp, "-c", sketch, "-o", tmp_path / "sketch.o"])
    objects = [str(path) for path in tmp_path.glob("*.o")]
    said = subprocess.run(["arm-none-eabi-size", "-t", *objects], capture_output=True, text=True, check=True).stdout
    text, data, bss = map(int, said.splitlines()[-1].split()[:3])
    known = find_board(board)
    assert text + data < project.needs.flash_bytes - known.code_bytes + 16_000
    assert data + bss < project.needs.ram_bytes - known.ram_overhead_bytes - known.stack_bytes + 1200


def test_the_sketch_fits_an_uno(sketch: Path) -> None:
    said = subprocess.run(["avr-size", sketch], capture_output=True, text=True, check=True).stdout
    text, data, bss = map(int, re.findall(r"^\s*(\d+)\s+(\d+)\s+(\d+)", said, re.MULTILINE)[0])
    assert text + data < ARDUINO_FLASH
    # Measured in simavr: the stack takes 236 bytes at most.
    assert data + bss < ARDUINO_RAM - 300


def test_a_missing_sensor_is_said(sketch: Path) -> None:
    with emulate("atmega328p", sketch) as board:
        line, parser, heard = open_transport(board.url), FrameParser(), []
        end_s = time.monotonic() + 60
        while time.monotonic() < end_s and not any(isinstance(message, Log) for message in heard):
            for event in parser.feed(line.read(timeout_s=0.1), time.monotonic()):
                if isinstance(event, Frame):
                    heard.append(decode_message(event.body))
        line.close()
    assert Log(4, "no sensor answers: check its wires and power") in heard


def test_an_idle_board_says_hello_unasked(sketch: Path) -> None:
    """After a STOP a host that writes nothing first must find it: every two seconds, and not in mid-stream."""
    with emulate("atmega328p", sketch, samples=movement()) as board:
        line, parser, hellos = open_transport(board.url), FrameParser(), []
        line.write(encode_frame(Who().pack(), after_silence=True))
        line.write(encode_frame(Stop().pack(), after_silence=True))
        end_s = time.monotonic() + 60
        while len(hellos) < 4 and time.monotonic() < end_s:
            for event in parser.feed(line.read(timeout_s=0.1), time.monotonic()):
                message = decode_message(event.body) if isinstance(event, Frame) else None
                hellos += [message] if isinstance(message, Hello) else []
        line.close()
    assert len(hellos) == 4
    assert len({hello.boot_id for hello in hellos}) == 1
    assert Ability.STREAMS not in hellos[-1].abilities
