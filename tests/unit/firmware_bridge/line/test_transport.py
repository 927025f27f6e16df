"""Ports: opened by URL, read without loss, and every failure a sentence that says what to do."""

import errno
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import serial

from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort
from edgehar.firmware_bridge.line.serial_port import list_ports
from edgehar.firmware_bridge.line.transport import MemoryTransport, Transport, is_unplugged
from edgehar.models.errors import BridgeError, UsageError


def read_until(transport: Transport, count: int) -> bytes:
    """Read at least ``count`` bytes."""
    data = b""
    while len(data) < count:
        data += transport.read(timeout_s=5.0)
    return data


@pytest.fixture
def port() -> Iterator[VirtualPort]:
    """A virtual port."""
    virtual = VirtualPort()
    yield virtual
    virtual.close()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A listening socket."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_memory_gives_its_chunks_then_is_unplugged() -> None:
    line = MemoryTransport([b"a", b"", b"b"])
    assert [line.read(timeout_s=1) for _ in range(3)] == [b"a", b"", b"b"]
    line.write(b"hello")
    assert line.written == b"hello"
    with pytest.raises(BridgeError) as caught:
        line.read(timeout_s=1)
    assert is_unplugged(caught.value)


def test_a_pty_reads_and_writes(port: VirtualPort) -> None:
    transport = open_transport(port.name)
    assert transport.read(timeout_s=0.01) == b""
    data = bytes(range(256)) * 4
    port.send(data, timeout_s=1.0)
    assert read_until(transport, len(data)) == data
    transport.write(b"to the device")
    assert os.read(port._end, 100) == b"to the device"
    transport.close()
    transport.close()


def test_two_programs_on_one_port(port: VirtualPort) -> None:
    first = open_transport(port.name)
    with pytest.raises(BridgeError) as caught:
        open_transport(port.name)
    assert caught.value.details["reason"] == "busy"
    assert "another program" in str(caught.value)
    first.close()
    open_transport(port.name).close()


def test_unplugged_while_reading(port: VirtualPort) -> None:
    transport = open_transport(port.name)
    port.close()
    with pytest.raises(BridgeError) as caught:
        transport.read(timeout_s=1.0)
    assert is_unplugged(caught.value)
    with pytest.raises(BridgeError):
        transport.write(b"x")
    transport.close()


def test_a_missing_port(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match=r"there is no such port.*har ports") as caught:
        open_transport(str(tmp_path / "ttyUSB7"))
    assert caught.value.details["reason"] == "missing"


def test_a_file_is_no_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("0,0,1\n")
    with pytest.raises(BridgeError) as caught:
        open_transport(str(tmp_path / "file"))
    assert caught.value.details["reason"] == "not_a_port"


def test_permission_denied_names_the_group(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch(0o660)

    def refuse(*args: Any, **options: Any) -> None:
        raise serial.SerialException(errno.EACCES, f"could not open port {device}: Permission denied")

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    import grp

    group = grp.getgrgid(device.stat().st_gid).gr_name
    device.chmod(0o660)
    with pytest.raises(BridgeError, match=f"permission denied. Join the group {group}") as caught:
        open_transport(str(device))
    assert caught.value.details["reason"] == "denied"
    device.chmod(0o600)
    with pytest.raises(BridgeError, match="Ask the owner"):
        open_transport(str(device))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="not for this machine: only root can give up its rights"
)
def test_permission_denied_by_the_system(port: VirtualPort) -> None:
    Path(port.device).chmod(0o600)
    os.seteuid(65534)
    try:
        with pytest.raises(BridgeError, match="permission denied"):
            open_transport(port.device)
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    "url", ["ftp://x", "socket://", "socket://host", "socket://host:0", "socket://h:99999", "rfc2217://h"]
)
def test_urls_that_mean_nothing(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_transport(url)
    assert repr(url) in str(caught.value)


@pytest.mark.parametrize("baud", [0, -9600])
def test_baud_rates_that_cannot_be(baud: int) -> None:
    with pytest.raises(UsageError, match="baud"):
        open_transport("loop://", baud=baud)


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_nobody_listens(scheme: str, server: socket.socket) -> None:
    address = server.getsockname()[1]
    server.close()
    with pytest.raises(BridgeError) as caught:
        open_transport(f"{scheme}://127.0.0.1:{address}")
    assert caught.value.details["reason"] == "refused"
    assert "refused" in str(caught.value)


def test_loop() -> None:
    transport = open_transport("loop://")
    transport.write(b"there and back")
    assert read_until(transport, 14) == b"there and back"
    transport.close()


def test_tcp_loses_neither_the_first_nor_the_last_bytes(server: socket.socket) -> None:
    data = os.urandom(300_000)

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(data)

    thread = threading.Thread(target=serve)
    thread.start()
    transport = open_transport(f"socket://127.0.0.1:{server.getsockname()[1]}")
    thread.join()
    assert read_until(transport, len(data)) == data
    with pytest.raises(BridgeError) as caught:
        transport.read(timeout_s=1.0)
    assert is_unplugged(caught.value)
    transport.close()


def test_tcp_waits_and_writes(server: socket.socket) -> None:
    transport = open_transport(f"socket://127.0.0.1:{server.getsockname()[1]}")
    connection, _ = server.accept()
    with connection:
        assert transport.read(timeout_s=0.01) == b""
        transport.write(b"ping")
        assert connection.recv(10) == b"ping"
    transport.close()


def test_ports_are_listed_with_usb_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from serial.tools import list_ports as pyserial_list
    from serial.tools.list_ports_common import ListPortInfo

    plain, usb = ListPortInfo("/dev/ttyS0"), ListPortInfo("/dev/ttyUSB0")
    usb.vid, usb.pid, usb.serial_number, usb.description, usb.manufacturer = 0x2341, 0x43, "A1", "Uno", "Arduino"
    monkeypatch.setattr(pyserial_list, "comports", lambda: [plain, usb])
    first, second = list_ports()
    assert (first.device, first.usb, first.serial_number, first.description) == (
        "/dev/ttyUSB0",
        "2341:0043",
        "A1",
        "Uno",
    )
    assert (second.device, second.usb, second.manufacturer) == ("/dev/ttyS0", "", "")
