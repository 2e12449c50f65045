"""Cut out of a notebook's JSON what can be large in it, before anything is parsed.

Outputs, pasted pictures and the state of widgets are not graded. As Python objects they would take
twenty times the room that they take in the file.
"""

import re

MAX_BYTES = 10_000_000
"""Largest notebook without its outputs; a chapter has a tenth of a megabyte."""

_MAX_TOKENS = 1_000_000
_LONGEST_KEY = 20
# The key of what is left out, by how many brackets are open around it.
_LEFT_OUT = {(2, b'"widgets"'), (3, b'"outputs"'), (3, b'"attachments"')}
# Strings and brackets are all that it takes to find where a value ends. Possessive, and with a last
# quote that may be missing: on no content does this take more than one look at each byte.
_STRING = rb'"(?:[^"\\]++|\\.)*+"?'
_TOKEN = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_UP_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+[\[\]{}]", re.DOTALL)


class TooLarge(Exception):
    """There is more left than any notebook has."""


def without_outputs(content: bytes) -> bytes:
    """Return the JSON of a notebook with null in place of outputs, attachments and widgets.

    What is no JSON stays so, unless the damage is in what is left out.

    Raises
    ------
    TooLarge
        If more than :data:`MAX_BYTES` are left, or the file has too many values.
    """
    kept: list[bytes] = []
    begin = end = depth = key_end = 0
    around, key = -1, b""  # the depth around what is being left out; -1 if nothing is
    for _ in range(_MAX_TOKENS):
        token = _TOKEN.search(content, end) if around < 0 else _UP_TO_BRACKET.match(content, end)
        if token is None:
            break
        start, end = token.span()
        if content[start : start + 1] == b'"' and around < 0:
            key, key_end = content[start : min(end, start + _LONGEST_KEY)], end
            continue
        if content[end - 1 : end] in (b"]", b"}"):
            depth -= 1
            if depth == around:
                begin, around = end, -1
        else:
            found = around < 0 and (depth, key) in _LEFT_OUT
            if found and content[key_end:start].strip() == b":":
                kept += [content[begin:start], b"null"]
                around = depth
            depth += 1
        key = b""
    else:
        raise TooLarge
    if around < 0:  # else the file ends within what is left out: it is cut off
        kept.append(content[begin:])
    if sum(map(len, kept)) > MAX_BYTES:
        raise TooLarge
    return b"".join(kept)
