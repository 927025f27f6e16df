"""The address of a phone as a line, ``phone://``: known without loading the server that takes the phone's samples.

A session with another sensor never loads that server, nor the certificates and HTTP behind it.
"""

from collections.abc import Callable
from typing import Final

from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.line.reconnection import Opening
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD, Transport

SCHEME: Final = "phone://"
PATIENCE_S: Final = 180.0
"""How long somebody may take to scan the code and start the page."""


def is_phone(url: str) -> bool:
    """Tell whether a URL means a phone.

    Examples
    --------
    >>> is_phone("phone://"), is_phone("/dev/ttyUSB0")
    (True, False)
    """
    return url.lower().startswith(SCHEME)


def line_opener(on_page: Callable[[str], None]) -> Opening:
    """Return what opens any port, a phone among them.

    Parameters
    ----------
    on_page
        Told the address of the page, with its token, once it is served.
    """

    def opened(url: str, *, baud: int = DEFAULT_BAUD) -> Transport:
        if not is_phone(url):
            return open_transport(url, baud=baud)
        from edgehar.firmware_bridge.web.phone_line import PhoneLine

        line = PhoneLine(url)
        on_page(line.page)
        return line

    return opened
