"""Log lines: one JSON object each, never an exception's text, and a line a call where asked for."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from matcher.observe.calls import CallWatch
from matcher.observe.logs import TEXT_FORMAT, JsonLines, LogFormat, WithoutTexts, set_up_logging
from matcher.observe.metrics import CallOutcome, Metrics

logger = logging.getLogger("matcher.test")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def failing(what: str = "SECRET".lower()) -> None:
    raise ValueError(what)


@pytest.mark.parametrize("form", LogFormat)
def test_an_exception_is_told_by_its_type_and_place(form: LogFormat) -> None:
    """Whoever logged it, and however often it is formatted."""
    stream = io.StringIO()
    set_up_logging(form, stream=stream)
    try:
        failing()
    except ValueError:
        logger.exception("It failed")
    said = stream.getvalue()
    assert "secret" not in said
    assert "ValueError" in said
    assert "in failing" in said


def test_a_line_is_one_object() -> None:
    """Line breaks and quotes in a message do not make another line of it."""
    stream = io.StringIO()
    set_up_logging(LogFormat.JSON, stream=stream)
    logger.warning('a "quoted"\nbreak', extra={"fields": {"method": "Verify", "milliseconds": 1.5}})
    (line,) = stream.getvalue().splitlines()
    said = json.loads(line)
    assert said["message"] == 'a "quoted"\nbreak'
    assert (said["level"], said["logger"], said["method"]) == ("WARNING", "matcher.test", "Verify")
    assert said["time"].endswith("+00:00")


def test_a_formatter_leaves_the_record_to_the_next_handler() -> None:
    """Another handler may want the exception: only what is written here goes without."""
    try:
        failing()
    except ValueError as error:
        record = logger.makeRecord(
            "n", logging.ERROR, "f", 1, "m", (), (ValueError, error, error.__traceback__)
        )
    WithoutTexts(TEXT_FORMAT).format(record)
    JsonLines().format(record)
    assert record.exc_info


@pytest.mark.parametrize(
    ("log_calls", "code", "lines"),
    [(False, "OK", 0), (True, "OK", 1), (False, "INTERNAL", 1), (False, "INVALID_ARGUMENT", 0)],
)
def test_calls_are_logged_where_asked_for_and_defects_always(
    caplog: pytest.LogCaptureFixture, log_calls: bool, code: str, lines: int
) -> None:
    """With the transaction that the caller names, cut to a bounded length."""

    class Request:
        transaction_id = "t" * 1000

    outcome = CallOutcome()
    outcome.code = code
    watch = CallWatch(Metrics(), log_calls=log_calls)
    with caplog.at_level(logging.INFO):
        watch._log("Verify", Request(), outcome, 0.25)
    assert len(caplog.records) == lines
    for record in caplog.records:
        fields = record.fields  # type: ignore[attr-defined]  # put there by `extra`
        assert fields["milliseconds"] == 250.0
        assert len(fields["transaction_id"]) == 64
