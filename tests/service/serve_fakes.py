"""Run as a process: `matcher serve` with the fakes in place of extraction and scoring, all else as it is.

`--unsynced` turns the store's fsync off: what a test of durability must notice.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import fakes

import matcher.engine
import matcher.gallery.sqlite
import matcher.reader
import matcher.warm
from matcher.cli.main import main

if __name__ == "__main__":
    if "--unsynced" in sys.argv:
        sys.argv.remove("--unsynced")
        matcher.gallery.sqlite.SYNCHRONOUS = "OFF"
    matcher.warm.warm_all = lambda *_, **__: None
    matcher.reader.reader = lambda *_: fakes.read
    matcher.engine.Engine = functools.partial(  # type: ignore[assignment, misc]
        matcher.engine.Engine, scorers=fakes.scorers()
    )
    sys.argv.insert(1, "serve")
    main()
