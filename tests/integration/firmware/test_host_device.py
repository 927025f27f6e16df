"""The firmware's protocol on this machine, under sanitizers: against golden frames, damage, and whatever comes."""

import json
import random
import re
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.device.client import DeviceClient
from edgehar.firmware_bridge.device.engine import DeviceEngine
from edgehar.firmware_bridge.frames.fields import Ability, ErrorCode, Type
from edgehar.firmware_bridge.frames.framing import Frame, FrameParser, encode_frame
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.messages import Ack, Ask, DeviceError, Hello, Infer, Result, Start, Stats, Who
from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.models.bundle.golden import golden_windows
from edgehar.models.engines import load_engine
from edgehar.models.errors import BridgeError, EngineError
from edgehar.models.portable.fixed_point import to_samples
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import Target, compile_bundle

GOLDEN = Path(__file__).parents[2] / "golden" / "frames.json"
SANITIZED = "EXTRA=-g -fsanitize=address,undefined -fno-sanitize-recover=all"


@pytest.fixture(scope="module")
def program(compiled, build_firmware, need) -> Path:
    """The integer GRU as a program, with sanitizers."""
    need("gcc", "make")
    return build_firmware(compiled("gru"), "host", "int8", SANITIZED) / "firmware"


class Conversation:
    """Frames to a device and messages from it."""

    def __init__(self, line) -> None:
        self._line, self._parser = line, FrameParser()
        self.heard: list = []

    def say(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._line.write(data)

    def wait_until_taken(self) -> None:
        """Wait until the device has read all that was said."""
        self._line.wait_until_taken()

    def hear(self, timeout_s: float = 60.0):
        """Return the next message."""
        end_s = time.monotonic() + timeout_s
        while not self.heard and time.monotonic() < end_s:
            events = self._parser.feed(self._line.read(timeout_s=0.1), time.monotonic())
            assert all(isinstance(event, Frame) for event in events)
            self.heard += [decode_message(event.body) for event in events]
        return self.heard.pop(0) if self.heard else None

    def ask(self, message):
        """Send a message and return the answer."""
        self.say(encode_frame(message.pack()))
        return self.hear()


@pytest.fixture
def device(program: Path, start_program) -> Conversation:
    """A device that has said hello."""
    conversation = Conversation(start_program(program))
    assert isinstance(conversation.hear(), Hello)
    return conversation


def test_a_device_says_what_it_is(device: Conversation, compiled) -> None:
    bundle = compiled("gru")
    hello = device.ask(Who())
    artifact = bundle.manifest.artifact(format="c", quantization="int8")
    assert hello.abilities == Ability.INFERS
    assert (hello.window, hello.classes, hello.model) == (200, 12, bundle.manifest.model_id)
    assert hello.model_hash.hex() == artifact.sha256[:16]
    stats = device.ask(Ask())
    assert isinstance(stats, Stats)
    assert (stats.boot_id, stats.frames_received, stats.frames_damaged) == (hello.boot_id, 2, 0)


def test_windows_get_the_integer_references_probabilities(program: Path, start_program, compiled) -> None:
    bundle = compiled("gru")
    engine = DeviceEngine(bundle, start_program(program))
    expected = bundle.golden["model.int8.harc"]
    np.testing.assert_array_equal(engine.predict(bundle.golden["windows"]), expected)
    assert engine.frames_lost == 0
    assert len(engine.durations) == len(expected)
    assert (engine.name, engine.artifact, engine.quantization) == ("device", "model.int8.harc", "int8")


def test_float_firmware_is_close_to_the_oracle(compiled, build_firmware, start_program, need) -> None:
    need("gcc", "make")
    bundle = compiled("lstm")
    engine = DeviceEngine(bundle, start_program(build_firmware(bundle, "host", "float32") / "firmware"))
    windows = golden_windows(200, 3)[:6]
    assert Ability.FLOATS in engine.hello.abilities
    expected = forward(bundle.manifest.architecture, bundle.folded_weights, windows)
    np.testing.assert_allclose(engine.predict(windows), expected, atol=1e-5, rtol=0)


def test_another_model_is_refused_with_both_hashes(program: Path, start_program, compiled) -> None:
    gru, other = compiled("gru"), compiled("lstm")
    hashes = [it.manifest.artifact(format="c", quantization="int8").sha256[:16] for it in (other, gru)]
    with pytest.raises(
        EngineError, match=f"hash {hashes[0]}, the device runs {gru.manifest.model_id}, hash {hashes[1]}"
    ):
        DeviceEngine(other, start_program(program))


def chunk(window_id: int, first: int, samples: np.ndarray, numbers: int = 0) -> Infer:
    """Return a chunk of a window."""
    return Infer(window_id, numbers, first, samples.tobytes())


def test_chunks_are_taken_in_order_once(device: Conversation) -> None:
    samples = to_samples(golden_windows(200, 3)[1])
    first, second = samples[:40], samples[40:80]
    assert device.ask(chunk(7, 0, first)) == Ack(Type.INFER, 7, 40)
    assert device.ask(chunk(7, 0, first)) == Ack(Type.INFER, 7, 40)
    assert device.ask(chunk(7, 80, second)) == DeviceError(ErrorCode.OUT_OF_ORDER, Type.INFER, "")
    assert device.ask(chunk(8, 40, second)) == DeviceError(ErrorCode.OUT_OF_ORDER, Type.INFER, "")
    assert device.ask(chunk(7, 20, second)) == DeviceError(ErrorCode.OUT_OF_ORDER, Type.INFER, "")
    assert device.ask(chunk(7, 40, second)) == Ack(Type.INFER, 7, 80)
    for at in (80, 120):
        assert device.ask(chunk(7, at, samples[at : at + 40])).next == at + 40
    result = device.ask(chunk(7, 160, samples[160:]))
    assert isinstance(result, Result)
    assert device.ask(chunk(7, 160, samples[160:])).probabilities == result.probabilities
    assert device.ask(chunk(9, 0, first)) == Ack(Type.INFER, 9, 40)
    assert isinstance(device.ask(Who()), Hello)
    assert device.ask(chunk(9, 40, second)) == DeviceError(ErrorCode.OUT_OF_ORDER, Type.INFER, "")


@pytest.mark.parametrize(
    ("body", "code", "answers"),
    [
        (b"\x77", ErrorCode.UNKNOWN_TYPE, 0x77),
        (Start().pack(), ErrorCode.UNKNOWN_TYPE, Type.START),
        (b"\x81\x01", ErrorCode.BAD_LENGTH, Type.WHO),
        (b"\x84\x00", ErrorCode.BAD_LENGTH, Type.ASK),
        (b"\x90\x01\x00\x00\x00\x00", ErrorCode.BAD_LENGTH, Type.INFER),
        (b"\x90", ErrorCode.BAD_LENGTH, Type.INFER),
        (b"\x90\x01\x00\x00\x00\x00" + bytes(7), ErrorCode.BAD_LENGTH, Type.INFER),
        (b"\x90\x01\x00\x01\x00\x00" + bytes(12), ErrorCode.BAD_VALUE, Type.INFER),
        (b"\x90\x01\x00\x00\xc7\x00" + bytes(12), ErrorCode.BAD_VALUE, Type.INFER),
        (b"\x90\x01\x00\x00\xff\xff" + bytes(12), ErrorCode.BAD_VALUE, Type.INFER),
    ],
)
def test_what_makes_no_sense_is_refused(device: Conversation, body: bytes, code: int, answers: int) -> None:
    device.say(encode_frame(body))
    assert device.hear() == DeviceError(code, answers, "")


def test_golden_frames_are_whole_and_golden_damage_is_counted(device: Conversation) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    from_hosts = [frame for frame in golden["frames"] if int(frame["body"][:2], 16) >= 0x80]
    before = device.ask(Ask())
    for frame in from_hosts:
        device.say(bytes.fromhex(frame["line"]))
        assert device.hear() is not None, frame["name"]
    for damage in golden["damaged"]:
        device.say(b"\x00" + bytes.fromhex(damage["between_terminators"]) + b"\x00")
    after = device.ask(Ask())
    # A HELLO follows no LOAD here, and each whole frame was answered once: the count says that none was missed.
    assert after.frames_received - before.frames_received == len(from_hosts) + 1
    assert after.frames_damaged - before.frames_damaged == len(golden["damaged"])
    assert device.hear(timeout_s=0.2) is None


def test_a_pause_ends_a_frame_and_wedges_nothing(device: Conversation) -> None:
    frame = encode_frame(Ask().pack())
    device.say(b"\xfe\x01\x02")  # A code byte, damaged to promise 253 bytes that never come.
    device.wait_until_taken()
    time.sleep(0.2)  # The pause.
    device.say(frame)
    stats = device.hear()
    assert isinstance(stats, Stats)
    assert stats.frames_damaged == 1


def test_noise_of_any_kind_is_survived(device: Conversation) -> None:
    chaos = random.Random(17)
    whole = [encode_frame(message.pack()) for message in (Who(), Ask(), chunk(3, 0, np.zeros((4, 3), np.int16)))]
    for _ in range(1500):
        kind = chaos.randrange(4)
        if kind == 0:
            data = chaos.randbytes(chaos.randrange(1, 400))
        elif kind == 1:
            data = encode_frame(chaos.randbytes(chaos.randrange(1, 251)))
        else:
            frame = bytearray(chaos.choice(whole))
            if kind == 2:
                frame[chaos.randrange(len(frame))] ^= 1 << chaos.randrange(8)
            else:
                del frame[chaos.randrange(len(frame))]
            data = bytes(frame)
        device.say(data)
    last = chunk(200, 0, np.zeros((4, 3), np.int16))
    device.say(b"\x00" + encode_frame(last.pack()))
    while device.hear() != Ack(Type.INFER, 200, 4):
        pass
    hello = device.ask(Who())
    assert isinstance(hello, Hello)
    stats = device.ask(Ask())
    assert stats.frames_damaged > 500


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HAR_MODEL_CLASSES", 119, "RESULT needs a longer body for so many labels"),
        ("HAR_MODEL_CLASSES", 0, "RESULT needs a longer body for so many labels"),
        ("HAR_LONGEST_BODY", 251, "a frame holds no longer body"),
        ("HAR_LONGEST_BODY", 22, "HELLO and STATS need a longer body"),
        ("HAR_IDENTITY_BYTES", 251, "HELLO and STATS need a longer body"),
    ],
)
def test_what_would_be_written_beyond_a_body_does_not_compile(
    name: str, value: int, said: str, program: Path, tmp_path: Path
) -> None:
    sources = program.parent / "src"
    identity = (sources / "har_identity.h").read_text(encoding="utf-8")
    changed = re.sub(rf"(#define {name}) \d+", rf"\1 {value}", identity)
    assert changed != identity
    (tmp_path / "har_identity.h").write_text(changed, encoding="utf-8")
    (tmp_path / "har_device.c").write_bytes((sources / "har_device.c").read_bytes())
    (tmp_path / "har_device.h").write_bytes((sources / "har_device.h").read_bytes())
    command = ["gcc", "-std=c99", f"-I{tmp_path}", f"-I{sources}", "-fsyntax-only", str(tmp_path / "har_device.c")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize(("quantization", "labels"), [("float32", 59), ("int8", 118)])
def test_the_most_labels_fit_a_result(
    quantization: str, labels: int, random_bundle, build_firmware, start_program, need
) -> None:
    """Under sanitizers: the longest RESULT there is ends where the body ends."""
    need("gcc", "make")
    architecture = Architecture("labels", 5, 3, (SimpleRNN("r", 4), Dense("o", labels, "softmax")))
    bundle = compile_bundle(random_bundle(architecture), [Target("c", quantization)])
    folder = build_firmware(bundle, "host", quantization, SANITIZED)
    engine = DeviceEngine(bundle, start_program(folder / "firmware"))
    windows = np.random.default_rng(1).normal(size=(3, 5, 3)).astype(np.float32)
    expected = load_engine(bundle, "native", quantization).predict(windows)
    np.testing.assert_allclose(engine.predict(windows), expected, atol=1e-6, rtol=0)


class DamagingLine:
    """A line that drops, doubles and flips bytes of frames, by seed, both ways."""

    def __init__(self, line, seed: int, share: float) -> None:
        self.name = line.name
        self._line, self._chaos, self._share = line, random.Random(seed), share

    def read(self, *, timeout_s: float) -> bytes:
        """Return damaged bytes."""
        return self._damage(self._line.read(timeout_s=timeout_s))

    def write(self, data: bytes) -> None:
        """Send damaged bytes."""
        damaged = self._damage(data)
        if damaged:
            self._line.write(damaged)

    def close(self) -> None:
        """The line is closed by whoever opened it."""

    def _damage(self, data: bytes) -> bytes:
        """Damage a share of what passes."""
        if not data or self._chaos.random() > self._share:
            return data
        at, kind = self._chaos.randrange(len(data)), self._chaos.randrange(4)
        if kind == 0:
            return b""
        if kind == 1:
            return data + data
        if kind == 2:
            return data[:at] + bytes([data[at] ^ 1 << self._chaos.randrange(8)]) + data[at + 1 :]
        return data[:at] + data[at + 1 :]


def test_a_bad_line_costs_time_and_never_a_wrong_result(program: Path, start_program, compiled) -> None:
    bundle = compiled("gru")
    line = DamagingLine(start_program(program), seed=3, share=0.08)
    client = DeviceClient(line, answer_timeout_s=0.15)
    hello = client.greet()
    windows = bundle.golden["windows"]
    expected = bundle.golden["model.int8.harc"]
    for window, wanted in zip(to_samples(windows), expected, strict=True):
        result = client.classify(window, hello)
        np.testing.assert_array_equal(np.array(result.probabilities) / 32768, wanted)
    assert client.asked_again > 5


def test_a_line_without_a_device_is_said(start_program) -> None:
    client = DeviceClient(start_program(Path("/bin/cat")))
    with pytest.raises(BridgeError, match="expected a device to say hello, got"):
        client.greet()
