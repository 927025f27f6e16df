"""A bundle's text in generated C: the compiler sees strings and comments, and the program stays the same."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgehar.firmware_bridge.projects.boards import find_board
from edgehar.firmware_bridge.projects.escaping import utf8
from edgehar.firmware_bridge.projects.project import write_project
from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.models.bundle import Bundle
from edgehar.models.errors import UsageError
from edgehar.pipeline.compilers import Target, compile_bundle

LABELS = 4
GENERATED = ("har_model.c", "har_labels.c", "har_identity.c")
STRICT = ("-std=c99", "-trigraphs", "-Wall", "-Wextra", "-Werror", "-pedantic")
EVIL = (
    "*/",
    "/*",
    "//",
    "??/",
    "??'",
    "\\",
    "\\\n",
    "??/\n",
    '"',
    "'",
    "\n",
    "\r",
    "\r\n",
    "\0",
    "0",
    "7",
    "%s",
    "$(shell touch x)",
    "#include </etc/passwd>",
    '"); system("true',
    "\u202e",
    "\u2028",
    "\ud800",
    "é",
    "走る",
    "\x1b]0;title\x07",
)
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=()), min_size=1, max_size=20),
    st.lists(st.sampled_from(EVIL), min_size=1, max_size=6).map("".join),
)
MAIN = f"""
#include "har_model.h"
#include <stdio.h>

int main(void)
{{
    unsigned index;
    for (index = 0; index < {LABELS}; index++) {{
        char text[256];
        const uint8_t bytes = har_label((uint8_t)index, text, 255);
        putchar(bytes);
        fwrite(text, 1, bytes + 1u, stdout);
    }}
    return 0;
}}
"""


@pytest.fixture(scope="module")
def bundle(random_bundle) -> Bundle:
    """A tiny model."""
    layers = (SimpleRNN("r", 2), Dense("o", LABELS, "softmax"))
    return compile_bundle(random_bundle(Architecture("tiny", 4, 3, layers)), [Target("c", "int8")])


def named(bundle: Bundle, labels: tuple[str, ...], model_id: str, mounting: str) -> Bundle:
    """Return the bundle with other texts in it."""
    window = replace(bundle.manifest.window, mounting=mounting, channels=(mounting, "y", "z"))
    return replace(bundle, manifest=replace(bundle.manifest, labels=labels, model_id=model_id, window=window))


def preprocessed(sources: Path, name: str) -> str:
    """Return what the compiler sees of a file: no comments, strings without their content, one token after another."""
    command = ["gcc", *STRICT, "-E", "-P", f"-I{sources}", sources / name]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    own = re.sub(r'"(?:[^"\\]|\\[0-7]{3})*"', '""', done.stdout)
    return re.sub(r"\s+", " ", own)


@settings(max_examples=60, deadline=None)
@given(labels=st.tuples(*[TEXT] * LABELS), model_id=TEXT, mounting=TEXT)
@example(labels=("*/ int main(void) { return 7; } /*", "b", "c", "d"), model_id="*/ #error /*", mounting="hip")
@example(labels=("a\\", "b??/", "c", "\0001"), model_id="\\", mounting="??/\n")
def test_text_stays_text(
    labels: tuple[str, ...], model_id: str, mounting: str, bundle: Bundle, need, compile_c, tmp_path_factory
) -> None:
    gcc, folder = need("gcc", "gcc"), tmp_path_factory.mktemp("named")
    host = find_board("host")
    write_project(named(bundle, labels, model_id, mounting), host, folder / "named", quantization="int8")
    write_project(bundle, host, folder / "plain", quantization="int8")
    sources, plain = folder / "named" / "src", folder / "plain" / "src"
    (sources / "read_labels.c").write_text(MAIN, encoding="utf-8")
    files = [sources / name for name in (*GENERATED, "read_labels.c")]
    compile_c([gcc, *STRICT, f"-I{sources}", *files, "-o", folder / "read_labels"])
    said = subprocess.run([folder / "read_labels"], capture_output=True, timeout=30, check=True).stdout
    expected = [utf8(label) for label in labels]
    assert said == b"".join(bytes([len(label)]) + label + b"\0" for label in expected)
    # HELLO alone holds a text as numbers: the model's name.
    for name in GENERATED[:2]:
        assert preprocessed(sources, name) == preprocessed(plain, name)
    for name in ("har_model.h", "har_config.h"):
        assert preprocessed(sources, name) == preprocessed(plain, name)
    readmes = [(folder / which / "README.md").read_text(encoding="utf-8") for which in ("named", "plain")]
    assert readmes[0].count("\n") == readmes[1].count("\n")
    for file in (folder / "plain").rglob("*"):
        if file.is_file() and file.name not in (*GENERATED, "har_model.h", "har_identity.h", "README.md"):
            assert (folder / "named" / file.relative_to(folder / "plain")).read_bytes() == file.read_bytes()


def test_a_label_too_long_for_its_length_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    long = named(bundle, ("é" * 128, "b", "c", "d"), "model", "hip")
    with pytest.raises(UsageError, match="label 0: expected at most 255 bytes of UTF-8, got 256"):
        write_project(long, find_board("host"), tmp_path / "p", quantization="int8")
    assert not (tmp_path / "p").exists()


def test_labels_are_cut_at_whole_characters(bundle: Bundle, need, compile_c, tmp_path: Path) -> None:
    labels = ("aé", "走る", "plain", "z")
    write_project(named(bundle, labels, "model", "hip"), find_board("host"), tmp_path / "p", quantization="int8")
    sources = tmp_path / "p" / "src"
    (tmp_path / "cut.c").write_text(
        '#include "har_model.h"\n#include <stdio.h>\nint main(void)\n{\n    unsigned index, room;\n'
        "    for (index = 0; index < 6; index++)\n        for (room = 0; room < 8; room++) {\n"
        '            char text[8] = "-------";\n'
        "            const uint8_t bytes = har_label((uint8_t)index, text, (uint8_t)room);\n"
        "            putchar(bytes);\n            fwrite(text, 1, sizeof text, stdout);\n        }\n    return 0;\n}\n",
        encoding="utf-8",
    )
    files = [sources / "har_labels.c", tmp_path / "cut.c"]
    compile_c([need("gcc", "gcc"), *STRICT, f"-I{sources}", *files, "-o", tmp_path / "cut"])
    said = subprocess.run([tmp_path / "cut"], capture_output=True, timeout=30, check=True).stdout
    for index, label in enumerate((*labels, "", "")):
        for room in range(8):
            at = 9 * (8 * index + room)
            whole = label.encode()[: max(0, room - 1)].decode(errors="ignore").encode()
            expected = b"-" * 8 if room == 0 else (whole + b"\0").ljust(8, b"-")
            assert said[at] == len(whole)
            assert said[at + 1 : at + 9].replace(b"\0", b"-") == expected.replace(b"\0", b"-")
