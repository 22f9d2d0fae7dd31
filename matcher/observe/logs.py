"""Log lines as JSON objects, one a line, without personal data whoever wrote them.

An exception is told by its type and the lines of code that it came through, never by its text: that may hold
a piece of what a caller sent.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
"""Of lines for people."""


class LogFormat(StrEnum):
    """How log lines look."""

    TEXT = "text"
    JSON = "json"


class WithoutTexts(logging.Formatter):
    """For people; exceptions without their texts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line, and those of the code that an exception came through."""
        fields = getattr(record, "fields", None)
        said = super().format(_bare(record))
        if fields:
            said += " " + " ".join(f"{key}={value}" for key, value in fields.items() if value != "")
        where = _where(record)
        return f"{said}\n{where['error']} at\n{where['at']}" if where else said


class JsonLines(logging.Formatter):
    """For machines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object in one line."""
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        said |= getattr(record, "fields", None) or {}
        return json.dumps(said | _where(record), ensure_ascii=False, default=str)


def set_up_logging(form: LogFormat, *, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Have the whole process log in a form, to the standard error by default."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if form is LogFormat.JSON else WithoutTexts(TEXT_FORMAT))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _bare(record: logging.LogRecord) -> logging.LogRecord:
    """Return a record without its exception."""
    copied = logging.makeLogRecord(record.__dict__)
    copied.exc_info = copied.exc_text = None
    return copied


def _where(record: logging.LogRecord) -> dict[str, str]:
    if not record.exc_info or record.exc_info[0] is None:
        return {}
    kind, _, trace = record.exc_info
    return {"error": kind.__name__, "at": "".join(traceback.format_tb(trace))}
