"""What sketches print: formats as they stand in public code of Arduino, MicroPython, ESP-IDF and sensor makers.

Each writes the same walk of a virtual wearer, so that what is read can be compared with what was written.
"""

# ruff: noqa: E501 (a table of formats is read line by line)
import json
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
    _f("two numbers", "{ax:.2f},{ay:.2f}\n", asks="--columns"),
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
)  # fmt: skip
