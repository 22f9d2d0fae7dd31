"""The process that decodes images for another one; see `apart`."""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import BinaryIO

from matcher.errors import ImageCorruptError, MatcherError
from matcher.image.apart import COLOUR, MAX_PROBLEM, PIXELS, PROBLEM, REQUEST
from matcher.image.open import open_source
from matcher.image.pillow import PillowSource
from matcher.types import U8


def main() -> None:
    """Answer requests from standard input until it ends."""
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    requests = sys.stdin.buffer
    answers.write(b"\1")
    answers.flush()
    while head := requests.read(REQUEST.size):
        kind, length = REQUEST.unpack(head)
        _answer(answers, requests.read(length), kind)
        answers.flush()


def _answer(answers: BinaryIO, data: bytes, kind: int) -> None:
    try:
        pixels = _decoded(data, kind)
    except MatcherError as error:
        problem = error
    except MemoryError:
        problem = ImageCorruptError("The image needs more memory than a decoder may take.")
    else:
        height, width = pixels.shape[:2]
        channels = 3 if pixels.ndim == 3 else 1
        answers.write(PIXELS.pack(0, height, width, channels, pixels.flags.writeable))
        answers.write(pixels.data)
        return
    said = {"reason": problem.reason, "message": problem.message, "hint": problem.hint}
    text = json.dumps(said).encode()[:MAX_PROBLEM]
    answers.write(b"\1" + PROBLEM.pack(len(text)) + text)


def _decoded(data: bytes, kind: int) -> U8:
    source = open_source(data)
    if kind == COLOUR and isinstance(source, PillowSource):
        return source.decode_rgb()
    return source.decode()


if __name__ == "__main__":
    main()
