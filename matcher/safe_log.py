"""Logging a defect without what it was about: an exception's text may hold a piece of a fingerprint."""

from __future__ import annotations

import logging
import traceback


def log_defect(logger: logging.Logger, what: str, error: BaseException) -> None:
    """Log the type of an exception and the lines of code that it came through, never its text.

    Parameters
    ----------
    logger : logging.Logger
    what : str
        What went wrong, without personal data.
    error : BaseException
    """
    lines = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s: %s at\n%s", what, type(error).__name__, lines)
