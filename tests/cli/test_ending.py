"""A process that serves hears that it is to end, whichever of its threads the system tells."""

from __future__ import annotations

import subprocess
import sys

import pytest

WAIT = """
import signal, threading, time
from matcher.cli.ending import Ending

ending = Ending()
other = threading.Thread(target=time.sleep, args=(60,), daemon=True)
other.start()
told = other.ident if {elsewhere} else threading.main_thread().ident
threading.Timer(0.2, signal.pthread_kill, (told, signal.{name})).start()
ending.wait()
print("ended")
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_signal_ends_the_wait(name: str, elsewhere: bool) -> None:
    code = WAIT.format(name=name, elsewhere=elsewhere)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "ended\n"
