"""What sketches print: formats as they stand in public code of Arduino, MicroPython, ESP-IDF and sensor makers.

Each writes the same walk of a virtual wearer, so that what is read can be compared with what was written.
"""

# ruff: noqa: E501 (a table of formats is read line by line)
import functools
import json
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

G_M_S2: Final = 9.80665
ROWS: Final = 700
_RNG: Final = np.random.default_rng(12)
_T: Final = np.arange(ROWS) / 100


def _walk() -> np.ndarray:
    """Return seven seconds of walking with a sensor that leans, in g."""
    step = 2 * np.pi * 1.9 * _T
    lean = np.array([0.55, -0.62, 0.56])
    moves = np.stack([0.35 * np.sin(step), 0.30 * np.sin(2 * step + 1), 0.15 * np.sin(step / 2)], axis=1)
    return lean + moves + _RNG.normal(0, 0.03, (ROWS, 3))


ACC_G: Final = _walk()
GYRO_DPS: Final = np.stack([60 * np.cos(9 * _T), 35 * np.sin(7 * _T + 1), 25 * np.sin(11 * _T)], axis=1)
MAG_UT: Final = np.array([22.0, -4.5, 38.0]) + _RNG.normal(0, 0.8, (ROWS, 3))
TEMPERATURE: Final = 26.5 + np.round(0.01 * np.cumsum(_RNG.integers(-1, 2, ROWS)), 2)


@dataclass(frozen=True)
class Row:
    """One moment, in the units that sketches print."""

    index: int
    acc_g: np.ndarray
    gyro: np.ndarray
    mag: np.ndarray
    warmth: float

    @property
    def ms2(self) -> np.ndarray:
        """Acceleration in m/s2."""
        return self.acc_g * G_M_S2

    def counts(self, per_g: int) -> list[int]:
        """Acceleration in counts."""
        return [round(value * per_g) for value in self.acc_g]

    @property
    def gyro_counts(self) -> list[int]:
        """Angular velocity in counts of a range of 250 degrees a second."""
        return [round(value * 131) for value in self.gyro]

    @property
    def ms(self) -> int:
        """Milliseconds since the start."""
        return 4812 + 10 * self.index


@dataclass(frozen=True)
class Sketch:
    """A format.

    Parameters
    ----------
    name
        What it is.
    write
        Returns the text of a row, with its line ends.
    asks
        The option that a right question names, where the format cannot be understood alone; "" where it can.
    answer
        The value that answers it.
    tolerance_g
        By how much its rounding may change a value.
    """

    name: str
    write: Callable[[Row], str]
    asks: str = ""
    answer: str = ""
    tolerance_g: float = 0.011
    encoding: str = "latin-1"
    missing_every: int = 0

    def lines(self) -> list[bytes]:
        """Return what it prints in each moment of the walk."""
        return [self.write(row).encode(self.encoding) for row in rows()]


def rows() -> Iterator[Row]:
    """Yield the moments of the walk."""
    for index in range(ROWS):
        yield Row(index, ACC_G[index], GYRO_DPS[index], MAG_UT[index], float(TEMPERATURE[index]))


def _csv(*values: float, digits: int = 3, between: str = ",", end: str = "\r\n") -> str:
    """Return numbers as a line."""
    return between.join(str(v) if isinstance(v, int) else f"{v:.{digits}f}" for v in values) + end


def _join(pattern: str) -> Callable[[Row], str]:
    """Return a writer of a format string with the fields of a row."""

    def write(row: Row) -> str:
        ax, ay, az = row.acc_g
        mx, my, mz = row.ms2
        gx, gy, gz = row.gyro
        qx, qy, qz = row.mag
        cx, cy, cz = row.counts(16384)
        wx, wy, wz = row.gyro_counts
        return pattern.format(
            ax=ax, ay=ay, az=az, mx=mx, my=my, mz=mz, gx=gx, gy=gy, gz=gz, qx=qx, qy=qy, qz=qz, cx=cx, cy=cy, cz=cz,
            wx=wx, wy=wy, wz=wz, t=row.warmth, i=row.index, ms=row.ms, us=row.ms * 1000 + 17, s=row.ms / 1000,
            kx=1000 * ax, ky=1000 * ay, kz=1000 * az, norm=float(np.linalg.norm(row.acc_g)), mnorm=float(np.linalg.norm(row.ms2)),
        )  # fmt: skip

    return write


def _f(name: str, pattern: str, **more: object) -> Sketch:
    return Sketch(name, _join(pattern), **more)  # type: ignore[arg-type]


def _header(names: str, pattern: str, *, every: int = 0) -> Callable[[Row], str]:
    """Return a writer that begins with a header, or repeats it."""
    write = _join(pattern)

    def headed(row: Row) -> str:
        due = row.index == 0 or (every and row.index % every == 0)
        return (names + "\r\n" if due else "") + write(row)

    return headed


def _counts(per_g: int) -> Callable[[Row], str]:
    return lambda row: _csv(*row.counts(per_g), end="\n")


def _alternate(every: int, first: str, second: str) -> Callable[[Row], str]:
    """Return a writer that prints a second kind of line now and then."""
    one, other = _join(first), _join(second)
    return lambda row: one(row) + (other(row) if row.index % every == 0 else "")


def _nan_every(every: int, pattern: str, bad: str) -> Callable[[Row], str]:
    write = _join(pattern)
    return lambda row: bad if row.index % every == every - 1 else write(row)


def _quaternion(row: Row) -> list[float]:
    half = 0.3 + 0.2 * np.sin(0.7 * row.index / 100)
    return [float(np.cos(half)), float(0.6 * np.sin(half)), float(0.8 * np.sin(half)), 0.0]


def _checked(sentence: str) -> str:
    """Return a sentence of NMEA 0183 with its checksum."""
    return f"${sentence}*{functools.reduce(operator.xor, sentence.encode()):02X}\r\n"


def _zephyr(value: float) -> str:
    """Return a number as Zephyr's ``printk("%d.%06d", v.val1, v.val2)`` prints it."""
    units, millionths = divmod(abs(round(1e6 * value)), 1_000_000)
    return f"{-units}.{-millionths:06d}" if value < 0 else f"{units}.{millionths:06d}"


def _comma(text: str) -> str:
    return text.replace(".", ",")


SKETCHES: Final = (
    # Bare numbers.
    _f("g, comma", "{ax:.3f},{ay:.3f},{az:.3f}\r\n"),
    _f("g, comma and blank", "{ax:.2f}, {ay:.2f}, {az:.2f}\r\n"),
    _f("g, tab", "{ax:.3f}\t{ay:.3f}\t{az:.3f}\r\n"),
    _f("g, semicolon", "{ax:.3f};{ay:.3f};{az:.3f}\n"),
    _f("g, blanks of a fixed width", "{ax:8.3f}{ay:8.3f}{az:8.3f}\n"),
    _f("g, trailing comma", "{ax:.3f},{ay:.3f},{az:.3f},\r\n"),
    _f("m/s2, trailing tab", "{mx:.2f}\t{my:.2f}\t{mz:.2f}\t\r\n"),
    _f("g, CR alone", "{ax:.3f},{ay:.3f},{az:.3f}\r"),
    _f("g, LF CR", "{ax:.3f},{ay:.3f},{az:.3f}\n\r"),
    _f("g, with six decimals", "{ax:.6f} {ay:.6f} {az:.6f}\n"),
    _f("g, exponents", "{ax:.4e},{ay:.4e},{az:.4e}\n"),
    _f("m/s2, comma", "{mx:.2f},{my:.2f},{mz:.2f}\r\n"),
    Sketch("mg, comma", lambda row: _csv(*row.counts(1000))),
    Sketch("counts of 16 bits at 2 g", _counts(16384)),
    Sketch("counts of 16 bits at 4 g", _counts(8192)),
    Sketch("counts of 16 bits at 8 g", _counts(4096)),
    Sketch("counts of 16 bits at 16 g", _counts(2048)),
    Sketch("counts of an ADXL345", _counts(256)),
    Sketch("counts of 8 bits", _counts(64), tolerance_g=0.02),
    Sketch(
        "an ADXL335 at 10 bits, with its offset",
        lambda row: _csv(*(round(338 + 68 * value) for value in row.acc_g)),
        asks="--unit",
    ),
    _f("tuple of MicroPython", "({ax:.3f}, {ay:.3f}, {az:.3f})\r\n"),
    _f("list of Python", "[{ax:.3f}, {ay:.3f}, {az:.3f}]\r\n"),
    _f("Mu's plotter", "({mx:.5f}, {my:.5f}, {mz:.5f})\r\n"),
    _f("NumPy's array", "[ {ax:.8f} {ay:.8f} {az:.8f}]\r\n"),
    _f("braces", "{{{ax:.3f},{ay:.3f},{az:.3f}}}\n"),
    _f("angle brackets", "<{ax:.3f},{ay:.3f},{az:.3f}>\r\n"),
    _f("bars", "| {ax:.3f} | {ay:.3f} | {az:.3f} |\r\n"),
    _f("slashes", "{ax:.3f}/{ay:.3f}/{az:.3f}\r\n"),
    _f("a prompt before", ">>> {ax:.3f},{ay:.3f},{az:.3f}\r\n"),
    _f("a dollar and a checksum", "$ACC,{ax:.3f},{ay:.3f},{az:.3f}*5C\r\n"),
    # Labelled values.
    _f("plotter, comma", "ax:{ax:.2f},ay:{ay:.2f},az:{az:.2f}\r\n"),
    _f("plotter, tab", "x:{ax:.3f}\ty:{ay:.3f}\tz:{az:.3f}\r\n"),
    _f("MPU6050 of a school sketch", "AcX = {cx} | AcY = {cy} | AcZ = {cz} | Tmp = {t:.2f} | GyX = {wx} | GyY = {wy} | GyZ = {wz}\r\n"),
    _f("Adafruit", "Acceleration X: {mx:.2f}, Y: {my:.2f}, Z: {mz:.2f} m/s^2\r\nRotation X: {gx:.2f}, Y: {gy:.2f}, Z: {gz:.2f} rad/s\r\nTemperature: {t:.2f} degC\r\n\r\n"),
    _f("Adafruit LIS3DH", "X:  {cx} \tY:  {cy} \tZ:  {cz}\t\tX: {mx:.2f} \tY: {my:.2f} \tZ: {mz:.2f} m/s^2 \r\n", ),
    _f("Adafruit ADXL345", "X: {mx:.2f}  Y: {my:.2f}  Z: {mz:.2f}  m/s^2 \r\n"),
    _f("ST", "Acc [mg]: X = {kx:.1f} Y = {ky:.1f} Z = {kz:.1f}\r\n"),
    _f("a unit that the numbers contradict", "Acc [mg]: X = {ax:.3f} Y = {ay:.3f} Z = {az:.3f}\r\n", asks="--unit", answer="g"),
    _f("SparkFun ICM-20948", "Scaled. Acc (mg) [ {kx:09.2f}, {ky:09.2f}, {kz:09.2f} ], Gyr (DPS) [ {gx:.2f}, {gy:.2f}, {gz:.2f} ], Mag (uT) [ {qx:.2f}, {qy:.2f}, {qz:.2f} ], Tmp (C) [ {t:.2f} ]\r\n"),
    _f("BMI160", "a:\t{cx}\t{cy}\t{cz}\tg:\t{wx}\t{wy}\t{wz}\r\n"),
    _f("i2cdev", "a/g:\t{cx}\t{cy}\t{cz}\t{wx}\t{wy}\t{wz}\r\n"),
    _f("equals and blanks", "ax={ax:.3f} ay={ay:.3f} az={az:.3f}\n"),
    _f("equals, gyroscope first", "gx={gx:.2f} gy={gy:.2f} gz={gz:.2f} ax={ax:.3f} ay={ay:.3f} az={az:.3f}\n"),
    _f("units glued", "x={ax:.3f}g y={ay:.3f}g z={az:.3f}g\r\n"),
    _f("units behind each", "X: {mx:.2f} m/s2, Y: {my:.2f} m/s2, Z: {mz:.2f} m/s2\r\n"),
    _f("mg behind each", "x {kx:.0f} mg y {ky:.0f} mg z {kz:.0f} mg\r\n"),
    _f("axes glued to numbers", "X{ax:.3f} Y{ay:.3f} Z{az:.3f}\r\n"),
    _f("words", "accel x is {mx:.2f} and y is {my:.2f} and z is {mz:.2f}\r\n"),
    _f("Accel then Gyro", "Accel: {ax:.3f}, {ay:.3f}, {az:.3f} Gyro: {gx:.2f}, {gy:.2f}, {gz:.2f}\r\n"),
    _f("Gyro then Accel", "Gyro: {gx:.2f}, {gy:.2f}, {gz:.2f} Accel: {ax:.3f}, {ay:.3f}, {az:.3f}\r\n"),
    _f("CircuitPython tuples", "Accelerometer (m/s^2): ({mx:.3f}, {my:.3f}, {mz:.3f})\r\n"),
    _f("CircuitPython BNO055", "Accelerometer (m/s^2): ({mx:.2f}, {my:.2f}, {mz:.2f})\r\nMagnetometer (microteslas): ({qx:.2f}, {qy:.2f}, {qz:.2f})\r\nGyroscope (rad/sec): ({gx:.3f}, {gy:.3f}, {gz:.3f})\r\nTemperature: {t:.1f} degrees C\r\n\r\n"),
    _f("namedtuple", "Acc(x={ax:.3f}, y={ay:.3f}, z={az:.3f})\r\n"),
    _f("dictionary of Python", "{{'x': {ax:.4f}, 'y': {ay:.4f}, 'z': {az:.4f}}}\r\n"),
    _f("dictionary with a gyroscope", "{{'AcX': {ax:.4f}, 'AcY': {ay:.4f}, 'AcZ': {az:.4f}, 'GyX': {gx:.3f}, 'GyY': {gy:.3f}, 'GyZ': {gz:.3f}}}\r\n"),
    _f("JSON, flat", '{{"ax":{ax:.3f},"ay":{ay:.3f},"az":{az:.3f}}}\n'),
    _f("JSON, nested", '{{"acc":{{"x":{ax:.3f},"y":{ay:.3f},"z":{az:.3f}}},"gyro":{{"x":{gx:.2f},"y":{gy:.2f},"z":{gz:.2f}}}}}\n'),
    _f("JSON, nested, gyroscope first", '{{"gyro":{{"x":{gx:.2f},"y":{gy:.2f},"z":{gz:.2f}}},"accel":{{"x":{ax:.3f},"y":{ay:.3f},"z":{az:.3f}}}}}\n'),
    _f("JSON, arrays", '{{"t":{ms},"acc":[{ax:.3f},{ay:.3f},{az:.3f}],"gyr":[{gx:.2f},{gy:.2f},{gz:.2f}]}}\n'),
    _f("JSON, time and id", '{{"id":"imu1","ts":{ms},"accX":{mx:.3f},"accY":{my:.3f},"accZ":{mz:.3f}}}\n'),
    _f("M5Stack", " {gx:6.2f}  {gy:6.2f}  {gz:6.2f}      o/s\r\n  {ax:5.2f}   {ay:5.2f}   {az:5.2f}   G\r\n"),
    # Several lines a sample.
    _f("a label and a time before the numbers", "ACC {ms} {ax:.3f} {ay:.3f} {az:.3f}\nGYR {ms} {gx:.2f} {gy:.2f} {gz:.2f}\n"),
    _f("a label, and the magnitude behind", "ACC {ax:.3f} {ay:.3f} {az:.3f} {norm:.3f}\n"),
    _f("letters before the numbers", "A,{ax:.3f},{ay:.3f},{az:.3f}\nG,{gx:.2f},{gy:.2f},{gz:.2f}\n"),
    _f("lines from z to x", "Z: {az:.3f}\nY: {ay:.3f}\nX: {ax:.3f}\n"),
    _f("two axes, then one", "x: {ax:.3f} y: {ay:.3f}\nz: {az:.3f}\n"),
    _f("Kalman sketch", "{gx:.2f}\t{gy:.2f}\t{gz:.2f}\t\t{qx:.2f}\t{qy:.2f}\t\t{ax:.2f}\t{ay:.2f}\t{az:.2f}\t\n"),
    _f("Serial Studio", "/*{ax:.3f},{ay:.3f},{az:.3f}*/\n"),
    _f("micro:bit", "{kx:.0f} {ky:.0f} {kz:.0f}\n"),
    _f("two numbers", "{ax:.2f},{ay:.2f}\n", asks="Print x, y and z"),
    _f("a gyroscope alone", "{gx:.2f},{gy:.2f},{gz:.2f}\n", asks="--"),
    _f("Teleplot", ">ax:{ax:.3f}\n>ay:{ay:.3f}\n>az:{az:.3f}\n"),
    _f("Teleplot with times and units", ">acc_x:{ms}:{mx:.3f}§m/s2\n>acc_y:{ms}:{my:.3f}§m/s2\n>acc_z:{ms}:{mz:.3f}§m/s2\n"),
    _f("one value a line", "X: {ax:.3f}\r\nY: {ay:.3f}\r\nZ: {az:.3f}\r\n"),
    _f("one value a line, and more", "AccX:{ax:.3f}\r\nAccY:{ay:.3f}\r\nAccZ:{az:.3f}\r\nGyroX:{gx:.2f}\r\nGyroY:{gy:.2f}\r\nGyroZ:{gz:.2f}\r\nTemp:{t:.2f}\r\n"),
    _f("title, then a value a line", "Accelerometer:\r\nX = {mx:.2f} m/s^2\r\nY = {my:.2f} m/s^2\r\nZ = {mz:.2f} m/s^2\r\n\r\n"),
    _f("a rule between samples", "x = {ax:.3f}, y = {ay:.3f}, z = {az:.3f}\r\n--------------------\r\n"),
    # Logs.
    _f("ESP-IDF", "I ({ms}) mpu6050: acce_x:{ax:.2f}, acce_y:{ay:.2f}, acce_z:{az:.2f}\n"),
    _f("ESP-IDF in colour", "\x1b[0;32mI ({ms}) MPU6050: ax: {ax:.3f}, ay: {ay:.3f}, az: {az:.3f}\x1b[0m\r\n"),
    _f("ESP-IDF, bare numbers", "I ({ms}) imu: {ax:.3f} {ay:.3f} {az:.3f}\n"),
    _f("Zephyr", "[00:00:{s:06.3f},000] <inf> main: accel x:{mx:.3f} y:{my:.3f} z:{mz:.3f}\r\n"),
    _f("Arduino's time stamp", "12:31:{s:06.3f} -> {ax:.2f},{ay:.2f},{az:.2f}\r\n"),
    _f("Python's logging", "2024-05-17 12:31:05,123 INFO imu: x={ax:.3f} y={ay:.3f} z={az:.3f}\n"),
    _f("INFO before", "INFO: {ax:.3f}, {ay:.3f}, {az:.3f}\r\n"),
    Sketch("a log line now and then", _alternate(100, "{ax:.3f},{ay:.3f},{az:.3f}\r\n", "I ({ms}) wifi: rssi -61, 3 clients\r\n")),
    Sketch("a battery now and then", _alternate(50, "{ax:.3f},{ay:.3f},{az:.3f}\r\n", "battery: 3.91 V\r\n")),
    # Headers.
    Sketch("header, then gyroscope first", _header("gx,gy,gz,ax,ay,az", "{gx:.2f},{gy:.2f},{gz:.2f},{ax:.3f},{ay:.3f},{az:.3f}\r\n")),
    Sketch("header with slashes", _header("t/gx/gy/gz/ax/ay/az/temp", "{ms} {gx:.2f} {gy:.2f} {gz:.2f} {ax:.3f} {ay:.3f} {az:.3f} {t:.1f}\r\n")),
    Sketch("header every second", _header("X,Y,Z", "{ax:.3f},{ay:.3f},{az:.3f}\r\n", every=100)),
    Sketch("header with units", _header("time (ms),acc_x (m/s2),acc_y (m/s2),acc_z (m/s2)", "{ms},{mx:.3f},{my:.3f},{mz:.3f}\r\n")),
    Sketch("header of a quaternion too", _header("w,x,y,z,ax,ay,az", "0.5,0.5,0.5,0.5,{ax:.3f},{ay:.3f},{az:.3f}\r\n")),
    Sketch("header, axis before sensor", _header("x_gyro,y_gyro,z_gyro,x_acc,y_acc,z_acc", "{gx:.2f},{gy:.2f},{gz:.2f},{ax:.3f},{ay:.3f},{az:.3f}\r\n")),
    Sketch("Arduino's classifier", _header("aX,aY,aZ,gX,gY,gZ", "{ax:.3f},{ay:.3f},{az:.3f},{gx:.3f},{gy:.3f},{gz:.3f}\r\n")),
    Sketch("Edge Impulse", _header("timestamp,accX,accY,accZ", "{ms},{mx:.4f},{my:.4f},{mz:.4f}\r\n")),
    Sketch("tabs under a header", _header("ax\tay\taz\tgx\tgy\tgz", "{ax:.3f}\t{ay:.3f}\t{az:.3f}\t{gx:.2f}\t{gy:.2f}\t{gz:.2f}\r\n")),
    Sketch("header of linear acceleration", _header("lin_x,lin_y,lin_z", "{ax:.3f},{ay:.3f},{az:.3f}\r\n"), asks="--columns"),
    # Unnamed columns.
    _f("gyroscope first", "{gx:.2f},{gy:.2f},{gz:.2f},{ax:.3f},{ay:.3f},{az:.3f}\r\n"),
    _f("gyroscope behind, counts", "{cx}\t{cy}\t{cz}\t{wx}\t{wy}\t{wz}\r\n"),
    _f("nine columns", "{mx:.2f},{my:.2f},{mz:.2f},{gx:.2f},{gy:.2f},{gz:.2f},{qx:.2f},{qy:.2f},{qz:.2f}\r\n"),
    _f("nine columns and a time", "{ms},{ax:.3f},{ay:.3f},{az:.3f},{gx:.2f},{gy:.2f},{gz:.2f},{qx:.2f},{qy:.2f},{qz:.2f}\r\n"),
    _f("a temperature between", "{cx},{cy},{cz},{t:.2f},{wx},{wy},{wz}\r\n"),
    _f("node id first", "7,{ax:.3f},{ay:.3f},{az:.3f}\r\n"),
    _f("node id, counter", "7,{i},{ax:.3f},{ay:.3f},{az:.3f}\r\n"),
    _f("counter first", "{i},{ax:.3f},{ay:.3f},{az:.3f}\r\n"),
    _f("microseconds first", "{us},{mx:.3f},{my:.3f},{mz:.3f}\r\n"),
    _f("seconds first", "{s:.3f} {ax:.3f} {ay:.3f} {az:.3f}\r\n"),
    _f("milliseconds last", "{ax:.3f},{ay:.3f},{az:.3f},{ms}\r\n"),
    _f("magnitude last", "{ax:.3f},{ay:.3f},{az:.3f},{norm:.3f}\r\n"),
    _f("magnitude first", "{mnorm:.3f} {mx:.3f} {my:.3f} {mz:.3f}\r\n"),
    _f("temperature last", "{ax:.3f},{ay:.3f},{az:.3f},{t:.2f}\r\n"),
    _f("temperature first", "{t:.2f},{ax:.3f},{ay:.3f},{az:.3f}\r\n"),
    Sketch("quaternion first", lambda row: _csv(*_quaternion(row), *row.ms2, digits=4)),
    Sketch("quaternion behind", lambda row: _csv(*row.acc_g, *_quaternion(row), digits=4)),
    Sketch("a time, a quaternion", lambda row: _csv(row.ms, *_quaternion(row), *row.acc_g, digits=4)),
    Sketch("a quaternion alone", lambda row: _csv(*_quaternion(row), digits=4), asks="--columns"),
    # Damage and other ways to write.
    Sketch("nan lines", _nan_every(50, "{ax:.3f},{ay:.3f},{az:.3f}\r\n", "nan,nan,nan\r\n"), missing_every=50),
    Sketch("ovf and inf", _nan_every(50, "{ax:.3f},{ay:.3f},{az:.3f}\r\n", "nan,ovf,inf\r\n"), missing_every=50),
    Sketch("null in JSON", _nan_every(50, '{{"x":{ax:.3f},"y":{ay:.3f},"z":{az:.3f}}}\n', '{"x":null,"y":null,"z":null}\n'), missing_every=50),
    Sketch("decimal commas, semicolons", lambda row: _comma(_csv(*row.acc_g, between=";"))),
    Sketch("decimal commas, commas", lambda row: _comma(_csv(*row.acc_g, digits=2))),
    Sketch("decimal commas, tabs", lambda row: _comma(_csv(*row.ms2, digits=2, between="\t"))),
    Sketch("decimal commas with names", lambda row: _comma("X: {:.2f} Y: {:.2f} Z: {:.2f}\r\n".format(*row.acc_g))),
    _f("UTF-16", "{ax:.3f},{ay:.3f},{az:.3f}\r\n", encoding="utf-16-le"),
    _f("UTF-16, big end first", "{ax:.3f},{ay:.3f},{az:.3f}\r\n", encoding="utf-16-be"),
    _f("UTF-8 with a micro sign", "µs {us} x {ax:.3f} y {ay:.3f} z {az:.3f}\n", encoding="utf-8"),
    _f("superscript two", "x: {mx:.2f} y: {my:.2f} z: {mz:.2f} m/s²\n", encoding="utf-8"),
    _f("degrees", "ax {ax:.2f} ay {ay:.2f} az {az:.2f} pitch {gx:.1f}° roll {gy:.1f}°\n", encoding="utf-8"),
    _f("WitMotion's text", "Acc:{ax:.2f} {ay:.2f} {az:.2f}\tGyro:{gx:.2f} {gy:.2f} {gz:.2f}\tAngle:{qx:.2f} {qy:.2f} {qz:.2f}\r\n"),
    _f("hexadecimal id", "0x68 {ax:.3f} {ay:.3f} {az:.3f}\r\n"),
    _f("dev id in brackets", "[3] {ax:.3f} {ay:.3f} {az:.3f}\r\n"),
    _f("plus signs", "{ax:+.3f} {ay:+.3f} {az:+.3f}\r\n"),
    _f("zeros in front", "{ax:+08.3f},{ay:+08.3f},{az:+08.3f}\r\n"),
    _f("phyphox", "{s:.6f}\t{mx:.6f}\t{my:.6f}\t{mz:.6f}\t{mnorm:.6f}\n"),
    _f("two accelerometers", "a1x:{ax:.3f} a1y:{ay:.3f} a1z:{az:.3f} a2x:{az:.3f} a2y:{ax:.3f} a2z:{ay:.3f}\n", asks="--columns", answer="a1x,a1y,a1z"),
    _f("roll and pitch before", "roll:{gx:.1f} pitch:{gy:.1f} yaw:{gz:.1f} ax:{ax:.3f} ay:{ay:.3f} az:{az:.3f}\n"),
    _f("linear and whole", "lax:{gx:.2f},lay:{gy:.2f},laz:{gz:.2f},ax:{mx:.2f},ay:{my:.2f},az:{mz:.2f}\n"),
    Sketch("user acceleration of a phone", lambda row: json.dumps({"userAcceleration": {"x": row.acc_g[0], "y": row.acc_g[1], "z": row.acc_g[2]}}) + "\n", asks="--columns"),
    Sketch("phone with gravity", lambda row: json.dumps({"accelerationIncludingGravity": {"x": row.ms2[0], "y": row.ms2[1], "z": row.ms2[2]}, "interval": 16}) + "\n"),
    # Libraries, boards and devices, as their examples print.
    _f("MPU6050_light","X : {ax:.2f}\tY : {ay:.2f}\tZ : {az:.2f}\r\n"),
    _f("MPU6050_light GetAllData","TEMPERATURE: {t:.2f}\r\nACCELERO  X: {ax:.2f}\tY: {ay:.2f}\tZ: {az:.2f}\r\nGYRO      X: {gx:.2f}\tY: {gy:.2f}\tZ: {gz:.2f}\r\nACC ANGLE X: {qx:.2f}\tY: {qy:.2f}\r\nANGLE     X: {qx:.2f}\tY: {qy:.2f}\tZ: {qz:.2f}\r\n=====================================================\r\n"),
    _f("MPU6050_tockn","=======================================================\r\ntemp : {t:.2f}\r\naccX : {ax:.2f}\taccY : {ay:.2f}\taccZ : {az:.2f}\r\ngyroX : {gx:.2f}\tgyroY : {gy:.2f}\tgyroZ : {gz:.2f}\r\naccAngleX : {qx:.2f}\taccAngleY : {qy:.2f}\r\nangleX : {qx:.2f}\tangleY : {qy:.2f}\tangleZ : {qz:.2f}\r\n=======================================================\r\n\r\n"),
    _f("SparkFun LSM9DS1","A: {ax:.2f}, {ay:.2f}, {az:.2f} g\r\nG: {gx:.2f}, {gy:.2f}, {gz:.2f} deg/s\r\nM: {qx:.2f}, {qy:.2f}, {qz:.2f} gauss\r\nPitch, Roll: {gx:.2f}, {gy:.2f}\r\nHeading: {gz:.2f}\r\n\r\n"),
    _f("SparkFun LSM6DS3","\r\nAccelerometer:\r\n X = {ax:.4f}\r\n Y = {ay:.4f}\r\n Z = {az:.4f}\r\n\r\nGyroscope:\r\n X = {gx:.4f}\r\n Y = {gy:.4f}\r\n Z = {gz:.4f}\r\n\r\nThermometer:\r\n Degrees C = {t:.4f}\r\n"),
    _f("SparkFun MMA8452Q","{ax:.3f}\t{ay:.3f}\t{az:.3f}\tPortrait Up\r\n"),
    _f("SparkFun BNO080 linear","{mx:.2f},{my:.2f},{mz:.2f},3,\r\n"),
    _f("BNO055 sketch","Orientation: {gx:.4f} {gy:.4f} {gz:.4f}\t\tAccel: {mx:.2f} {my:.2f} {mz:.2f}\r\n"),
    _f("Adafruit BNO055 all","Accl: x= {mx:.2f} |\ty= {my:.2f} |\tz= {mz:.2f}\r\nMag: x= {qx:.2f} |\ty= {qy:.2f} |\tz= {qz:.2f}\r\nGyro: x= {gx:.2f} |\ty= {gy:.2f} |\tz= {gz:.2f}\r\nLinear: x= {gx:.2f} |\ty= {gy:.2f} |\tz= {gz:.2f}\r\nGravity: x= 0.00 |\ty= 0.00 |\tz= 9.81\r\ntemperature: 27\r\n\r\nCalibration: Sys=0 Gyro=3 Accel=0 Mag=0\r\n--\r\n"),
    _f("Adafruit sensorlab","{mx:.4f}, {my:.4f}, {mz:.4f}, {gx:.4f}, {gy:.4f}, {gz:.4f}, {qx:.4f}, {qy:.4f}, {qz:.4f}\r\n"),
    _f("MotionCal","Raw:{cx},{cy},{cz},{wx},{wy},{wz},123,-45,381\r\n"),
    _f("MotionCal Uni","Uni:{mx:.2f},{my:.2f},{mz:.2f},{gx:.4f},{gy:.4f},{gz:.4f},{qx:.2f},{qy:.2f},{qz:.2f}\r\n"),
    _f("jrowberg teapot off","a/g/m:\t{cx}\t{cy}\t{cz}\t{wx}\t{wy}\t{wz}\t120\t-33\t401\r\n"),
    _f("jrowberg ypr","ypr\t{gx:.2f}\t{gy:.2f}\t{gz:.2f}\r\n",asks="--columns"),
    _f("jrowberg areal","areal\t{cx}\t{cy}\t{cz}\r\n",asks="--columns"),
    _f("Grove ADXL345","values of X , Y , Z: {cx} , {cy} , {cz}\r\nX={ax:.2f} g\r\nY={ay:.2f} g\r\nZ={az:.2f} g\r\n**********************\r\n"),
    _f("DFRobot","Acc x: {kx:.0f} mg \ty: {ky:.0f} mg \tz: {kz:.0f} mg\r\n"),
    _f("DFRobot BMX160","M  X: {qx:.2f}  Y: {qy:.2f}  Z: {qz:.2f}  uT\r\nG  X: {gx:.2f}  Y: {gy:.2f}  Z: {gz:.2f}  g\r\nA  X: {mx:.2f}  Y: {my:.2f}  Z: {mz:.2f}  m/s^2\r\n\r\n"),
    _f("Elegoo","Accel[X: {ax:.2f} Y: {ay:.2f} Z: {az:.2f}] Gyro[X: {gx:.2f} Y: {gy:.2f} Z: {gz:.2f}]\r\n"),
    _f("ESP32 JSON serialised pretty",'{{\r\n  "x": {ax:.3f},\r\n  "y": {ay:.3f},\r\n  "z": {az:.3f}\r\n}}\r\n'),
    _f("ArduinoJson with type",'{{"sensor":"acc","data":{{"x":{mx:.2f},"y":{my:.2f},"z":{mz:.2f}}},"ts":{ms}}}\r\n'),
    _f("MicroPython dict of tuples","{{'accel': ({ax:.4f}, {ay:.4f}, {az:.4f}), 'gyro': ({gx:.3f}, {gy:.3f}, {gz:.3f})}}\r\n"),
    _f("MicroPython print of several","x: {ax:.3f} y: {ay:.3f} z: {az:.3f} temp: {t:.1f}\r\n"),
    _f("MicroPython mpu6050 vector3d","<vector3d: {ax:.3f}, {ay:.3f}, {az:.3f}>\r\n",),
    _f("CircuitPython X:0.00 m/s^2","Acceleration: X:{mx:.2f}, Y: {my:.2f}, Z: {mz:.2f} m/s^2\r\nGyro X:{gx:.2f}, Y: {gy:.2f}, Z: {gz:.2f} radians/s\r\n\r\n"),
    _f("CPX raw tuple with name","Accel: (x={mx:.5f}, y={my:.5f}, z={mz:.5f})\r\n"),
    _f("micro:bit makecode","x:{kx:.0f}\r\ny:{ky:.0f}\r\nz:{kz:.0f}\r\n"),
    _f("micro:bit write numbers","{kx:.0f},{ky:.0f},{kz:.0f},\r\n"),
    _f("LEGO/Pybricks vector","Matrix([\r\n    [{mx:.4f}],\r\n    [{my:.4f}],\r\n    [{mz:.4f}],\r\n])\r\n", asks="Print x, y and z"),
    _f("mbed","x={ax:+.3f}, y={ay:+.3f}, z={az:+.3f}, tap=0\r\n"),
    _f("STM32 HAL","ACC_X:{kx:.0f}, ACC_Y:{ky:.0f}, ACC_Z:{kz:.0f}\r\nGYR_X:{gx:.0f}, GYR_Y:{gy:.0f}, GYR_Z:{gz:.0f}\r\n"),
    _f("STM32 LIS2DW12 driver","Acceleration [mg]:{kx:4.2f}\t{ky:4.2f}\t{kz:4.2f}\r\n"),
    _f("STM32 lsm6dsl driver all","Acceleration [mg]:{kx:4.2f}\t{ky:4.2f}\t{kz:4.2f}\r\nAngular rate [mdps]:{gx:4.2f}\t{gy:4.2f}\t{gz:4.2f}\r\nTemperature [degC]:{t:6.2f}\r\n"),
    _f("Zephyr sensor sample","[00:00:12.345,678] <inf> main:    accel ({mx:.6f}, {my:.6f}, {mz:.6f}) m/s/s\r\n"),
    _f("Zephyr lis2dh","#{i} @ {ms} ms: x {mx:.6f} , y {my:.6f} , z {mz:.6f}\r\n"),
    _f("Nordic","accel: X={mx:.3f} Y={my:.3f} Z={mz:.3f} (m/s^2); gyro: X={gx:.3f} Y={gy:.3f} Z={gz:.3f} (rad/s)\r\n"),
    _f("ROS echo","linear_acceleration: \r\n  x: {mx:.6f}\r\n  y: {my:.6f}\r\n  z: {mz:.6f}\r\n", asks="--columns"),
    _f("Razor","#YPR={gx:.2f},{gy:.2f},{gz:.2f}\r\n",asks="--columns"),
    _f("Razor acc","#A-C={mx:.2f},{my:.2f},{mz:.2f}\r\n#M-C={qx:.2f},{qy:.2f},{qz:.2f}\r\n#G-C={gx:.2f},{gy:.2f},{gz:.2f}\r\n"),
    _f("OpenLog","01/02/2000,12:31:05.12,{ax:.3f},{ay:.3f},{az:.3f},{gx:.2f},{gy:.2f},{gz:.2f},{t:.2f},99.9,\r\n"),
    _f("NMEA-like","$IMU,{ms},{ax:.3f},{ay:.3f},{az:.3f},{gx:.2f},{gy:.2f},{gz:.2f}*4F\r\n"),
    _f("VectorNav","$VNACC,{mx:+08.3f},{my:+08.3f},{mz:+08.3f}*58\r\n"),
    _f("VectorNav IMU","$VNIMU,+01.0,-00.3,+02.1,{mx:+08.3f},{my:+08.3f},{mz:+08.3f},{gx:+010.6f},{gy:+010.6f},{gz:+010.6f},+24.1,+099.1*5C\r\n"),
    _f("x-io CSV","I,{us},{gx:.4f},{gy:.4f},{gz:.4f},{ax:.4f},{ay:.4f},{az:.4f}\r\n"),
    _f("Puck.js",'{{ "acc": {{ "x": {cx}, "y": {cy}, "z": {cz} }}, "gyro": {{ "x": {wx}, "y": {wy}, "z": {wz} }} }}\r\n'),
    _f("Bangle.js",'{{ "x": {ax:.10f}, "y": {ay:.10f}, "z": {az:.10f}, "diff": 0.03, "mag": {norm:.10f} }}\r\n'),
    _f("Bangle.js CSV","{ms},{cx},{cy},{cz}\r\n"),
    _f("ADXL375 g one decimal","X: {ax:.1f}\tY: {ay:.1f}\tZ: {az:.1f}\r\n",tolerance_g=0.06),
    _f("labels behind","{ax:.3f} x {ay:.3f} y {az:.3f} z\r\n"),
    _f("gforce names","gF-X: {ax:.2f} gF-Y: {ay:.2f} gF-Z: {az:.2f}\r\n"),
    _f("gForceX","gForceX={ax:.2f} gForceY={ay:.2f} gForceZ={az:.2f}\r\n"),
    _f("rotX before","Gyro (deg) X={gx:.2f} Y={gy:.2f} Z={gz:.2f} Accel (g) X={ax:.2f} Y={ay:.2f} Z={az:.2f}\r\n"),
    _f("aX g with labels","aX={ax:.2f}g aY={ay:.2f}g aZ={az:.2f}g gX={gx:.1f}dps gY={gy:.1f}dps gZ={gz:.1f}dps\r\n"),
    _f("German","Beschleunigung X: {mx:.2f} Y: {my:.2f} Z: {mz:.2f}\r\n"),
    _f("Spanish","Aceleracion en X: {mx:.2f}\tAceleracion en Y: {my:.2f}\tAceleracion en Z: {mz:.2f}\r\n"),
    _f("Portuguese","Acelerometro: x = {ax:.2f} y = {ay:.2f} z = {az:.2f} Giroscopio: x = {gx:.2f} y = {gy:.2f} z = {gz:.2f}\r\n"),
    _f("French","accélération x={mx:.2f} y={my:.2f} z={mz:.2f} gyroscope x={gx:.2f} y={gy:.2f} z={gz:.2f}\r\n",encoding="utf-8"),
    _f("German gyro too","Gyroskop: {gx:.2f} {gy:.2f} {gz:.2f} Beschleunigungssensor: {ax:.3f} {ay:.3f} {az:.3f}\r\n"),
    _f("emoji","\U0001F4C8 x={ax:.3f} y={ay:.3f} z={az:.3f}\r\n",encoding="utf-8"),
    _f("LabVIEW tabs with time","{s:.4f}\t{ax:.4f}\t{ay:.4f}\t{az:.4f}\t\r\n"),
    _f("percent of a plotter fixed min max","Min:-20,Max:20,X:{mx:.2f},Y:{my:.2f},Z:{mz:.2f}\r\n"),
    _f("bare min max","-20,20,{mx:.2f},{my:.2f},{mz:.2f}\r\n"),
    _f("acc and magnitude names","ax:{ax:.3f},ay:{ay:.3f},az:{az:.3f},mag:{norm:.3f}\r\n"),
    _f("total before","A_total: {norm:.3f} A_x: {ax:.3f} A_y: {ay:.3f} A_z: {az:.3f}\r\n"),
    _f("button and acc","{ax:.3f},{ay:.3f},{az:.3f},0,1\r\n"),
    _f("gyro deg unnamed 6 then temp","{t:.2f} {gx:.1f} {gy:.1f} {gz:.1f} {mx:.2f} {my:.2f} {mz:.2f}\r\n"),
    _f("acceleration twice, unnamed","{t:.2f} {ax:.3f} {ay:.3f} {az:.3f} {mx:.2f} {my:.2f} {mz:.2f}\r\n", asks="--columns", answer="2,3,4"),
    Sketch("CSV header in mid-stream", lambda row: ("ax,ay,az,gx,gy,gz\r\n" if row.index==350 else "")+_csv(*row.acc_g,*row.gyro)),
    Sketch("header in mid-stream, gyro first", lambda row: ("gx,gy,gz,ax,ay,az\r\n" if row.index%200==60 else "")+_csv(*row.gyro,*row.acc_g)),
    Sketch("gyroscope in rad/s, then g, unnamed", lambda row: _csv(*(row.gyro*0.01745),*row.acc_g)),
    Sketch("g, then gyroscope in rad/s, counts time", lambda row: _csv(row.ms * 1000,*row.acc_g,*(row.gyro*0.01745))),
    Sketch("counts wrong axis text hex", lambda row: " ".join(f"{v & 0xffff:04X}" for v in row.counts(16384))+"\r\n", asks="--columns"),
    Sketch("micro g", lambda row: _csv(*(int(1e6*v) for v in row.acc_g)), asks="--unit"),
    Sketch("counts 12 bit left justified", lambda row: _csv(*(16*round(1024*v) for v in row.acc_g))),
    Sketch("MMA7361 mV", lambda row: _csv(*(1650+round(800*v) for v in row.acc_g)),asks="--unit"),
    Sketch("MPU at 500 dps gyro first counts", lambda row: "\t".join(map(str,[*row.gyro_counts,*row.counts(8192)]))+"\r\n"),
    # Names behind the numbers, in lists, in one word with the axis.
    _f("SparkFun LIS2DH12", "Acc [mg]: {kx:.1f} x, {ky:.1f} y, {kz:.1f} z, {t:.1f}C\r\n"),
    _f("lists of axes", "Gyro (x, y, z): ({gx:.2f}, {gy:.2f}, {gz:.2f}), Accel (x, y, z): ({ax:.3f}, {ay:.3f}, {az:.3f})\r\n"),
    _f("a list of names", "gx gy gz ax ay az = {gx:.2f} {gy:.2f} {gz:.2f} {ax:.3f} {ay:.3f} {az:.3f}\n"),
    _f("Grove ADXL335", "value of X/Y/Z: {wx}\t{wy}\t{wz}\r\naccleration of X/Y/Z: {ax:.3f} g\t{ay:.3f} g\t{az:.3f} g\r\n"),
    _f("registers", "ACCEL_XOUT={cx} ACCEL_YOUT={cy} ACCEL_ZOUT={cz} GYRO_XOUT={wx} GYRO_YOUT={wy} GYRO_ZOUT={wz}\r\n"),
    _f("two tuples of bare names", "({{'x': {mx:.4f}, 'y': {my:.4f}, 'z': {mz:.4f}}}, {{'x': {gx:.4f}, 'y': {gy:.4f}, 'z': {gz:.4f}}}, {t:.2f})\n"),
    # A sensor printed twice, under titles, beside words that change.
    _f("Adafruit MMA8451", "X:\t{cx}\tY:\t{cy}\tZ:\t{cz}\r\nX: \t{mx:.2f}\tY: \t{my:.2f}\tZ: \t{mz:.2f}\tm/s^2 \r\nPortrait Up Front\r\n\r\n"),
    _f("SparkFun ADXL337", "X: {wx}\r\nY: {wy}\r\nZ: {wz}\r\nX: {ax:.3f} g\r\nY: {ay:.3f} g\r\nZ: {az:.3f} g\r\n\r\n"),
    _f("titles without a colon", "--- acc (g) ---\r\n{ax:.3f}\t{ay:.3f}\t{az:.3f}\r\n--- gyro ---\r\n{gx:.2f}\t{gy:.2f}\t{gz:.2f}\r\n"),
    _f("titles with braces", "{{\n\t\"gyro\": {{\n\t\t\"x\": {gx:.3f},\n\t\t\"y\": {gy:.3f},\n\t\t\"z\": {gz:.3f}\n\t}},\n\t\"accel\": {{\n\t\t\"x\": {mx:.3f},\n\t\t\"y\": {my:.3f},\n\t\t\"z\": {mz:.3f}\n\t}}\n}}\n"),
    Sketch("a gyroscope by the line above its header", _header("Started\r\nGyroscope in degrees/second\r\nX\tY\tZ", "{gx:.2f}\t{gy:.2f}\t{gz:.2f}\r\n"), asks="--columns"),
    Sketch("messages that name a gyroscope", _alternate(30, "{ax:.3f},{ay:.3f},{az:.3f}\r\n", "gyro ok\r\n")),
    Sketch("a state at the end", lambda row: "{:.3f},{:.3f},{:.3f},{}\n".format(*row.acc_g, ["IDLE", "MOVE", "TAP"][row.index // 25 % 3])),
    Sketch("a word for the tilt", lambda row: "X: {:.3f} Y: {:.3f} Z: {:.3f} -> {}\n".format(*row.acc_g, "left" if row.acc_g[0] < 0.5 else "right")),
    _f("a rule between bare numbers", "{ax:.3f},{ay:.3f},{az:.3f}\r\n--------\r\n"),
    _f("a short word between bare numbers", "{ax:.3f},{ay:.3f},{az:.3f}\r\nTT\r\n"),
    # Numbers and units in other writing.
    Sketch("checksums", lambda row: _checked("ACC,{:.3f},{:.3f},{:.3f}".format(*row.acc_g))),
    Sketch("Zephyr's negative numbers", lambda row: "AX: {}; AY: {}; AZ: {}\n".format(*map(_zephyr, row.ms2))),
    _f("Zephyr's unit", "accel x:{mx:.6f} ms/2 y:{my:.6f} ms/2 z:{mz:.6f} ms/2\r\ngyro x:{gx:.6f} rad/s y:{gy:.6f} rad/s z:{gz:.6f} rad/s\r\n"),
    Sketch("cm/s2", lambda row: "X:{:.0f} cm/s^2, Y:{:.0f} cm/s^2, Z:{:.0f} cm/s^2\n".format(*100 * row.ms2)),
    Sketch("a time and decimal commas", lambda row: _comma(f"{row.ms};" + _csv(*row.ms2, digits=2, between=";"))),
    Sketch("a German date and decimal commas", lambda row: f"17.05.2024 12:31:{row.ms % 60000 / 1000:06.3f};" + _comma(_csv(*row.acc_g, between=";"))),
    Sketch("the minus sign of Unicode", lambda row: "X: {:.3f} Y: {:.3f} Z: {:.3f}\n".format(*row.acc_g).replace("-", "\u2212"), encoding="utf-8"),
    Sketch("signs apart", lambda row: " ".join(f"{axis}:{'+-'[int(v < 0)]} {abs(v):.3f}" for axis, v in zip("XYZ", row.acc_g, strict=True)) + "\n"),
    Sketch("levels of a log", lambda row: f"{'IW'[row.index % 40 == 0]} ({row.ms}) imu: " + _csv(*row.acc_g)),
    _f("elements of XML", "<x>{ax:.3f}</x><y>{ay:.3f}</y><z>{az:.3f}</z>\n"),
    _f("angles, then bare axes", "Pitch: {gx:.1f} Roll: {gy:.1f} | X: {ax:.3f} Y: {ay:.3f} Z: {az:.3f}\n"),
    _f("G-Force", "G-Force X: {ax:.3f} Y: {ay:.3f} Z: {az:.3f}\n"),
    _f("a gyroscope that is not there", "{ax:.3f},{ay:.3f},{az:.3f},nan,nan,nan\n"),
    # Evidence.
    _f("nine columns and a temperature", "{mx:.3f},{my:.3f},{mz:.3f},{gx:.2f},{gy:.2f},{gz:.2f},{qx:.2f},{qy:.2f},{qz:.2f},{t:.2f}\n"),
    Sketch("linear acceleration", lambda row: _csv(*(9.80665 * (row.acc_g - [0.55, -0.62, 0.56]))), asks="--unit"),
    Sketch("hundredths of g", lambda row: _csv(*(round(100 * value) for value in row.acc_g)), asks="--unit", answer="raw:100"),
    Sketch("steps of a loop", lambda row: _csv(*row.acc_g, 10 + row.index**2 % 7 % 3)),
    Sketch("unsigned bytes", lambda row: _csv(*(128+round(32*v) for v in row.acc_g)),asks="--unit"),
)  # fmt: skip
