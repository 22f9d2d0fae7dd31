"""Decisions: two of two people, a supervisor where they differ; nothing is decided twice or changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from matcher.errors import ArgumentError, StoreUnavailableError
from matcher.review.advice import threshold_advice
from matcher.review.cases import Case
from matcher.review.ledger import Choice, Decision, Ledger, Role, State, outcome_of, state_of

PASSWORD = "correct horse battery"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty file of decisions."""
    return Ledger(tmp_path / "review.db", "run 1")


def decision(
    user: str, choice: Choice, *, case: int = 0, role: Role = Role.ANALYST, note: str = ""
) -> Decision:
    """Return a decision."""
    return Decision(case, "p", "c", user, role, choice, note, 1.0)


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        (Choice.DUPLICATE, Choice.DUPLICATE, State.CLOSED),
        (Choice.DIFFERENT, Choice.DIFFERENT, State.CLOSED),
        (Choice.DUPLICATE, Choice.DIFFERENT, State.DISPUTED),
        (Choice.CANNOT_TELL, Choice.CANNOT_TELL, State.DISPUTED),
        (Choice.DUPLICATE, Choice.CANNOT_TELL, State.DISPUTED),
    ],
)
def test_two_equal_decisions_close_a_case(
    first: Choice, second: Choice, state: State, ledger: Ledger
) -> None:
    """Unless both cannot tell; then, and where they differ, a supervisor settles."""
    assert state_of(ledger.of(0)) is State.OPEN
    ledger.decide(decision("ann", first))
    assert state_of(ledger.of(0)) is State.SECOND
    ledger.decide(decision("bob", second, note="ridges"))
    assert state_of(ledger.of(0)) is state
    if state is State.CLOSED:
        assert outcome_of(ledger.of(0)) is first
        return
    assert outcome_of(ledger.of(0)) is None
    ledger.decide(decision("sue", Choice.DIFFERENT, role=Role.SUPERVISOR))
    assert outcome_of(ledger.of(0)) is Choice.DIFFERENT
    assert [one.user for one in ledger.decisions()[0]] == ["ann", "bob", "sue"]


def test_what_is_not_allowed_is_refused(ledger: Ledger) -> None:
    """The same user twice, a supervisor first, anybody on a closed case, endless notes."""
    with pytest.raises(ArgumentError, match="Analysts decide first"):
        ledger.decide(decision("sue", Choice.DUPLICATE, role=Role.SUPERVISOR))
    ledger.decide(decision("ann", Choice.DUPLICATE))
    with pytest.raises(ArgumentError, match="before"):
        ledger.decide(decision("ann", Choice.DIFFERENT))
    with pytest.raises(ArgumentError, match="at most"):
        ledger.decide(decision("bob", Choice.DIFFERENT, note="x" * 3000))
    ledger.decide(decision("bob", Choice.DIFFERENT))
    with pytest.raises(ArgumentError, match="supervisor"):
        ledger.decide(decision("eve", Choice.DIFFERENT))
    ledger.decide(decision("sue", Choice.DUPLICATE, role=Role.SUPERVISOR))
    with pytest.raises(ArgumentError, match="closed"):
        ledger.decide(decision("eve", Choice.DUPLICATE))


def test_decisions_outlive_the_process_and_stay_with_their_run(tmp_path: Path, ledger: Ledger) -> None:
    """Another run of the folder begins without them; a file that is no database is told."""
    ledger.decide(decision("ann", Choice.DUPLICATE))
    assert len(Ledger(tmp_path / "review.db", "run 1").of(0)) == 1
    assert not Ledger(tmp_path / "review.db", "run 2").of(0)
    assert (tmp_path / "review.db").stat().st_mode & 0o777 == 0o600
    (tmp_path / "other.db").write_bytes(b"no database" * 200)
    with pytest.raises(StoreUnavailableError):
        Ledger(tmp_path / "other.db", "run 1")


def test_passwords_are_checked_and_not_kept(tmp_path: Path, ledger: Ledger) -> None:
    """Right, wrong, unknown user; too short; a new password."""
    assert not ledger.has_users
    with pytest.raises(ArgumentError):
        ledger.add_user("ann", Role.ANALYST, "short")
    ledger.add_user("ann", Role.ANALYST, PASSWORD)
    assert ledger.has_users
    assert ledger.check_user("ann", PASSWORD) is Role.ANALYST
    assert ledger.check_user("ann", PASSWORD + "x") is None
    assert ledger.check_user("eve", PASSWORD) is None
    assert PASSWORD.encode() not in (tmp_path / "review.db").read_bytes()
    ledger.add_user("ann", Role.SUPERVISOR, PASSWORD[::-1])
    assert ledger.check_user("ann", PASSWORD) is None
    assert ledger.check_user("ann", PASSWORD[::-1]) is Role.SUPERVISOR


def test_advice_measures_what_was_decided() -> None:
    """40 pairs at 61 to 100 dB; half of those below 65 are decided to be different people."""
    cases = [Case(n, "p", "c", 61.0 + n, 65.0, "", "", (), (), ()) for n in range(40)]
    told = {}
    for n in range(40):
        choice = Choice.DIFFERENT if n < 4 and n % 2 else Choice.DUPLICATE
        told[n] = [decision(user, choice, case=n) for user in ("ann", "bob")]
    rows = threshold_advice(cases, told, records=1000)
    assert [row.threshold for row in rows[:2]] == [60.0, 65.0]
    first, second = rows[:2]
    assert (first.pairs, first.decided, first.false) == (40, 40, 2)
    assert first.fpir == pytest.approx(2 * 40 / 1000 * 2 / 40)
    assert first.low is not None
    assert first.high is not None
    assert first.low < first.fpir < first.high
    assert first.modelled == pytest.approx(1e-3)
    assert not first.indicative
    assert second.false == 0
    assert threshold_advice([], {}, 10) == []
    assert threshold_advice(cases, {}, 10)[0].fpir is None


def test_long_passwords_are_compared_whole(ledger: Ledger) -> None:
    """What is cut in one place and not in the other lets nobody in."""
    password = "correct horse battery " * 60
    ledger.add_user("long", Role.ANALYST, password)
    assert ledger.check_user("long", password) is Role.ANALYST
    assert ledger.check_user("long", password[:1024]) is None
