"""Import TensorFlow and Keras without their greetings, which are written before any log level can be set."""

import importlib
import os
import sys
import tempfile
from typing import Any


def _import_quietly(module: str) -> Any:
    """Import a module while the process's stderr goes to a file, which is shown only if the import fails."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        shown = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            return importlib.import_module(module)
        except BaseException:
            said.seek(0)
            os.write(shown, said.read())
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = _import_quietly("tensorflow")
keras = _import_quietly("keras")
# Every model trained compiles functions of its own; TensorFlow takes several models for one function traced too often.
tf.get_logger().setLevel("ERROR")
