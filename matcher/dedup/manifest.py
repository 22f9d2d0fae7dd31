"""`run.json`: what a run was asked for, so that the review console finds the register again."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matcher.dedup.modes import Asked, against, incremental
from matcher.dedup.open import is_url, known_ids, open_source
from matcher.dedup.records import Source
from matcher.dedup.settings import Settings
from matcher.dedup.tables import write_file
from matcher.errors import ArgumentError

NAME = "run.json"
FORMAT = 1
"""Version of the file."""

MAX_BYTES = 1 << 20

SECRET = re.compile("pass|pwd|secret|token|key", re.IGNORECASE)
"""Parameters of a URL's query that are not kept: `password`, `sslpassword`; `sslkey` names a file of one."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run is asked for.

    Attributes
    ----------
    source : str
        Path.
    settings : Settings
    against, known : str or None
        Paths; at most one of them.
    """

    source: str
    settings: Settings
    against: str | None = None
    known: str | None = None

    def open(self) -> tuple[Source, Asked]:
        """Return the register as the run sees it, and which pairs are asked for.

        Raises
        ------
        ArgumentError
            If a file is not there, or both modes are asked for.
        """
        if self.against is not None and self.known is not None:
            raise ArgumentError("--against and --known: expected one of them.")
        source = open_source(self.source, self.settings)
        if self.against is not None:
            return against(open_source(self.against, self.settings), source)
        if self.known is not None:
            return incremental(source, known_ids(Path(self.known)))
        return source, Asked()

    def write(self, out: Path) -> None:
        """Keep it beside the results, with absolute paths and without passwords."""
        told: dict[str, Any] = {"format": FORMAT, **asdict(self)}
        for name in ("source", "against", "known"):
            if told[name] is not None:
                told[name] = kept_name(told[name])
        out.mkdir(parents=True, exist_ok=True)
        write_file(out / NAME, (json.dumps(told, indent=2) + "\n").encode())


def kept_name(name: str) -> str:
    """Return a path as absolute, a URL without its password, also without one in its query.

    Raises
    ------
    ArgumentError
        If what looks like a URL is none.
    """
    if not is_url(name):
        return str(Path(name).resolve())
    from sqlalchemy import URL

    url = _url(name)
    query = {key: value for key, value in url.query.items() if not SECRET.search(key)}
    kept = URL.create(url.drivername, url.username, None, url.host, url.port, url.database, query)
    return kept.render_as_string(hide_password=False)


def title_of(name: str) -> str:
    """Return what a report calls a register: the last part of a path, the database or host of a URL.

    Raises
    ------
    ArgumentError
        If what looks like a URL is none.
    """
    if not is_url(name):
        return Path(name).name
    url = _url(name)
    return Path(url.database or "").name or url.host or url.drivername


def _url(name: str) -> Any:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError as NoUrlError

    try:
        return make_url(name)
    except (NoUrlError, ValueError):
        raise ArgumentError("SOURCE: expected a database URL such as sqlite:///gallery.db.") from None


def read_run(out: Path) -> Run:
    """Return what the run of a folder was asked for.

    Raises
    ------
    ArgumentError
        If there is none, or it is newer than this program.
    """
    try:
        path = out / NAME
        if path.stat().st_size > MAX_BYTES:
            raise ValueError
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise ArgumentError(f"{NAME}: expected format {FORMAT}, got {told['format']!r}.")
        return Run(told["source"], Settings(**told["settings"]), told["against"], told["known"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise ArgumentError(
            f"{NAME} is not there or cannot be read.", hint="Give the folder that `matcher dedup` wrote."
        ) from None
