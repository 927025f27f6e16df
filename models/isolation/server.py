"""The program of an isolated process: answers calls of functions until its input ends.

Started by `Isolation` as ``python -P -m edgehar.models.isolation.server MEMORY_BYTES PROCESSOR_S``; an argument is
empty where there is no limit. A call and its answer are one line each: a pickle in base64.
"""

import base64
import contextlib
import os
import pickle
import sys
from typing import Any


def limit_this_process(memory_bytes: str, processor_s: str) -> None:
    """Limit address space and processor time, where the system can and does not limit them more already."""
    with contextlib.suppress(ImportError):
        import resource

        for kind, limit in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CPU, processor_s)):
            if limit:
                _, most = resource.getrlimit(kind)
                allowed = int(limit) if most == resource.RLIM_INFINITY else min(int(limit), most)
                with contextlib.suppress(ValueError, OSError):
                    resource.setrlimit(kind, (allowed, most))


def answer(line: bytes) -> tuple[bool, Any]:
    """Call what one line asks for; return whether it succeeded, and its result or its error."""
    try:
        function, args, kwargs = pickle.loads(base64.b64decode(line))
        return True, function(*args, **kwargs)
    except Exception as error:
        return False, error


def encoded(reply: tuple[bool, Any]) -> bytes:
    """Return an answer as one line; an error that cannot travel is told in words."""
    try:
        content = pickle.dumps(reply)
        if not reply[0]:
            # Errors are made again from their arguments, which not every class of errors stands.
            pickle.loads(content)
    except Exception as error:
        about = reply[1] if not reply[0] else error
        content = pickle.dumps((False, RuntimeError(f"{type(about).__name__}: {about}")))
    return base64.b64encode(content) + b"\n"


def main() -> None:
    """Answer calls until the input ends."""
    limit_this_process(*sys.argv[1:3])
    # Native code prints to file descriptor 1: answers keep a descriptor of their own.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        replies.write(encoded(answer(line)))
        replies.flush()


if __name__ == "__main__":
    main()
