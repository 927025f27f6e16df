"""Files of devices, written here by the published formats: what is whole comes back exactly, damage becomes a gap."""

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.errors import DataError
from edgehar.pipeline.data.readers import load_dataset

INFO = "Serial Number: MOS2D12345678\nSample Rate: 30\nAcceleration Scale: 256.0\n"


def gt3x_record(kind: int, time_s: int, payload: bytes) -> bytes:
    head = struct.pack("<BBIH", 0x1E, kind, time_s, len(payload)) + payload
    checksum = 0
    for byte in head:
        checksum ^= byte
    return head + bytes([checksum ^ 0xFF])


def gt3x(path: Path, log: bytes, info: str = INFO) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("info.txt", info)
        archive.writestr("log.bin", log)
    return path


def second(value: int) -> bytes:
    return struct.pack("<90h", *([0, value, 256] * 30))


def test_the_example_of_the_published_format(tmp_path: Path) -> None:
    payload = bytes.fromhex("00 60 08 EB D0 07 00 9E BF 00 70 08 EB F0")
    path = gt3x(tmp_path / "a.gt3x", gt3x_record(0, 100, payload), "Serial Number: NEO1\nSample Rate: 30\n")
    (item,) = load_dataset(path).recordings
    expected = np.array([[8, 6, -323], [9, 7, -321], [8, 7, -321]]) / 341.0
    np.testing.assert_allclose(item.samples, expected, rtol=1e-6)
    assert item.rate_hz == 30


def test_seconds_follow_and_other_records_are_passed_over(tmp_path: Path) -> None:
    log = gt3x_record(6, 99, b"{}") + gt3x_record(26, 100, second(1)) + gt3x_record(26, 100, b"\x01") + b"\0\0\0"
    (item,) = load_dataset(gt3x(tmp_path / "a.gt3x", log + gt3x_record(26, 101, second(2)))).recordings
    assert item.samples[:, 1].tolist() == [1 / 256] * 30 + [2 / 256] * 30
    assert (item.gaps, item.problems, item.subject) == ((), (), "a")


def test_missing_seconds_are_a_gap(tmp_path: Path) -> None:
    log = gt3x_record(26, 100, second(1)) + gt3x_record(26, 105, second(2))
    (item,) = load_dataset(gt3x(tmp_path / "a.gt3x", log)).recordings
    assert item.gaps == (30,)
    assert "together 4 s" in item.problems[0]


@pytest.mark.parametrize("place", [0, 1, 5, 7, 60, -1])
def test_a_wrong_byte_loses_one_second_and_no_more(tmp_path: Path, place: int) -> None:
    wrong = bytearray(gt3x_record(26, 101, second(2)))
    wrong[place] ^= 0x55
    log = gt3x_record(26, 100, second(1)) + bytes(wrong) + gt3x_record(26, 102, second(3))
    (item,) = load_dataset(gt3x(tmp_path / "a.gt3x", log)).recordings
    assert item.samples[:, 1].tolist() == [1 / 256] * 30 + [3 / 256] * 30
    assert item.gaps == (30,)
    assert any("damaged" in problem for problem in item.problems)


def test_a_log_that_was_cut_short_keeps_what_is_whole(tmp_path: Path) -> None:
    log = gt3x_record(26, 100, second(1)) + gt3x_record(26, 101, second(2))[:50]
    (item,) = load_dataset(gt3x(tmp_path / "a.gt3x", log)).recordings
    assert len(item) == 30
    assert any("damaged" in problem for problem in item.problems)


@pytest.mark.parametrize(
    "info",
    ["", "Sample Rate: 30\n", "Sample Rate: x\nAcceleration Scale: 256\n", "Sample Rate: 0\nAcceleration Scale: 1"],
)
def test_no_settings_are_refused(tmp_path: Path, info: str) -> None:
    with pytest.raises(DataError, match=r"a\.gt3x"):
        load_dataset(gt3x(tmp_path / "a.gt3x", gt3x_record(26, 1, second(1)), info))


def sector(sequence: int, time_s: int, samples: list[tuple[int, int, int]], *, session: int = 1) -> bytes:
    """Return a data sector at 100 Hz with 16-bit samples of 256 counts per g, the time that of its first sample."""
    minute, rest = divmod(time_s, 60)
    packed = (26 << 26) | (1 << 22) | (2 << 17) | (3 << 12) | (minute << 6) | rest
    raw = b"".join(struct.pack("<3h", *each) for each in samples).ljust(480, b"\0")
    head = struct.pack(
        "<2sHHIIIHHBBBBhH", b"AX", 508, 0, session, sequence, packed, 0, 0, 0, 0, 0x4A, 0x32, 0, len(samples)
    )
    words = np.frombuffer(head + raw, "<u2").sum(dtype=np.uint32)
    return head + raw + struct.pack("<H", -int(words) & 0xFFFF)


def cwa(path: Path, *sectors: bytes) -> Path:
    path.write_bytes(b"MD".ljust(1024, b"\0") + b"".join(sectors))
    return path


def half(value: int) -> list[tuple[int, int, int]]:
    return [(0, value, 256)] * 50


def test_sectors_follow(tmp_path: Path) -> None:
    # Two half seconds share a whole second's stamp only if the offset says so: here each begins at its own.
    first, other = sector(0, 10, half(1) + half(1)[:30]), sector(1, 11, half(2) + half(2)[:30])
    (item,) = load_dataset(cwa(tmp_path / "a.cwa", first, other)).recordings
    assert item.rate_hz == 100
    assert item.samples[:, 1].tolist() == [1 / 256] * 80 + [2 / 256] * 80
    assert item.gaps == ()


@pytest.mark.parametrize(
    "sectors",
    [
        (sector(0, 10, half(1)), sector(2, 11, half(2))),
        (sector(0, 10, half(1)), sector(1, 30, half(2))),
        (sector(0, 10, half(1)), sector(1, 11, half(2), session=2)),
        (sector(0, 10, half(1)), b"\x12" * 512, sector(1, 11, half(2))),
        (sector(0, 10, half(1)), sector(1, 10, half(9))[:-1] + b"\x7f", sector(2, 11, half(2))),
    ],
)
def test_what_does_not_follow_is_a_gap(tmp_path: Path, sectors: tuple[bytes, ...]) -> None:
    (item,) = load_dataset(cwa(tmp_path / "a.cwa", *sectors)).recordings
    assert item.samples[:, 1].tolist() == [1 / 256] * 50 + [2 / 256] * 50
    assert item.gaps == (50,)
    assert item.problems


def test_packed_samples_and_six_axes(tmp_path: Path) -> None:
    # x 100, y -100, z 256 with exponent 1: the values are 200, -200 and 512.
    word = (1 << 30) | (256 << 20) | ((-100 & 1023) << 10) | 100
    packed = bytearray(sector(0, 10, half(1)))
    packed[25:26] = b"\x30"
    packed[28:30] = struct.pack("<H", 1)
    packed[30:34] = struct.pack("<I", word)
    six = bytearray(sector(1, 10, half(1)))
    six[18:20] = struct.pack("<H", 3 << 13)
    six[25:26] = b"\x62"
    six[28:30] = struct.pack("<H", 1)
    six[30:42] = struct.pack("<6h", 1, 2, 3, 0, 0, 2048)
    files = []
    for name, content in (("packed", packed), ("six", six)):
        content[510:512] = b"\0\0"
        total = int(np.frombuffer(bytes(content), "<u2").sum(dtype=np.uint32))
        content[510:512] = struct.pack("<H", -total & 0xFFFF)
        files.append(cwa(tmp_path / f"{name}.cwa", bytes(content)))
    np.testing.assert_allclose(load_dataset(files[0]).recordings[0].samples, [[200 / 256, -200 / 256, 2.0]])
    np.testing.assert_allclose(load_dataset(files[1]).recordings[0].samples, [[0.0, 0.0, 1.0]])


def test_a_broken_file_among_several_is_put_aside(tmp_path: Path) -> None:
    cwa(tmp_path / "a.cwa", sector(0, 10, half(1)))
    (tmp_path / "b.cwa").write_bytes(b"nothing")
    (tmp_path / "c.gt3x").write_bytes(b"PK nothing")
    dataset = load_dataset(tmp_path)
    assert [item.recording_id for item in dataset.recordings] == ["a"]
    assert len(dataset.quarantined) == 2


def test_files_of_other_kinds_beside_them_are_said(tmp_path: Path) -> None:
    cwa(tmp_path / "a.cwa", sector(0, 10, half(1)))
    (tmp_path / "b.csv").write_text("x,y,z\n0,0,1\n")
    assert any("b.csv" in problem for problem in load_dataset(tmp_path).problems)


@settings(deadline=None, max_examples=80)
@given(data=st.data())
def test_damage_anywhere_ends_in_a_recording_or_a_sentence(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    suffix = data.draw(st.sampled_from([".cwa", ".gt3x"]))
    make = (
        (lambda: cwa(folder / "a.cwa", *(sector(at, 10 + at, half(at)) for at in range(4))))
        if suffix == ".cwa"
        else (lambda: gt3x(folder / "a.gt3x", b"".join(gt3x_record(26, at, second(at)) for at in range(4))))
    )
    path = make()
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        (item,) = load_dataset(path, format="device").recordings
    except DataError:
        return
    assert 0 < len(item) <= 200


CALIBRATION = (("x", 25600, 0), ("y", 25500, 100), ("z", 25700, -300))
GENEACTIV = "Device Identity\nDevice Unique Serial Code:012345\n\nCalibration Data\n" + "".join(
    f"{axis} gain:{gain}\n{axis} offset:{offset}\n" for axis, gain, offset in CALIBRATION
)


def geneactiv_page(number: int, time: str, values: list[tuple[int, int, int]], rate: str = "100.0") -> str:
    digits = "".join(f"{x & 4095:03X}{y & 4095:03X}{z & 4095:03X}002" for x, y, z in values)
    head = f"Recorded Data\nSequence Number:{number}\nPage Time:{time}\nUnassigned:\nTemperature:21.5\n"
    return f"{head}Battery voltage:4.1\nDevice Status:Recording\nMeasurement Frequency:{rate}\n{digits}\n"


def test_pages_of_a_geneactiv_are_calibrated_and_follow_each_other(tmp_path: Path) -> None:
    values = [(256, -1, 2047), (-2048, 0, 1)] * 150
    text = GENEACTIV + geneactiv_page(0, "2012-05-23 16:47:50:000", values)
    text += geneactiv_page(1, "2012-05-23 16:47:53:000", values)
    (tmp_path / "wrist.bin").write_text(text)
    (item,) = load_dataset(tmp_path / "wrist.bin").recordings
    expected = (100.0 * np.array(values[:2]) - [0, 100, -300]) / [25600, 25500, 25700]
    np.testing.assert_allclose(item.samples[:2], expected, rtol=1e-6)
    assert (len(item), item.rate_hz, item.gaps, item.problems) == (600, 100.0, (), ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("16:47:53:000", "16:99:53:000x"),
        ("Measurement Frequency:100.0\n1", "Measurement Frequency:x\n1"),
        ("\n100FFF7FF002", "\nZ00FFF7FF002"),
        ("\n100FFF7FF002", "\n00FFF7FF002"),
    ],
)
def test_a_damaged_page_of_a_geneactiv_is_a_gap(tmp_path: Path, old: str, new: str) -> None:
    values = [(256, -1, 2047)] * 300
    first, second, third = (
        geneactiv_page(number, f"2012-05-23 16:47:{50 + 3 * number}:000", values) for number in range(3)
    )
    wrong = second.replace(old, new, 1)
    assert wrong != second
    (tmp_path / "wrist.bin").write_text(GENEACTIV + first + wrong + third)
    (item,) = load_dataset(tmp_path / "wrist.bin").recordings
    assert (len(item), item.gaps) == (600, (300,))
    assert any("1 blocks are damaged" in problem for problem in item.problems)


def test_a_bin_of_another_program_and_one_without_calibration_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(bytes(100))
    with pytest.raises(DataError):
        load_dataset(tmp_path / "other.bin")
    (tmp_path / "bare.bin").write_text("Device Identity\nRecorded Data\n")
    with pytest.raises(DataError, match="expected gain and offset"):
        load_dataset(tmp_path / "bare.bin")
