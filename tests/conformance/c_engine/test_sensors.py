"""The sensor drivers on a stub bus: registers in the data sheet's order, byte order, identity, failures."""

import ctypes
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.projects.sensors import SENSORS, to_model

WRITE = ctypes.CFUNCTYPE(ctypes.c_uint8, ctypes.c_uint8, ctypes.c_uint8, ctypes.c_uint8)
READ = ctypes.CFUNCTYPE(ctypes.c_uint8, ctypes.c_uint8, ctypes.c_uint8, ctypes.POINTER(ctypes.c_uint8), ctypes.c_uint8)
WAIT = ctypes.CFUNCTYPE(None, ctypes.c_uint16)
ABSENT, OTHER, FAILED = 1, 2, 3
IDENTITIES = {
    "mpu6050": (0x68, 0x75, 0x68),
    "lsm6ds3": (0x6A, 0x0F, 0x69),
    "lsm6dsox": (0x6A, 0x0F, 0x6C),
    "adxl345": (0x53, 0x00, 0xE5),
    "lis3dh": (0x18, 0x0F, 0x33),
}
"""Address, register and value of each sensor's identity."""
READY = {
    "mpu6050": (0x3A, 1),
    "lsm6ds3": (0x1E, 1),
    "lsm6dsox": (0x1E, 1),
    "adxl345": (0x30, 0x80),
    "lis3dh": (0x27, 8),
}
DATA = {"mpu6050": 0x3B, "lsm6ds3": 0x28, "lsm6dsox": 0x28, "adxl345": 0x32, "lis3dh": 0xA8}


class Setting(ctypes.Structure):
    """har_setting"""

    _fields_ = [("reg", ctypes.c_uint8), ("value", ctypes.c_uint8), ("wait_ms", ctypes.c_uint8)]


class Sensor(ctypes.Structure):
    """har_sensor"""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("addresses", ctypes.c_uint8 * 2),
        ("id_register", ctypes.c_uint8),
        ("id", ctypes.c_uint8),
        ("settings", Setting * 6),
        ("status_register", ctypes.c_uint8),
        ("status_ready", ctypes.c_uint8),
        ("data_register", ctypes.c_uint8),
        ("big_endian", ctypes.c_uint8),
        ("samples_per_hundred_s", ctypes.c_uint16),
        ("counts_per_g", ctypes.c_float),
    ]


class Bus(ctypes.Structure):
    """har_bus"""

    _fields_ = [("write", WRITE), ("read", READ), ("wait_ms", WAIT)]


class StubBus:
    """A bus with one sensor on it: its registers, and everything that was done to them."""

    def __init__(self, address: int, registers: dict[int, int]) -> None:
        self.address, self.registers = address, dict(registers)
        self.written: list[tuple[int, int]] = []
        self.waited_ms = 0
        self.dies_after: int | None = None
        self.bus = Bus(WRITE(self._write), READ(self._read), WAIT(self._wait))

    def _alive(self, address: int) -> bool:
        if self.dies_after is not None:
            self.dies_after -= 1
            if self.dies_after < 0:
                return False
        return address == self.address

    def _write(self, address: int, register: int, value: int) -> int:
        if not self._alive(address):
            return 2
        self.written.append((register, value))
        return 0

    def _read(self, address: int, register: int, into, count: int) -> int:
        if not self._alive(address):
            return 2
        for index in range(count):
            into[index] = self.registers.get(register + index, 0)
        return 0

    def _wait(self, milliseconds: int) -> None:
        self.waited_ms += milliseconds


@pytest.fixture(scope="module")
def drivers(need, compile_c, firmware: Path, strict, tmp_path_factory) -> ctypes.CDLL:
    """The drivers as a library, built as strictly as everything else."""
    library = tmp_path_factory.mktemp("sensors") / "sensors.so"
    sources = sorted((firmware / "sensors").glob("*.c"))
    compile_c([need("gcc", "gcc"), *strict, "-shared", "-fPIC", f"-I{firmware / 'sensors'}", *sources, "-o", library])
    loaded = ctypes.CDLL(str(library))
    loaded.har_sensor_to_model.restype = ctypes.c_int16
    loaded.har_sensor_to_model.argtypes = [ctypes.c_int16, ctypes.c_uint16, ctypes.c_uint8]
    return loaded


@pytest.fixture(params=sorted(SENSORS))
def key(request: pytest.FixtureRequest) -> str:
    """Each sensor in turn."""
    return request.param


@pytest.fixture
def sensor(drivers: ctypes.CDLL, key: str) -> Sensor:
    """The sensor's table."""
    return Sensor.in_dll(drivers, SENSORS[key].symbol)


@pytest.fixture
def start(drivers: ctypes.CDLL, sensor: Sensor) -> Callable[[StubBus], tuple[int, int]]:
    """``start(bus)``: the status of har_sensor_start, and the address it found."""

    def run(stub: StubBus) -> tuple[int, int]:
        address = ctypes.c_uint8(0)
        return drivers.har_sensor_start(
            ctypes.byref(sensor), ctypes.byref(stub.bus), ctypes.byref(address)
        ), address.value

    return run


def test_what_commands_say_is_what_drivers_do(key: str, sensor: Sensor) -> None:
    promised = SENSORS[key]
    assert sensor.name.decode() == promised.name
    assert sensor.samples_per_hundred_s == round(100 * promised.rate_hz)
    assert sensor.counts_per_g == pytest.approx(promised.counts_per_g)
    assert promised.range_g * promised.counts_per_g <= 33_000


def test_a_sensor_is_found_at_either_address_and_set_up_once(key: str, sensor: Sensor, start) -> None:
    _, register, value = IDENTITIES[key]
    for address in sensor.addresses:
        stub = StubBus(address, {register: value})
        assert start(stub) == (0, address)
        settings = [(it.reg, it.value) for it in sensor.settings]
        wanted = settings[: settings.index((0xFF, 0))] if (0xFF, 0) in settings else settings
        assert stub.written == wanted
        assert stub.waited_ms == sum(it.wait_ms for it in sensor.settings)


def test_identities_are_the_data_sheets(key: str, sensor: Sensor) -> None:
    assert (sensor.addresses[0], sensor.id_register, sensor.id) == IDENTITIES[key]


def test_nobody_somebody_else_and_somebody_who_stops(key: str, sensor: Sensor, start) -> None:
    address, register, value = IDENTITIES[key]
    assert start(StubBus(0x42, {}))[0] == ABSENT
    assert start(StubBus(address, {register: value ^ 1}))[0] == OTHER
    dying = StubBus(address, {register: value})
    dying.dies_after = 2
    assert start(dying)[0] == FAILED


def test_samples_are_read_whole_with_their_signs(drivers: ctypes.CDLL, key: str, sensor: Sensor) -> None:
    address, register, value = IDENTITIES[key]
    truth = np.array([-32768, 258, -2], "<i2")
    data = truth.astype(">i2" if key == "mpu6050" else "<i2").tobytes()
    status, bit = READY[key]
    stub = StubBus(address, {register: value, **{DATA[key] + index: byte for index, byte in enumerate(data)}})
    counts, ready = (ctypes.c_int16 * 3)(), ctypes.c_uint8(9)
    arguments = (ctypes.byref(sensor), ctypes.byref(stub.bus), ctypes.c_uint8(address))
    assert drivers.har_sensor_poll(*arguments, ctypes.byref(ready)) == 0
    assert ready.value == 0
    stub.registers[status] = bit
    assert drivers.har_sensor_poll(*arguments, ctypes.byref(ready)) == 0
    assert ready.value == 1
    assert drivers.har_sensor_read(*arguments, counts) == 0
    assert list(counts) == truth.tolist()
    stub.dies_after = 0
    assert drivers.har_sensor_read(*arguments, counts) == FAILED
    assert drivers.har_sensor_poll(*arguments, ctypes.byref(ready)) == FAILED


SCALES = sorted(
    {each.counts_per_g for each in SENSORS.values()}
    | {each.gyroscope.counts_per_deg_s for each in SENSORS.values() if each.gyroscope is not None}
)


@pytest.mark.parametrize("bits", [11, 8, 5, 3, 0])
@pytest.mark.parametrize("per_unit", SCALES)
def test_counts_become_the_models_numbers(drivers: ctypes.CDLL, per_unit: float, bits: int) -> None:
    counts = np.unique(np.concatenate([np.arange(-32768, 32768, 97), [32767, -1, 1, 0]]))
    found = [drivers.har_sensor_to_model(int(count), *to_model(per_unit, bits)) for count in counts]
    exact = np.clip(counts / per_unit * 2**bits, -32768, 32767)
    # The factor has 11 bits at least, and the result is rounded once.
    np.testing.assert_allclose(found, exact, rtol=5e-4, atol=0.5 + 1e-9)
    assert drivers.har_sensor_to_model(0, *to_model(per_unit, bits)) == 0


class Gyroscope(ctypes.Structure):
    """har_gyroscope"""

    _fields_ = [
        ("setting", Setting),
        ("status_ready", ctypes.c_uint8),
        ("data_register", ctypes.c_uint8),
        ("data_bytes", ctypes.c_uint8),
        ("acceleration", ctypes.c_uint8),
        ("turning", ctypes.c_uint8),
        ("counts_per_deg_s", ctypes.c_float),
    ]


GYROSCOPES = {
    "mpu6050": ((0x1B, 0x18), 1, 0x43),
    "lsm6ds3": ((0x11, 0x4C), 3, 0x22),
    "lsm6dsox": ((0x11, 0x4C), 3, 0x22),
}
"""How each gyroscope is set up, the bits that say that both are ready, and where the turning rate stands."""


@pytest.mark.parametrize("chip", sorted(GYROSCOPES))
def test_a_gyroscope_is_set_up_and_read_with_the_accelerometer_beside_it(drivers: ctypes.CDLL, chip: str) -> None:
    promised, (setting, ready_bits, turning_at) = SENSORS[chip], GYROSCOPES[chip]
    sensor = Sensor.in_dll(drivers, promised.symbol)
    gyroscope = Gyroscope.in_dll(drivers, promised.gyroscope.symbol)
    assert gyroscope.counts_per_deg_s == pytest.approx(promised.gyroscope.counts_per_deg_s)
    assert promised.gyroscope.range_deg_s * promised.gyroscope.counts_per_deg_s <= 33_000
    address, register, value = IDENTITIES[chip]
    truth = np.array([[-32768, 258, -2], [1, -300, 32767]])
    order = ">i2" if chip == "mpu6050" else "<i2"
    stub = StubBus(address, {register: value})
    for first, vector in zip((DATA[chip], turning_at), truth, strict=True):
        stub.registers |= {first + index: byte for index, byte in enumerate(vector.astype(order).tobytes())}
    found, ready, counts = ctypes.c_uint8(0), ctypes.c_uint8(9), (ctypes.c_int16 * 6)()
    chips = ctypes.byref(sensor), ctypes.byref(gyroscope), ctypes.byref(stub.bus)
    assert drivers.har_motion_start(*chips, ctypes.byref(found)) == 0
    assert (found.value, stub.written[-1]) == (address, setting)
    status, bit = READY[chip]
    for bits, expected in ((0, 0), (bit, int(bit == ready_bits)), (ready_bits, 1)):
        stub.registers[status] = bits
        assert drivers.har_motion_poll(*chips, ctypes.c_uint8(address), ctypes.byref(ready)) == 0
        assert ready.value == expected
    assert drivers.har_motion_read(*chips, ctypes.c_uint8(address), counts) == 0
    assert list(counts) == truth.ravel().tolist()
    stub.dies_after = 0
    assert drivers.har_motion_read(*chips, ctypes.c_uint8(address), counts) == FAILED
    assert drivers.har_motion_start(*chips, ctypes.byref(found)) == ABSENT


class Rate(ctypes.Structure):
    """har_rate"""

    _fields_ = [
        ("step", ctypes.c_uint32),
        ("until", ctypes.c_uint32),
        ("last", ctypes.c_int16 * 3),
        ("begun", ctypes.c_uint8),
    ]


def converted(drivers: ctypes.CDLL, samples: np.ndarray, sensor_rate: int, model_rate: int) -> np.ndarray:
    """Send samples through har_rate."""
    rate, found = Rate(), []
    drivers.har_rate_open(ctypes.byref(rate), ctypes.c_uint16(sensor_rate), ctypes.c_uint16(model_rate))
    for sample in samples:
        values = (ctypes.c_int16 * 3)(*sample.tolist())
        if drivers.har_rate_convert(ctypes.byref(rate), values):
            found.append(list(values))
    return np.array(found)


def test_equal_rates_change_nothing(drivers: ctypes.CDLL) -> None:
    samples = np.random.default_rng(1).integers(-32768, 32768, (500, 3)).astype(np.int16)
    np.testing.assert_array_equal(converted(drivers, samples, 10000, 10000), samples)


def test_a_faster_sensor_is_brought_to_the_models_rate(drivers: ctypes.CDLL) -> None:
    time_s = np.arange(2080) / 104
    samples = np.stack([30000 * np.sin(2 * np.pi * 2.0 * time_s + phase) for phase in (0, 1, 2)], axis=1).round()
    found = converted(drivers, samples.astype(np.int16), 10400, 10000)
    assert abs(len(found) - 2000) <= 1
    truth_s = np.arange(len(found)) / 100
    truth = np.stack([30000 * np.sin(2 * np.pi * 2.0 * truth_s + phase) for phase in (0, 1, 2)], axis=1)
    assert np.abs(found - truth).max() < 30000 * 0.003
    steep = np.array([[32767, -32768, 0], [-32768, 32767, 0]] * 50, np.int16)
    between = converted(drivers, steep, 10400, 10000)
    assert between.min() >= -32768
    assert between.max() <= 32767
