"""Decoding untrusted images in processes of their own: what a decoder breaks is a process that is replaced.

A worker has a bound on its memory (RLIMIT_AS) and on the time of an image. Headers are read and checked here;
only decoders run there. Where none is started (`start_decoders`), images are decoded in this process.

    request   kind (1 byte: 1 grey, 2 colour), length (8), the file
    reply     0, height, width, channels (4 each), whether they may be written into (1), the pixels;
              or 1, length (4), an error as JSON
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import select
import struct
import subprocess
import sys
import threading
import time
from typing import IO

import numpy as np

from matcher.errors import (
    ImageCorruptError,
    ImageError,
    MatcherError,
    NotReadyError,
    leaves,
)
from matcher.image.limits import MAX_PIXELS
from matcher.types import U8

GREY, COLOUR = 1, 2
REQUEST = struct.Struct("<BQ")
PIXELS = struct.Struct("<BIIIB")
PROBLEM = struct.Struct("<I")
MAX_PROBLEM = 1 << 16

MEMORY_BYTES = 3 << 30
"""Address space of a worker: the largest image in colour with its copies, beside what libraries map."""

TIME_S = 20.0
"""Longest time of one image, seconds; the largest takes about 2."""

START_S = 60.0
"""Longest time in which a worker starts, seconds."""

CHUNK = 1 << 20


class Decoders:
    """Worker processes that decode images; safe to use from many threads.

    Parameters
    ----------
    count : int
        Processes, and images at one time; each is started when it is first needed.
    memory_bytes : int
        Address space of each.
    time_s : float
        Of one image.
    """

    def __init__(self, count: int, *, memory_bytes: int = MEMORY_BYTES, time_s: float = TIME_S) -> None:
        self._memory, self._time = memory_bytes, time_s
        self._lock = threading.Lock()
        self._closed = False
        self._workers: list[_Worker] = []
        self._free: queue.SimpleQueue[_Worker | None] = queue.SimpleQueue()
        for _ in range(count):
            self._free.put(None)  # started when the first image comes

    @property
    def processes(self) -> tuple[int, ...]:
        """Ids of the workers' processes."""
        with self._lock:
            return tuple(worker.popen.pid for worker in self._workers)

    def decode(self, data: bytes, kind: int, size: tuple[int, int]) -> U8:
        """Return the pixels of an image file, whose header said `size` (width, height).

        Raises
        ------
        ImageError
            As in this process; ImageCorruptError where the decoder crashed, or took too long, twice.
        NotReadyError
            If the workers were stopped.
        """
        worker = self._taken()
        try:
            for _ in range(2):  # a worker may be gone for another reason than this image
                try:
                    pixels = worker.decode(data, kind, time.monotonic() + self._time)
                    break
                except MatcherError:
                    raise
                except BaseException as error:
                    worker = self._replaced(worker)
                    if not isinstance(error, _GoneError):
                        raise
            else:
                raise ImageCorruptError(
                    "The image's decoder stopped, or took too long.",
                    hint="The file is damaged or made to do harm; open it elsewhere and save it as PNG.",
                )
        finally:
            self._free.put(worker)
        if pixels.shape[1::-1] != size:
            raise ImageCorruptError("The image's header and content differ in size.")
        return pixels

    def close(self) -> None:
        """Stop all workers; harmless when repeated."""
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.stop()
            self._workers.clear()

    def _taken(self) -> _Worker:
        worker = self._free.get()
        if self._closed:
            self._free.put(worker)
            raise NotReadyError("The server is stopping.")
        if worker is not None:
            return worker
        try:
            return self._started()
        except BaseException:
            self._free.put(None)
            raise

    def _started(self) -> _Worker:
        worker = _Worker(self._memory)
        with self._lock:
            if self._closed:
                worker.stop()
            else:
                self._workers.append(worker)
        return worker

    def _replaced(self, worker: _Worker) -> _Worker:
        worker.stop()
        with self._lock:
            if worker in self._workers:
                self._workers.remove(worker)
        return self._started()


class _GoneError(Exception):
    """A worker died, answered nonsense, or had to be killed."""


class _Worker:
    """One process."""

    def __init__(self, memory_bytes: int) -> None:
        # Libraries' own threads would each map memory; one image is decoded at a time.
        single = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "matcher.image.apart_worker", str(memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": path, **single},
        )
        for pipe in (self._in, self._out):
            os.set_blocking(pipe.fileno(), False)
            with contextlib.suppress(
                OSError
            ):  # fewer turns between the processes, where the system allows it
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, CHUNK)
        self._fresh = True

    @property
    def _in(self) -> IO[bytes]:
        assert self.popen.stdin is not None
        return self.popen.stdin

    @property
    def _out(self) -> IO[bytes]:
        assert self.popen.stdout is not None
        return self.popen.stdout

    def decode(self, data: bytes, kind: int, end: float) -> U8:
        """Return the pixels of a file; raise what the worker says."""
        if self._fresh:
            self._read(1, time.monotonic() + START_S)
            self._fresh = False
            end = max(end, time.monotonic() + TIME_S)
        self._write(REQUEST.pack(kind, len(data)) + data, end)
        if self._read(1, end) == b"\0":
            _, height, width, channels, writeable = PIXELS.unpack(b"\0" + self._read(PIXELS.size - 1, end))
            if channels not in (1, 3) or height * width > MAX_PIXELS:
                raise _GoneError
            pixels = np.frombuffer(self._read(height * width * channels, end), np.uint8)
            pixels = pixels.reshape((height, width, 3) if channels == 3 else (height, width))
            pixels.flags.writeable = bool(writeable)  # kernels are compiled for either
            return pixels
        (length,) = PROBLEM.unpack(self._read(PROBLEM.size, end))
        if length > MAX_PROBLEM:
            raise _GoneError
        raise _told(self._read(length, end))

    def stop(self) -> None:
        """Kill the process."""
        with contextlib.suppress(OSError):
            self.popen.kill()
        self.popen.wait()
        for pipe in (self._in, self._out):
            with contextlib.suppress(OSError):
                pipe.close()

    def _write(self, data: bytes, end: float) -> None:
        view, file = memoryview(data), self._in.fileno()
        while view:
            _wait(file, select.POLLOUT, end)
            try:
                view = view[os.write(file, view[:CHUNK]) :]
            except BlockingIOError:
                continue
            except OSError:
                raise _GoneError from None

    def _read(self, count: int, end: float) -> bytearray:
        file, parts = self._out.fileno(), []
        while count:
            _wait(file, select.POLLIN, end)
            try:
                part = os.read(file, min(count, CHUNK))
            except BlockingIOError:
                continue
            if not part:
                raise _GoneError
            parts.append(part)
            count -= len(part)
        return bytearray().join(parts)


def _wait(file: int, event: int, end: float) -> None:
    """Wait until a pipe can be read or written; `select` would not know descriptors from 1,024 on."""
    poll = select.poll()
    poll.register(file, event)
    if not poll.poll(max(1000.0 * (end - time.monotonic()), 0.0)):
        raise _GoneError


def _told(text: bytearray) -> ImageError:
    """Return the error that a worker says, if it is one of images."""
    try:
        said = json.loads(text)
        kind = {leaf.reason: leaf for leaf in leaves(ImageError)}[said["reason"]]
        error = kind(str(said["message"]), hint=str(said["hint"]))
    except (ValueError, KeyError, TypeError):
        raise _GoneError from None
    assert isinstance(error, ImageError)  # a leaf of it
    return error


_current: list[Decoders] = []


def start_decoders(count: int) -> Decoders:
    """Decode every image of this process in `count` others from now on, until they are closed."""
    decoders = Decoders(count)
    _current[:] = [decoders]
    return decoders


def stop_decoders() -> None:
    """Decode images in this process again."""
    for decoders in _current:
        decoders.close()
    _current.clear()


def decoders_at_hand() -> Decoders | None:
    """Return the workers of this process, or None where images are decoded here."""
    return _current[0] if _current else None
