"""Firmware projects: what is written, and what is refused before anything is."""

import contextlib
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.firmware_bridge.frames.fields import Ability, Numbers
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.messages import Result
from edgehar.firmware_bridge.projects.boards import BOARDS, find_board, with_sizes
from edgehar.firmware_bridge.projects.description import make_hello
from edgehar.firmware_bridge.projects.elf import ProgramSize, program_size
from edgehar.firmware_bridge.projects.project import write_project
from edgehar.firmware_bridge.projects.sensors import SENSORS, find_sensor
from edgehar.firmware_bridge.projects.sizes import most_labels, needs_of, require_fit, too_slow
from edgehar.models.architecture import (
    ARCHITECTURE_NAMES,
    GRU,
    LSTM,
    Architecture,
    Bidirectional,
    Conv1D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    LayerNormalization,
    MaxPooling1D,
    SimpleRNN,
    TemporalBlock,
)
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import DecoderSpec, PushSpec
from edgehar.models.errors import BundleError, DataError, UsageError
from edgehar.models.portable.blob import unpack_model
from edgehar.models.portable.tables import CModel, Matrix
from edgehar.pipeline.compilers import Target, compile_bundle, targets


@pytest.fixture(scope="module")
def bundle(random_bundle) -> Bundle:
    """A small model with both artifacts of the C engine."""
    return compile_bundle(random_bundle("simple_rnn", seed=2), [Target("c", "int8"), Target("c", "float32")])


def of(random_bundle, *layers, window: int = 50) -> Bundle:
    """Return a bundle of these layers with an integer artifact."""
    architecture = Architecture("some", window, 3, (*layers, Dense("o", 5, "softmax")))
    return compile_bundle(random_bundle(architecture), [Target("c", "int8")])


@pytest.mark.parametrize("board", [name for name, board in BOARDS.items() if not board.senses])
def test_a_project_is_complete(board: str, bundle: Bundle, tmp_path: Path) -> None:
    project = write_project(bundle, find_board(board), tmp_path / "p", quantization="int8")
    sources = {path.name for path in (tmp_path / "p" / "src").iterdir()}
    assert {"har_engine.c", "har_device.c", "har_frame.c", "har_model.c", "har_identity.c", "har_config.h"} <= sources
    assert (tmp_path / "p" / "Makefile").is_file()
    assert project.artifact.sha256 in (tmp_path / "p" / "README.md").read_text(encoding="utf-8")
    assert "#define HAR_USE_LSTM 0" in (tmp_path / "p" / "src" / "har_config.h").read_text(encoding="utf-8")


@pytest.mark.parametrize("board", [name for name, board in BOARDS.items() if board.senses])
def test_an_arduino_project_is_a_library_with_a_sketch(board: str, bundle: Bundle, tmp_path: Path) -> None:
    write_project(bundle, find_board(board), tmp_path / "p", quantization="int8", sensor=find_sensor("adxl345"))
    assert (tmp_path / "p" / "examples" / "EdgeHAR" / "EdgeHAR.ino").is_file()
    assert (tmp_path / "p" / "library.properties").is_file()
    identity = (tmp_path / "p" / "src" / "har_identity.h").read_text(encoding="utf-8")
    assert "#define HAR_SENSOR har_adxl345\n#define HAR_CLASSIFIES 1" in identity


def test_writing_again_replaces_a_project_and_nothing_else(bundle: Bundle, tmp_path: Path) -> None:
    host = find_board("host")
    write_project(bundle, host, tmp_path / "p", quantization="int8")
    (tmp_path / "p" / "src" / "stale.c").write_text("", encoding="utf-8")
    write_project(bundle, host, tmp_path / "p", quantization="float32")
    assert not (tmp_path / "p" / "src" / "stale.c").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years", encoding="utf-8")
    with pytest.raises(UsageError, match="expected a new folder or a project of `har firmware`"):
        write_project(bundle, host, tmp_path / "mine", quantization="int8")
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years"


def test_what_a_firmware_says_is_what_the_bridge_reads(bundle: Bundle) -> None:
    artifact = bundle.manifest.artifact(format="c", quantization="float32")
    model = unpack_model(bundle.files[artifact.file])
    hello = make_hello(
        find_board("arduino"), bundle.manifest, model, artifact_sha256=artifact.sha256, sensor=SENSORS["lsm6dsox"]
    )
    read = decode_message(hello.pack())
    assert replace(read, counts_per_unit=hello.counts_per_unit) == hello
    assert read.counts_per_unit == pytest.approx(4098.36)
    assert hello.abilities == Ability.SENSES | Ability.INFERS | Ability.FLOATS
    assert (hello.rate_mhz, hello.sensor, hello.range_unit) == (104_000, "LSM6DSOX", 8.0)
    assert hello.model_hash.hex() == artifact.sha256[:16]


def test_a_board_too_small_is_told_with_the_sizes(random_bundle, tmp_path: Path) -> None:
    deep = of(random_bundle, LSTM("l", 60, return_sequences=True), LSTM("m", 60))
    cases = [
        (deep, r"atmega328p is too small: the model needs up to [\d,]+ bytes of flash, it has 32,768.*mps2-an386"),
        (of(random_bundle, GRU("g", 64)), r"the model needs up to [\d,]+ bytes of RAM, it has 2,048"),
        (of(random_bundle, SimpleRNN("r", 300)), r"at most 252 inputs and outputs, the model has 300.*mps2-an386"),
    ]
    for bundle, message in cases:
        with pytest.raises(UsageError, match=message):
            write_project(bundle, find_board("atmega328p"), tmp_path / "p", quantization="int8")
    assert not (tmp_path / "p").exists()
    write_project(of(random_bundle, LSTM("l", 40)), find_board("atmega328p"), tmp_path / "p", quantization="int8")


def test_a_model_that_the_engine_cannot_run_gets_no_advice_to_compile_it(random_bundle, tmp_path: Path) -> None:
    """The compiler would refuse it, by the same words."""
    lone = (GRU("g", 4, return_sequences=True), LayerNormalization("n", 1e-3), GRU("h", 4), Dense("o", 2, "softmax"))
    for model in (*ARCHITECTURE_NAMES, Architecture("normalized", 20, 3, lone)):
        bundle = random_bundle(model, seed=1)
        compiles = Target("c", "int8") in targets(bundle.manifest.architecture)
        said = "Run: har compile" if compiles else r"n is a LayerNormalization.*such as har train --model gru"
        with pytest.raises(UsageError, match=said) as caught:
            write_project(bundle, find_board("host"), tmp_path / "p", quantization="int8")
        assert ("har compile" in str(caught.value)) == compiles == (model in ARCHITECTURE_NAMES)


@pytest.mark.parametrize(
    ("board", "quantization", "sensor", "message"),
    [
        ("atmega328p", "float32", None, "expected a model of int8 numbers, got float32"),
        ("host", "int4", None, "int4: it knows the quantizations float32 and int8. Choose float32 or int8"),
        ("host", "int8", "mpu6050", "expected no sensor, got MPU-6050"),
        ("arduino", "int8", None, "expected a sensor, got none"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    board: str, quantization: str, sensor: str | None, message: str, bundle: Bundle, tmp_path: Path
) -> None:
    chosen = None if sensor is None else find_sensor(sensor)
    with pytest.raises(UsageError, match=message):
        write_project(bundle, find_board(board), tmp_path / "p", quantization=quantization, sensor=chosen)
    assert not (tmp_path / "p").exists()


def test_a_model_of_other_channels_is_refused(bundle: Bundle) -> None:
    model = unpack_model(bundle.files["model.int8.harc"])
    with pytest.raises(
        UsageError, match="expected a model of 3 channels, x, y and z, or of 6 with the turning rate, got 4"
    ):
        require_fit(replace(model, channels=4), find_board("host"))


def test_tables_of_another_shape_than_the_architecture_are_refused(
    bundle: Bundle, random_bundle, tmp_path: Path
) -> None:
    file = "model.int8.harc"
    other = of(random_bundle, SimpleRNN("r", 4))
    swapped = replace(bundle, files={**bundle.files, file: other.files[file]})
    with pytest.raises(BundleError, match=rf"{file}: expected input of int16 1 x 200 x 3.*got int16 1 x 50 x 3"):
        write_project(swapped, find_board("host"), tmp_path / "p", quantization="int8")
    assert not (tmp_path / "p").exists()


def labelled(model: CModel, classes: int) -> CModel:
    """Return a model of so many labels."""
    last = model.layers[-1]
    rows = np.zeros((classes, last.kernel.inputs), np.int8)
    kernel = Matrix(rows, None, np.ones(classes, np.uint16), 16)
    if not last.kernel.is_integer:
        kernel = Matrix(rows.T.astype(np.float32), None)
    return replace(model, layers=(*model.layers[:-1], replace(last, kernel=kernel)))


@pytest.mark.parametrize(
    ("board", "quantization", "most"),
    [
        ("host", "float32", 59),
        ("host", "int8", 118),
        ("mps2-an386", "float32", 59),
        ("mps2-an386", "int8", 118),
        ("esp32", "float32", 59),
        ("arduino", "float32", 20),
        ("arduino", "int8", 41),
        ("atmega328p", "int8", 29),
    ],
)
def test_labels_that_fit_no_message_are_refused_with_the_numbers(
    board: str, quantization: str, most: int, bundle: Bundle
) -> None:
    model, target = unpack_model(bundle.files[f"model.{quantization}.harc"]), find_board(board)
    require_fit(labelled(model, most), target)
    said = f"at most {most} labels of {quantization}, as many as a message of {target.longest_body} bytes holds"
    with pytest.raises(UsageError, match=f"board {board}: expected {said}, the model has {most + 1}"):
        require_fit(labelled(model, most + 1), target)


def test_the_numbers_of_labels_are_those_a_message_has_room_for() -> None:
    for board in BOARDS.values():
        for quantization, numbers in (("int8", Numbers.INTEGER), ("float32", Numbers.FLOAT)):
            most = most_labels(board, quantization)
            lengths = [len(Result(0, 0, 0, 0, (0,) * count, numbers).pack()) for count in (most, most + 1)]
            assert lengths[0] <= board.longest_body < lengths[1]


def test_a_board_has_the_sizes_given_by_hand(random_bundle, tmp_path: Path) -> None:
    mega = with_sizes(find_board("arduino"), flash_bytes=253_952, ram_bytes=8192)
    assert (mega.flash_bytes, mega.ram_bytes, mega.longest_body) == (253_952, 8192, 96)
    roomy = with_sizes(find_board("arduino"), ram_bytes=65_536)
    assert (roomy.flash_bytes, roomy.longest_body) == (32_256, 250)
    assert with_sizes(mega) is mega
    model = of(random_bundle, GRU("g", 40))
    with pytest.raises(UsageError, match=r"board arduino is too small: .* of RAM, it has 2,048"):
        write_project(model, find_board("arduino"), tmp_path / "p", quantization="int8", sensor=SENSORS["lis3dh"])
    write_project(model, mega, tmp_path / "p", quantization="int8", sensor=SENSORS["lis3dh"])
    with pytest.raises(UsageError, match="--ram: expected bytes, 1 or more, got 0"):
        with_sizes(mega, ram_bytes=0)
    with pytest.raises(UsageError, match="board host: expected no size of flash or RAM"):
        with_sizes(find_board("host"), flash_bytes=1)


def test_floats_on_a_chip_without_a_float_unit_are_slow(bundle: Bundle) -> None:
    model, uno = unpack_model(bundle.files["model.float32.harc"]), find_board("arduino")
    assert "takes about" in too_slow(model, uno, 100.0)
    assert too_slow(model, find_board("teensy"), 100.0) is None


def test_a_sensor_too_slow_for_a_model_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    for rate_hz in (104.0, 0.01):
        window = replace(bundle.manifest.window, rate_hz=rate_hz)
        fast = replace(bundle, manifest=replace(bundle.manifest, window=window))
        with pytest.raises(
            UsageError, match=f"sensor MPU-6050: expected a model of 0.1 to 100 .*got one of {rate_hz:g}"
        ):
            write_project(fast, find_board("arduino"), tmp_path / "p", quantization="int8", sensor=SENSORS["mpu6050"])


def test_names_there_are_not_are_refused() -> None:
    with pytest.raises(UsageError, match="board: expected one of arduino"):
        find_board("esp8266")
    with pytest.raises(UsageError, match="sensor: expected one of mpu6050"):
        find_sensor("bmi160")


def test_a_board_that_cannot_keep_up_is_told(bundle: Bundle, random_bundle) -> None:
    avr = find_board("atmega328p")
    assert too_slow(unpack_model(bundle.files["model.int8.harc"]), avr, 100.0) is None
    lstm = compile_bundle(random_bundle("lstm"), [Target("c", "int8")])
    model = unpack_model(lstm.files["model.int8.harc"])
    assert "a sample comes every 10 ms" in too_slow(model, avr, 100.0)
    assert needs_of(model, find_board("host")).step_s is None


ELF_64 = bytes([0x7F, *b"ELF", 2, 1, 1]) + bytes(9)


def elf(*, sections: list[tuple[int, int, int]], entry_bytes: int = 64, count: int | None = None) -> bytes:
    """Return a 64-bit ELF file of sections (kind, flags, size) without contents."""
    there = len(sections) if count is None else count
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, 64, 0, 64, 0, 0, entry_bytes, there, 0)
    table = b"".join(
        struct.pack("<IIQQQQIIQQ", 0, kind, flags, 0, 0, size, 0, 0, 0, 0) for kind, flags, size in sections
    )
    return ELF_64 + header + table


def test_a_program_has_the_sizes_of_its_loaded_sections(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(elf(sections=[(1, 2, 100), (1, 3, 10), (8, 3, 7), (1, 0, 999)]) + bytes(200))
    assert program_size(path) == ProgramSize(flash_bytes=110, ram_bytes=17)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x7fELF\x01\x01" + bytes(10), "the file ends within its header"),
        (b"\x7fELF", "the file ends within its header"),
        (b"", "got something else"),
        (b"MZ" + bytes(100), "got something else"),
        (ELF_64[:4] + b"\x03" + ELF_64[5:] + bytes(100), "got something else"),
        (elf(sections=[(1, 2, 1)], count=9), "the file ends within its table of sections"),
        (elf(sections=[(1, 2, 1)], entry_bytes=0), "expected entries of 64 bytes in its table of sections, got 0"),
        (elf(sections=[(1, 2, 2**60)]), "names a section that is longer than the file"),
    ],
)
def test_what_is_no_program_has_no_size(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DataError, match=f"x: expected a program.*{said}"):
        program_size(tmp_path / "x")


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none: expected a program .*there is no such file"):
        program_size(tmp_path / "none")
    with pytest.raises(DataError, match=r"expected a program .*cannot be read"):
        program_size(tmp_path)


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_make_reading_a_program_fail_otherwise(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, with_magic: bool
) -> None:
    path = tmp_path_factory.mktemp("elf") / "program"
    path.write_bytes(ELF_64 + data if with_magic else data)
    with contextlib.suppress(DataError):
        size = program_size(path)
        assert 0 <= size.flash_bytes <= 400


MARKOV = DecoderSpec(1, 0.3, 1, (), 0.93, 1.25, PushSpec("Elevator Up", "Elevator Down"))


def test_a_board_that_senses_gets_the_decoder_of_its_bundle(bundle: Bundle, tmp_path: Path) -> None:
    uno, sensor = find_board("arduino"), find_sensor("adxl345")
    plain = write_project(bundle, uno, tmp_path / "plain", quantization="int8", sensor=sensor)
    decoded = write_project(bundle.with_decoder(MARKOV), uno, tmp_path / "decoded", quantization="int8", sensor=sensor)
    header = (tmp_path / "decoded" / "src" / "har_decoding.h").read_text(encoding="utf-8")
    assert "#define HAR_DECODES 1\n#define HAR_DECODER_IS_MARKOV 1" in header
    assert (tmp_path / "decoded" / "src" / "har_decoder.c").is_file()
    assert "labelled alone" not in (tmp_path / "decoded" / "README.md").read_text(encoding="utf-8")
    assert decoded.needs.flash_bytes > plain.needs.flash_bytes + 5000
    assert decoded.needs.ram_bytes > plain.needs.ram_bytes
    said = (tmp_path / "plain" / "README.md").read_text(encoding="utf-8")
    assert "Every window is labelled alone: its decoder changes nothing." in said


def test_a_decoder_that_a_board_cannot_run_is_left_out_and_said(bundle: Bundle, tmp_path: Path) -> None:
    needed = write_project(
        bundle, find_board("arduino"), tmp_path / "p", quantization="int8", sensor=find_sensor("adxl345")
    ).needs
    small = with_sizes(find_board("arduino"), flash_bytes=needed.flash_bytes + 5000, ram_bytes=needed.ram_bytes + 500)
    rows = tuple(tuple(float(row == column) for column in range(12)) for row in range(12))
    cases = (
        (small, MARKOV, "this board has no room for the decoder"),
        (find_board("arduino"), DecoderSpec(1, 0.0, 1, rows), "its decoder has a matrix of transitions"),
    )
    for board, spec, why in cases:
        own = bundle.with_decoder(spec)
        write_project(own, board, tmp_path / "p", quantization="int8", sensor=find_sensor("adxl345"))
        for file in ("README.md", "src/har_decoding.h"):
            assert why in (tmp_path / "p" / file).read_text(encoding="utf-8")
        assert "#define HAR_DECODES 0" in (tmp_path / "p" / "src" / "har_decoding.h").read_text(encoding="utf-8")


FILTERS = (Conv1D("c", 6, 3, "relu"), MaxPooling1D("p", 2), TemporalBlock("t", 4, 2, 1), GlobalAveragePooling1D("g"))


@pytest.mark.parametrize(
    ("layers", "used"),
    [
        ((GRU("g", 4),), set()),
        (FILTERS, {"CONV", "RESIDUAL", "POOL", "WHOLE", "TIME"}),
        ((Flatten("f"), Dense("d", 5, "relu")), {"DENSE_OVER_TIME", "TIME"}),
        ((Bidirectional("b", "LSTM", 4),), {"BACKWARD", "TIME"}),
    ],
)
def test_code_of_layers_that_a_model_lacks_is_left_out(layers, used: set[str], random_bundle, tmp_path: Path) -> None:
    write_project(of(random_bundle, *layers), find_board("host"), tmp_path / "p", quantization="int8")
    config = (tmp_path / "p" / "src" / "har_config.h").read_text(encoding="utf-8")
    along_time = ("CONV", "RESIDUAL", "POOL", "WHOLE", "DENSE_OVER_TIME", "BACKWARD", "TIME")
    assert {name for name in along_time if f"HAR_USE_{name} 1" in config} == used
    assert all(f"HAR_USE_{name} {int(name in used)}" in config for name in along_time)


def test_a_window_s_end_is_what_a_step_takes_at_most(random_bundle) -> None:
    """A backward layer runs over the whole window when that has ended; a pool lets the layers behind it run seldom."""
    board = find_board("mps2-an386")

    def step_s(*layers) -> float:
        bundle = of(random_bundle, *layers)
        return needs_of(unpack_model(bundle.files["model.int8.harc"]), board).step_s

    one, both = step_s(GRU("g", 8)), step_s(Bidirectional("b", "GRU", 8))
    assert both > 50 * one
    model = unpack_model(of(random_bundle, *FILTERS).files["model.int8.harc"])
    assert model.runs_per_step == (1, 0, 1, 1, 1)
    assert too_slow(model, board, 100.0) is None
    assert too_slow(unpack_model(of(random_bundle, Bidirectional("b", "GRU", 32)).files["model.int8.harc"]), board, 99)
