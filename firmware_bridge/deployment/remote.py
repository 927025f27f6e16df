"""Another computer over ssh: what it is, and a folder installed there. OpenSSH's own programs do the talking."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edgehar.firmware_bridge.deployment.machine import Machine
from edgehar.firmware_bridge.deployment.pi_folder import INSTALL
from edgehar.models.errors import BridgeError, UsageError

_SSH: Final = ("ssh", "-o", "ConnectTimeout=10")
_QUESTION: Final = (
    "import json, platform, struct, sys; "
    "print(json.dumps([platform.machine(), struct.calcsize('P') * 8, '%d.%d' % sys.version_info[:2]]))"
)
_FAILED_CONNECTION: Final = 255
"""Of ssh itself; any other exit code is the remote program's."""


class RemoteMachine:
    """A computer that ssh reaches.

    Parameters
    ----------
    host
        ``[USER@]HOST``, or a name in ssh's own configuration.

    Raises
    ------
    UsageError
        If ssh would take the name for an option or a command.
    """

    def __init__(self, host: str) -> None:
        if not host or host.startswith("-") or any(character.isspace() for character in host):
            raise UsageError(
                f"--to: expected [USER@]HOST, got {host!r}", next_step="Pass --to pi@raspberrypi.local, for example."
            )
        self.host = host

    def identify(self) -> Machine:
        """Ask the computer what it is.

        Raises
        ------
        BridgeError
            If it cannot be reached, has no Python, or says something else.
        UsageError
            If there are no wheels for what it is.
        """
        done = self._run([*_SSH, self.host, f'python3 -c "{_QUESTION}"'], capture=True)
        try:
            processor, bits, python = json.loads(done)
        except ValueError as error:
            raise BridgeError(
                f"{self.host}: expected its Python to say what the machine is, got {done[:80]!r}",
                next_step=f"Try by hand: ssh {self.host} python3 --version",
            ) from error
        return Machine("armv7l" if bits == 32 else str(processor), (str(python),))

    def install(self, folder: Path) -> None:
        """Copy a folder of `write_pi_folder` there and run its installer, which asks for a password if it must.

        Raises
        ------
        BridgeError
            If copying or installing fails; the installer's own sentence stands on stderr by then.
        """
        place = self._run([*_SSH, self.host, "mktemp -d"], capture=True).strip()
        if not place.startswith("/") or any(not (c.isalnum() or c in "/._-") for c in place):
            raise BridgeError(f"{self.host}: expected a temporary folder there, got {place[:80]!r}")
        self._run(["scp", "-q", "-r", f"{folder}/.", f"{self.host}:{place}"])
        try:
            self._run([*_SSH, "-t", self.host, f"sudo sh {place}/{INSTALL}"])
        finally:
            self._run([*_SSH, self.host, f"rm -rf {place}"])

    def _run(self, command: Sequence[str], *, capture: bool = False) -> str:
        """Run one program; return its output where it is wanted."""
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE if capture else None, text=True, check=False)
        except FileNotFoundError as error:
            raise BridgeError(
                f"--to: expected the program {command[0]} on this machine, there is none",
                next_step="Install OpenSSH's client, or write a folder with --out and copy it by hand.",
            ) from error
        if done.returncode:
            what = "could not be reached" if done.returncode == _FAILED_CONNECTION else "could not do what was asked"
            raise BridgeError(
                f"{self.host}: {what} (exit code {done.returncode}); what went wrong is said above",
                next_step=f"Try by hand: ssh {self.host}",
            )
        return done.stdout or ""
