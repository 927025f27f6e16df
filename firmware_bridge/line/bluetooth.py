"""Bluetooth Low Energy as a line, through bleak: the Nordic UART service, and that of WitMotion sensors."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, Final

from edgehar.firmware_bridge.line.pushed import PushedBytes
from edgehar.firmware_bridge.line.transport import unplugged
from edgehar.models.errors import BridgeError
from edgehar.models.installation import install_command

_FIND_TIMEOUT_S: Final = 15.0
_CALL_TIMEOUT_S: Final = 30.0
_WRITE_BYTES: Final = 20
"""What every Bluetooth device takes at once."""
SERVICES: Final = {
    "Nordic UART": ("6e400003-b5a3-f393-e0a9-e50e24dcca9e", "6e400002-b5a3-f393-e0a9-e50e24dcca9e"),
    "WitMotion": ("0000ffe4-0000-1000-8000-00805f9a34fb", "0000ffe9-0000-1000-8000-00805f9a34fb"),
}
"""The characteristic that a device notifies of, and the one that is written."""


class BluetoothTransport:
    """Receive what a Bluetooth device notifies of.

    Parameters
    ----------
    device
        Its name or address.
    backend
        What finds and connects devices: bleak, or what has its ``BleakScanner`` and ``BleakClient``.

    Raises
    ------
    BridgeError
        When bleak is not installed, the device is not found, or has none of the known services.
    """

    def __init__(self, device: str, *, name: str, backend: Any = None) -> None:
        self.name = name
        self._device = device
        self._backend = _bleak(name) if backend is None else backend
        self._pushed = PushedBytes()
        self._client: Any = None
        self._write_to = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"read {name}", daemon=True)
        self._thread.start()
        try:
            self._call(self._connect())
        except BridgeError:
            self.close()
            raise
        except Exception as error:  # bleak's errors differ from system to system
            self.close()
            raise _refused(name, f"got {type(error).__name__}: {error}") from error

    def read(self, *, timeout_s: float) -> bytes:
        """Return the bytes that have arrived, waiting for the first one."""
        return self._pushed.take(timeout_s=timeout_s)

    def write(self, data: bytes) -> None:
        """Send all of ``data``, in pieces that every device takes."""
        try:
            for start in range(0, len(data), _WRITE_BYTES):
                self._call(self._client.write_gatt_char(self._write_to, data[start : start + _WRITE_BYTES]))
        except Exception as error:  # as above
            raise unplugged(self.name) from error

    def close(self) -> None:
        """Disconnect; closing twice is fine."""
        if self._loop.is_closed():
            return
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._call(self._client.disconnect())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the loop's thread, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_TIMEOUT_S)

    async def _connect(self) -> None:
        """Find the device, connect, and ask to be notified."""
        scanner = self._backend.BleakScanner
        found = await scanner.find_device_by_name(self._device, timeout=_FIND_TIMEOUT_S)
        if found is None and self._device.count(":") == 5:
            found = await scanner.find_device_by_address(self._device, timeout=_FIND_TIMEOUT_S)
        if found is None:
            raise _refused(self.name, f"found none in {_FIND_TIMEOUT_S:g} s", reason="missing")
        self._client = self._backend.BleakClient(found, disconnected_callback=self._gone)
        await self._client.connect()
        for notifies, writes in SERVICES.values():
            if self._client.services.get_characteristic(notifies) is not None:
                self._write_to = writes
                await self._client.start_notify(notifies, lambda sender, data: self._pushed.push(bytes(data)))
                return
        raise _refused(self.name, f"it has neither of the services of {' and '.join(SERVICES)}")

    def _gone(self, client: Any) -> None:
        """Take note that the device has left."""
        self._pushed.end(unplugged(self.name))


def _bleak(name: str) -> Any:
    """Return bleak."""
    try:
        import bleak
    except ImportError as error:
        raise BridgeError(
            f"{name}: expected the package bleak for Bluetooth, it is not installed",
            next_step=f"Install it: {install_command('ble')}.",
            port=name,
            reason="not_installed",
        ) from error
    return bleak


def _refused(name: str, got: str, *, reason: str = "refused") -> BridgeError:
    """Return the error of a device that cannot be read."""
    return BridgeError(
        f"{name}: expected a Bluetooth sensor of that name, {got}",
        next_step="Switch it on and bring it near; a sensor that is connected to a phone shows itself to nobody else.",
        port=name,
        reason=reason,
    )
