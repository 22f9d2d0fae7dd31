"""The real server as a process of its own, on loopback, that never outlives the demonstration."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from matcher.errors import ServerUnavailableError

START_S = 120.0
"""How long a server may take to start: it compiles its kernels if nobody did, seconds."""

STOP_S = 30.0
"""How long a server may take to finish its calls, seconds; its own limit is shorter."""

POLL_S = 0.02
"""Between two looks at the port file, seconds."""


class ServerProcess:
    """`matcher serve` over a store in `folder`; may be started and stopped again and again.

    Parameters
    ----------
    folder : Path
        Holds the store, the log and the port file.
    arguments : sequence of str
        Further ones of `matcher serve`.
    """

    def __init__(self, folder: Path, arguments: Sequence[str] = ()) -> None:
        self._folder, self._arguments = folder.resolve(), tuple(arguments)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the running process, None where there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> str:
        """Start the server and return its address once it is ready.

        Raises
        ------
        ServerUnavailableError
            If it does not become ready; with the last line of its log.
        """
        port_file = self._folder / "port"
        port_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "matcher.cli.main", "serve", "--listen", "127.0.0.1:0"]
        command += ["--store", f"sqlite:///{self._folder / 'gallery.db'}", "--port-file", str(port_file)]
        command += self._arguments
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                # Ctrl-C goes to the demonstration alone, which then stops the server in order.
                start_new_session=True,
            )
        end = time.monotonic() + START_S
        while not port_file.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise ServerUnavailableError(f"The server did not start: {self._last_line()}")
            time.sleep(POLL_S)
        return f"127.0.0.1:{port_file.read_text().strip()}"

    def stop(self) -> int | None:
        """Let the server finish and end it; return its exit status, None where it had to be killed."""
        if self._process is None:
            return None
        process, self._process = self._process, None
        try:
            process.terminate()
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return None
        finally:
            # Too slow, or a second Ctrl-C: nothing is left behind either way.
            process.kill()
            process.wait()

    def _last_line(self) -> str:
        lines = (self._folder / "server.log").read_text(errors="replace").splitlines()
        return lines[-1].removeprefix("matcher: ") if lines else "it said nothing."

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
