"""Messages that native libraries write to stderr: leave out those that only inform, pass on the rest.

TensorFlow Lite announces a delegate on stderr when the first model is loaded. There is no option or environment
variable against it in the Python packages, and `sys.stderr` does not see it: it is written to the file descriptor.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Final

_STDERR: Final = 2
_INFORMS: Final = b"INFO: "


@contextlib.contextmanager
def without_information() -> Iterator[None]:
    """Hold back what is written to the file descriptor of stderr; pass on every line that does not only inform."""
    with contextlib.ExitStack() as opened:
        try:
            held = opened.enter_context(tempfile.TemporaryFile())
            stderr = os.dup(_STDERR)
        except OSError:  # There is no stderr, or nowhere to hold anything back.
            yield
            return
        opened.callback(os.close, stderr)
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(stderr, _STDERR)
            held.seek(0)
            lines = held.read().splitlines(keepends=True)
            with contextlib.suppress(OSError):
                os.write(_STDERR, b"".join(line for line in lines if not line.startswith(_INFORMS)))
