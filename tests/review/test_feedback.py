"""Decisions become merges: groups, contradictions, a server that has them done once."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from matcher.client import Client
from matcher.engine import Engine
from matcher.errors import SubjectNotFoundError
from matcher.review.cases import Case
from matcher.review.feedback import Merge, Merged, plan_merges, send_merges, transaction
from matcher.review.ledger import Choice, Decision, Role
from matcher.service.server import build_server

SUBJECTS = ("carol", "alice", "bob", "dave", "erin", "frank", "gone")
ORDER = {name: place for place, name in enumerate(SUBJECTS)}
"""As they stand in the register: not by the alphabet."""


def decided(pairs: list[tuple[str, str, Choice | None]]) -> tuple[list[Case], dict[int, list[Decision]]]:
    """Return cases and decisions of pairs; None is a case that one analyst decided, so that it is open."""
    cases, decisions = [], {}
    for number, (probe, candidate, choice) in enumerate(pairs):
        cases.append(Case(number, probe, candidate, 90.0, 70.0, "DUPLICATE", "FUSED", (), (), ()))
        users = ("ann", "bob") if choice is not None else ("ann",)
        decisions[number] = [
            Decision(number, probe, candidate, user, Role.ANALYST, choice or Choice.DUPLICATE, "", 0.0)
            for user in users
        ]
    return cases, decisions


def test_groups_are_merged_into_who_stands_first_and_contradictions_are_left_alone() -> None:
    """A chain is one group; a "different" within a group, not beside it, stops its merges."""
    yes, no = Choice.DUPLICATE, Choice.DIFFERENT
    chain: list[tuple[str, str, Choice | None]] = [("alice", "bob", yes), ("carol", "bob", yes)]
    beside: list[tuple[str, str, Choice | None]] = [("carol", "frank", no), ("dave", "erin", None)]
    plan = plan_merges(*decided(chain + beside), ORDER)
    assert plan.merges == (Merge("carol", "alice"), Merge("carol", "bob"))
    assert plan.contradictions == ()
    plan = plan_merges(*decided([*chain, ("carol", "alice", no), ("dave", "erin", yes)]), ORDER)
    assert plan.merges == (Merge("dave", "erin"),)
    assert plan.contradictions == (("carol", "alice", "bob"),)
    assert plan_merges([], {}, ORDER).merges == ()


def test_a_server_merges_once_however_often_it_is_asked(fakes: ModuleType, tmp_path: Any) -> None:
    """Who stays has both encounters; a subject that is gone is told; a repeat changes nothing."""
    plan = plan_merges(
        *decided([("carol", "alice", Choice.DUPLICATE), ("dave", "gone", Choice.DUPLICATE)]), ORDER
    )
    store = f"sqlite:///{tmp_path}/gallery.db"
    with Engine(store, scorers=fakes.scorers(), read=fakes.read) as engine:
        server = build_server(engine)
        with Client(server.address) as client:
            for number, name in enumerate(("carol", "alice", "dave")):
                client.enroll([fakes.image(number)], subject_id=name)
            first = list(send_merges(plan, client.merge, "run"))
            last = client.status().sequence
            assert list(send_merges(plan, client.merge, "run")) == first
            assert client.status().sequence == last
            assert [one.merge for one in first] == list(plan.merges)
            assert first[1] == Merged(Merge("dave", "gone"), None)
            assert first[0].sequence == last
            with pytest.raises(SubjectNotFoundError):
                client.subject("alice")
            assert len(list(client.encounters(subject_id="carol"))) == 2
        server.drain(1)


def test_merges_carry_the_run_for_the_audit() -> None:
    """One key for each pair of subjects, one transaction for all."""
    sent: list[tuple[str, str]] = []

    def merge(subject_id: str, other_id: str, *, idempotency_key: str, transaction_id: str) -> int:
        sent.append((idempotency_key, transaction_id))
        return len(sent)

    plan = plan_merges(
        *decided([("carol", "alice", Choice.DUPLICATE), ("bob", "dave", Choice.DUPLICATE)]), ORDER
    )
    list(send_merges(plan, merge, "a" * 64))
    list(send_merges(plan, merge, "b" * 64))
    assert len({key for key, _ in sent}) == 4
    assert [name for _, name in sent] == [transaction("a" * 64)] * 2 + [transaction("b" * 64)] * 2
    assert all(len(key) <= 128 and len(name) <= 128 for key, name in sent)


def test_what_was_merged_is_not_in_the_register_any_more() -> None:
    """Fed back twice, with a decision between: who is left is joined to who is left."""
    yes = Choice.DUPLICATE
    first = decided([("carol", "alice", yes)])
    assert plan_merges(*first, ORDER).merges == (Merge("carol", "alice"),)
    left = {name: place for name, place in ORDER.items() if name != "alice"}
    second = decided([("carol", "alice", yes), ("alice", "bob", yes)])
    assert plan_merges(*second, left).merges == (Merge("carol", "bob"), Merge("carol", "alice"))
    # Whoever stood first was deleted: the others are still one person.
    left = {name: place for name, place in ORDER.items() if name != "carol"}
    plan = plan_merges(*decided([("carol", "alice", yes), ("carol", "bob", yes)]), left)
    assert plan.merges[0] == Merge("alice", "bob")
    assert plan_merges(*decided([("carol", "alice", yes)]), {}).merges == (Merge("alice", "carol"),)


def test_registers_that_no_server_has_are_not_merged(reviewed: Any) -> None:
    """A folder's records are no subjects, nor are those of two registers that one server has."""
    from typer.testing import CliRunner

    from matcher.cli.main import app
    from matcher.errors import ArgumentError

    said = CliRunner().invoke(app, ["review", str(reviewed), "--merge", "127.0.0.1:1"])
    assert isinstance(said.exception, ArgumentError)
    assert "store" in str(said.exception)


def test_merges_that_end_in_the_middle_are_told(
    reviewed: Any, tmp_path: Any, monkeypatch: Any, capsys: Any
) -> None:
    """What was merged before is done, so it is printed, whatever comes then."""
    import dataclasses

    from matcher.cli import review
    from matcher.dedup import manifest
    from matcher.errors import ServerUnavailableError
    from matcher.review import feedback

    asked = dataclasses.replace(manifest.read_run(reviewed), source="sqlite:///gallery.db")
    monkeypatch.setattr(manifest, "read_run", lambda out: asked)
    plan = plan_merges(
        *decided([("carol", "alice", Choice.DUPLICATE), ("bob", "dave", Choice.DUPLICATE)]), ORDER
    )
    monkeypatch.setattr(feedback, "plan_merges", lambda *given: plan)
    monkeypatch.setattr("matcher.review.evidence.Evidence", lambda *given: SimpleNamespace(order=ORDER))

    class Ending:
        def __enter__(self) -> Any:
            return self

        def __exit__(self, *what: object) -> None: ...

        def merge(self, subject: str, other: str, **more: Any) -> int:
            if subject == "bob":
                raise ServerUnavailableError("The server is gone.")
            return 7

    ledger, connection = cast(Any, SimpleNamespace(decisions=dict)), cast(Any, SimpleNamespace(client=Ending))
    with pytest.raises(ServerUnavailableError):
        review._merge(reviewed, ledger, connection, "run")
    told = capsys.readouterr()
    assert told.out == "alice -> carol: change 7\n"
    assert told.err == "1 of 2 merged\n"
