"""How fast a case of the review console opens in Chromium: page loaded, both pictures decoded.

python -m benchmarks.review_case [--cases 40]

Prints of UareU where they are at hand, else synthetic ones, each a record. Cases are opened one after the
other, none twice and none next to the last, so that no picture was made ahead: the analyst who goes on with
the next case waits less.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.bars import data_root
from matcher.dedup.manifest import Run
from matcher.dedup.report import write_report
from matcher.dedup.run import deduplicate
from matcher.dedup.settings import Settings
from matcher.review.app import Console, make_app
from matcher.review.cases import load_cases
from matcher.review.evidence import Evidence
from matcher.review.ledger import Ledger, Role

CASES = 40

FIRST = 2
"""Cases before those that are timed: the browser and the console warm up once a day."""

SYNTHETIC_FPIR = 0.5
PEOPLE = 4
"""Synthetic people, each of them twice, where there is no UareU."""

FOLDER_SEED = 41

START_S = 10.0
"""Seconds that the server may take to start."""

NAME, PASSWORD = "ann", "correct horse battery"


def chromium() -> str | None:
    """Return where Chromium is; None where it is not."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def registered(folder: Path) -> Path:
    """De-duplicate a register of prints; return the run's folder."""
    root = data_root()
    real = root is not None and (root / "fingerprint" / "uareu").is_dir()
    source = str(root / "fingerprint" / "uareu") if root is not None and real else _synthetic(folder)
    out, settings = folder / "run", Settings(workers=2, fpir=1e-3 if real else SYNTHETIC_FPIR)
    run = Run(source, settings)
    register, asked = run.open()
    run.write(out)
    write_report(deduplicate(register, out, settings, asked=asked), out, "prints", images=False)
    return out


def measure(out: Path, cases: int = CASES) -> dict[str, Any]:
    """Open cases of a run; return milliseconds, or nothing where there is no Chromium.

    Parameters
    ----------
    out : Path
        As `matcher dedup` wrote it.
    cases : int
        How many; fewer where there are not so many.
    """
    program = chromium()
    if program is None:
        return {}
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name:
        ledger = Ledger(Path(name) / "review.db", "run")
        ledger.add_user(NAME, Role.ANALYST, PASSWORD)
        console = Console("prints", load_cases(out), ledger, Evidence(out))
        # Every second at most: the next case of the queue has its pictures made ahead.
        far = np.linspace(0, len(console.cases) - 1, min(cases + FIRST, -(-len(console.cases) // 2)))
        wanted = [console.cases[place].number for place in far.round().astype(int).tolist()]
        with _served(console) as address, sync_playwright() as play:
            browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(base_url=address)
            page.goto("/login")
            page.fill("#name", NAME)
            page.fill("#password", PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url("**/")
            took = [_opened_ms(page, number) for number in wanted][FIRST:]
            browser.close()
    return {"cases": len(took), "median_ms": median(took), "worst_ms": max(took)} if took else {}


def _opened_ms(page: Any, number: int) -> float:
    start = time.perf_counter()
    page.goto(f"/case/{number}")
    images = page.locator("details.part[open] img")
    for one in range(2):
        images.nth(one).evaluate("image => image.decode()")
    return (time.perf_counter() - start) * 1000.0


@contextmanager
def _served(console: Console) -> Iterator[str]:
    """Serve a console on loopback; yield its address."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(make_app(console), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + START_S
    while not server.started and time.monotonic() < end:
        time.sleep(0.02)
    if not server.started:
        raise SystemExit("The review console did not start.")
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(START_S)


def _synthetic(folder: Path) -> str:
    from matcher.demo.synthetic import make_person

    for person in range(PEOPLE):
        made = make_person(FOLDER_SEED + person)
        for suffix, samples in (("first", made.enrolment), ("again", made.probes)):
            own = folder / "register" / f"{person} {suffix}"
            own.mkdir(parents=True)
            (own / "right-index.png").write_bytes(samples[0].data)
    return str(folder / "register")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=CASES)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measure(registered(Path(name)), asked.cases), indent=2))


if __name__ == "__main__":
    main()
