"""Refreshes on schedule: when they are due, what puts them off, and ones that are killed at each step."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.errors import ArgumentError, PartyUnavailableError, ShareCorruptError, SubjectExistsError
from matcher.privacy import operations
from matcher.privacy.catch_up import caught_up
from matcher.privacy.encode import IrisForm
from matcher.privacy.layout import Layout
from matcher.privacy.party import Party
from matcher.privacy.randomness import Stream
from matcher.privacy.rule import rule_for
from matcher.privacy.schedule import MAX_RETRY_S, RefreshSchedule, period_of
from matcher.privacy.sharing import join, split
from matcher.privacy.store import DRAWN, STAGED, ShareStore
from matcher.v1 import privacy_pb2 as pb

LAYOUT = Layout(IrisForm(2048), rule_for(0.2285, 2048, 0.35), reach=0, eyes=(), face=4, least=60_000_000)
"""Small records: a refresh does the same to every array."""

HOUR = 3600.0


@pytest.mark.parametrize(
    ("text", "seconds"), [("24h", 86_400.0), ("0.5s", 0.5), ("90m", 5400.0), (" 7d ", 604_800.0)]
)
def test_periods(text: str, seconds: float) -> None:
    assert period_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "24", "h", "-1h", "0h", "0.0d", "1e9s", "1 h", "24hours", "1" * 9 + "0s"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="24h"):
        period_of(text)


class Leader(Party):
    """Party 0 whose operations are written down, and fail as told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(0, ShareStore(folder, LAYOUT), lambda other, frame: None)
        self.asked: list[int] = []
        self.failures: list[Exception] = []
        self.after: Callable[[], None] = lambda: None

    def lead(self, request: pb.RunOperationRequest) -> pb.RunOperationResponse:
        self.asked.append(request.kind)
        if self.failures:
            self.after()
            raise self.failures.pop(0)
        self.store.write_generation(self.store.generation + 1, {"face": np.zeros((0, 4), np.uint32)})
        self.store.use_generation(self.store.generation + 1)
        self.after()
        return pb.RunOperationResponse()


def test_a_refresh_is_due_a_period_after_the_shares_were_drawn(tmp_path: Path) -> None:
    leader = Leader(tmp_path)
    drawn = leader.store.drawn_at
    now = [drawn + HOUR]
    schedule = RefreshSchedule(leader, 24 * HOUR, lambda: now[0])
    assert schedule.due_in_s == pytest.approx(23 * HOUR)
    # A restart moves nothing.
    again = RefreshSchedule(Leader(tmp_path), 24 * HOUR, lambda: now[0])
    assert again.due_in_s == schedule.due_in_s
    now[0] = drawn + 25 * HOUR
    assert schedule.due_in_s == 0
    # A clock that was set back a year puts nothing off for a year.
    now[0] = drawn - 8760 * HOUR
    assert schedule.due_in_s == 24 * HOUR
    assert schedule.retry_s == MAX_RETRY_S
    # A store from before this was kept counts from now.
    (leader.store.path / DRAWN).write_text("yesterday")
    assert Leader(tmp_path).store.drawn_at >= drawn


def test_the_schedule_refreshes_tries_again_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    leader = Leader(tmp_path)
    stop = threading.Event()
    leader.failures = [
        PartyUnavailableError("Party 2 is not there."),
        SubjectExistsError("A subject of the id 'ann' is enrolled already."),
        OSError(28, "No space left on device"),
    ]
    leader.after = lambda: stop.set() if len(leader.asked) == 5 else None
    with caplog.at_level(logging.INFO, logger="matcher.privacy.schedule"):
        RefreshSchedule(leader, 0.02).run(stop)
    assert leader.asked == [pb.OPERATION_KIND_REFRESH] * 5
    assert leader.store.generation == 2
    assert caplog.text.count("put off") == 3
    assert "Party 2 is not there" in caplog.text
    assert "No space left" in caplog.text
    assert "ann" not in caplog.text
    assert caplog.text.count("Shares refreshed") == 2


def test_only_the_party_that_orders_operations_keeps_the_time(tmp_path: Path) -> None:
    other = Party(1, ShareStore(tmp_path, LAYOUT), lambda other, frame: None)
    with pytest.raises(ArgumentError, match="party 0"):
        RefreshSchedule(other, HOUR)
    with pytest.raises(ArgumentError, match="above 0"):
        RefreshSchedule(Leader(tmp_path / "0"), 0.0)


class KilledError(Exception):
    """A power failure."""


class Trial:
    """Three stores with one deleted and two living subjects, and what they share."""

    def __init__(self, folder: Path, trio: Any) -> None:
        self.folder, self.trio = folder, trio
        self.stores = [ShareStore(folder / str(i), LAYOUT) for i in range(3)]
        self.faces = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]], np.uint32)
        for i, share in enumerate(split(self.faces, Stream.fresh())):
            self.stores[i].append(["ann", "bob", "carol"], LAYOUT.packed({"face": share}))
            self.stores[i].delete("bob")

    def run(self, operation: Callable[..., Any]) -> list[Any]:
        found: list[Any] = self.trio.run(operation, self.stores)
        return found

    def reopen(self, *which: int) -> None:
        for i in which:
            self.stores[i] = ShareStore(self.folder / str(i), LAYOUT)

    def check(self, generation: int) -> None:
        """All three are of one generation, alone on disk, and any two hold the very faces."""
        assert [s.generation for s in self.stores] == [generation] * 3
        assert [s.generations() for s in self.stores] == [[generation]] * 3
        assert not list(self.folder.glob(f"*/{STAGED}*"))
        held = [np.array(s.array("face")) for s in self.stores]
        np.testing.assert_array_equal(join(held[0], held[1])[[0, 2]], self.faces[[0, 2]])
        # The third share lies on the line of the other two: a refresh of it fits too.
        self.run(operations.refreshed)
        drawn = [np.array(s.array("face")) for s in self.stores]
        np.testing.assert_array_equal(join(drawn[0], drawn[1])[[0, 2]], self.faces[[0, 2]])
        assert all((one != two).any() for one, two in zip(held, drawn, strict=True))


@pytest.mark.parametrize("restarted", ["it alone", "all"])
@pytest.mark.parametrize("point", ["before writing", "half written", "written", "before use", "half removed"])
@pytest.mark.parametrize("killed", range(3))
def test_a_refresh_killed_at_any_step_happens_everywhere_or_nowhere(
    tmp_path: Path, trio: Any, monkeypatch: pytest.MonkeyPatch, killed: int, point: str, restarted: str
) -> None:
    trial = Trial(tmp_path, trio)
    store = trial.stores[killed]
    write = store.write_generation

    def writing(number: int, changed: Any) -> None:
        if point == "half written":
            (store.folder / f"{STAGED}{number}").mkdir()
            (store.folder / f"{STAGED}{number}" / "face").write_bytes(b"torn")
        if point == "written":
            write(number, changed)
        if point in ("before writing", "half written", "written"):
            raise KilledError
        write(number, changed)

    def using(number: int) -> None:
        if point == "half removed":
            (store.path / "journal").unlink()
        raise KilledError

    monkeypatch.setattr(store, "write_generation", writing)
    monkeypatch.setattr(store, "use_generation", using)
    with pytest.raises(KilledError):
        trial.run(operations.refreshed)
    trial.reopen(*([killed] if restarted == "it alone" else range(3)))
    assert trial.run(caught_up) == [4] * 3
    # Parties before the killed one in turn had gone on; all had written once it used.
    trial.check(1 if point in ("before use", "half removed") or (point == "written" and killed == 2) else 0)


@pytest.mark.parametrize("away", range(3))
def test_shares_from_before_a_refresh_are_drawn_again_from_the_others(
    tmp_path: Path, trio: Any, away: int
) -> None:
    """A backup of one party's disk, put back after the others refreshed."""
    trial = Trial(tmp_path, trio)
    shutil.copytree(tmp_path / str(away), tmp_path / "backup")
    trial.run(operations.refreshed)
    kept = np.array(trial.stores[away].array("face"))
    shutil.rmtree(tmp_path / str(away))
    shutil.move(tmp_path / "backup", tmp_path / str(away))
    trial.reopen(away)
    assert trial.run(caught_up) == [4] * 3
    np.testing.assert_array_equal(trial.stores[away].array("face")[[0, 2]], kept[[0, 2]])
    trial.check(1)


def test_two_old_stores_do_not_make_the_third_forget(tmp_path: Path, trio: Any) -> None:
    trial = Trial(tmp_path, trio)
    for i in (0, 2):
        shutil.copytree(tmp_path / str(i), tmp_path / f"backup-{i}")
    trial.run(operations.refreshed)
    for i in (0, 2):
        shutil.rmtree(tmp_path / str(i))
        shutil.move(tmp_path / f"backup-{i}", tmp_path / str(i))
    trial.reopen(0, 2)
    with pytest.raises(ShareCorruptError, match="no two have the newest") as refused:
        trial.run(caught_up)
    assert "Put the newest store" in str(refused.value)
    assert [s.generation for s in trial.stores] == [0, 1, 0]


def test_empty_stores_agree_on_a_generation(tmp_path: Path, trio: Any) -> None:
    """Refreshes of nothing, one of them cut off, do not keep the parties apart."""
    stores = [ShareStore(tmp_path / str(i), LAYOUT) for i in range(3)]
    stores[1].write_generation(1, {"face": np.zeros((0, 4), np.uint32)})
    stores[1].use_generation(1)
    assert trio.run(caught_up, stores) == [0] * 3
    assert [s.generation for s in stores] == [1] * 3
