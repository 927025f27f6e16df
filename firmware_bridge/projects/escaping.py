"""Text of a bundle in files that are generated: one function for each language it is written in.

A label, a model's name and a channel's name are a stranger's text. They may hold anything: quotation marks, the end of
a comment, a trigraph, a line break, a character that reverses the direction of reading. No such text is written into a
generated file except through one of these functions. Makefiles, linker scripts and ``library.properties`` hold none.
"""

import re
from typing import Final

_PLAIN_IN_C_STRING: Final = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\?')
_NOT_IN_C_COMMENT: Final = frozenset("*\\?")
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&])")


def utf8(text: str) -> bytes:
    """Return text as UTF-8; half a surrogate pair, which UTF-8 cannot hold, becomes a question mark."""
    return text.encode("utf-8", errors="replace")


def c_string(data: bytes) -> str:
    """Return a C string literal of exactly these bytes, in ASCII.

    What is not plain becomes three octal digits: unlike hexadecimal ones they end by themselves. A question mark is not
    plain because two of them begin a trigraph.

    Examples
    --------
    >>> c_string('say "é"?'.encode())
    '"say \\\\042\\\\303\\\\251\\\\042\\\\077"'
    """
    return '"' + "".join(chr(byte) if byte in _PLAIN_IN_C_STRING else f"\\{byte:03o}" for byte in data) + '"'


def c_comment(text: str) -> str:
    """Return text for a comment of C or C++: one line that neither ends the comment nor is joined to the next line.

    Letters and digits of all languages stay as they are, everything that is not a plain character of ASCII besides is
    named by its code.

    Examples
    --------
    >>> c_comment("a*/ naïve\\n")
    'a<U+002A>/ naïve<U+000A>'
    """
    return "".join(character if _is_plain_in_comment(character) else f"<U+{ord(character):04X}>" for character in text)


def markdown(text: str) -> str:
    """Return text for a line of Markdown, without any markup of its own.

    Examples
    --------
    >>> markdown("a_b\\n# c")
    'a\\\\_b \\\\# c'
    """
    one_line = "".join(character if character.isprintable() else " " for character in text)
    return _MARKDOWN.sub(r"\\\1", one_line)


def _is_plain_in_comment(character: str) -> bool:
    """Whether a character of a comment means nothing to a compiler, to the preprocessor or to a terminal."""
    if character.isascii():
        return character.isprintable() and character not in _NOT_IN_C_COMMENT
    return character.isalnum()
