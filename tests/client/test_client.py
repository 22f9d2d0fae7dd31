"""Both clients: every method, typed answers as the engine gives them, errors, streams that are resumed."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from matcher.client import (
    AsyncClient,
    BulkItem,
    BulkOutcome,
    Client,
    SearchItem,
    Uniqueness,
    calls,
    calls_upgrades,
)
from matcher.client import call as call_module
from matcher.engine import Engine
from matcher.errors import (
    ArgumentError,
    BlankImageError,
    EncounterExistsError,
    EncounterNotFoundError,
    NotReadyError,
    OverloadedError,
    SubjectNotFoundError,
)
from matcher.gallery.filters import Filter
from matcher.gallery.operations import EncounterUpdate, SubjectIs
from matcher.gallery.records import (
    ClientEncounter,
    EncounterDetails,
    EncounterStatus,
    MissingPosition,
    MissingReason,
)
from matcher.service.server import Server, build_server
from matcher.types import Modality
from matcher.v1 import matcher_pb2 as pb

DETAILS = EncounterDetails(
    EncounterStatus.INACTIVE,
    frozenset({"north"}),
    1980,
    {"office": "7"},
    -5_000_001,
    (
        MissingPosition(Modality.IRIS, 2, MissingReason.REFUSED),
        MissingPosition(Modality.FACE, 1, MissingReason.MISSING),
    ),
    b"\0",
)


def use(client: Client, engine: Engine, fakes: ModuleType) -> None:
    """Call every method and compare with the engine."""
    first = client.enroll(
        [fakes.image(1)], subject_id="alice", details=DETAILS, transaction_id="t", priority=9
    )
    known = SubjectIs.KNOWN
    second = client.enroll([fakes.image(2)], subject_id="alice", subject_is=known).sequence
    (one, two) = client.subject("alice", templates=True)
    stored = engine.subject("alice").encounters
    assert [(e.encounter_key, e.details, e.enrolled_at_us, e.subject_id) for e in (one, two)] == [
        (e.encounter_key, e.details, e.enrolled_at_us, e.subject_id) for e in stored
    ]
    assert [s.template for s in one.samples] == [s.template for s in stored[0].samples]
    assert not client.enroll_if_unique([fakes.image(2, 1)]).enrolled
    new = client.enroll_if_unique([fakes.image(3)], subject_id="bob", threshold=50, max_candidates=3)
    assert new.enrolled is not None
    everybody = Filter(active_only=False)
    for options in (
        {"chosen": everybody},
        {"exhaustive": True},
        {"chosen": Filter(excluded=frozenset({"bob"}))},
    ):
        sent, here = (
            client.identify([fakes.image(1)], **options),
            engine.identify([fakes.image(1)], **options),
        )
        assert sent.candidates == pytest.approx(here.candidates) or [
            c.subject_id for c in sent.candidates
        ] == [c.subject_id for c in here.candidates]
        assert (sent.subjects, sent.threshold) == (here.subjects, here.threshold)
    client.enroll([fakes.image(1, 3)], subject_id="twin")
    for stored_probe in (
        {"subject_id": "twin"},
        {"encounter": engine.subject("twin").encounters[0].encounter_key},
    ):
        found = client.identify(**stored_probe, threshold=50, chosen=everybody)
        assert [c.subject_id for c in found.candidates] == ["alice"]
    client.delete("twin")
    assert client.verify("alice", [fakes.image(1, 1)]).decision.accepted
    assert client.compare([fakes.image(5)], [fakes.image(5, 1)]).decision.accepted
    client.update(EncounterUpdate(first.sequence, year_of_birth=None, tags={"a": "b"}))
    client.set_status(first.sequence, EncounterStatus.ACTIVE)
    client.set_galleries(second, ["x", "y"])
    assert client.galleries() == engine.galleries()
    assert [g.name for g in client.galleries()] == ["north", "x", "y"]
    details = client.subject("alice")[0].details
    assert (details.year_of_birth, details.tags, details.client_data) == (None, {"a": "b"}, b"\0")
    client.move(second, "carol", subject_is=SubjectIs.NEW)
    client.merge("bob", "carol", idempotency_key="m")
    assert [e.encounter_key for e in client.encounters()] == [1, 2, new.enrolled.sequence]
    page, token = client.list_encounters(page_size=1, gallery="north")
    assert (len(page), bool(token)) == (1, True)
    client.delete_encounter(second)
    made = client.extract([fakes.image(6)])
    assert made[0].template == engine.extract([fakes.image(6)])[0].template
    told = client.assess([fakes.image(6), b"BLANK"])
    assert [(a.quality, type(a.failure)) for a in told] == [(50, type(None)), (0, BlankImageError)]
    assert client.delete("bob") == client.status().sequence
    with pytest.raises(SubjectNotFoundError):
        client.subject("bob")
    with pytest.raises(EncounterNotFoundError):
        client.move(99, "alice")
    use_own_ids(client, fakes)
    with pytest.raises(ArgumentError):
        client.list_encounters(subject_id="")


def use_own_ids(client: Client, fakes: ModuleType) -> None:
    """Name encounters by ids of the client's in every way that there is."""
    made = client.enroll([fakes.image(7)], subject_id="dora", client_encounter_id="v1")
    assert made.client_encounter_id == "v1"
    known, visit = SubjectIs.KNOWN, ClientEncounter("dora", "v1")
    with pytest.raises(EncounterExistsError, match="'v1'"):
        client.enroll([fakes.image(8)], subject_id="dora", subject_is=known, client_encounter_id="v1")
    new = client.enroll_if_unique([fakes.image(8)], subject_id="emil", client_encounter_id="v1")
    assert new.enrolled is not None
    assert new.enrolled.client_encounter_id == "v1"
    ((one,), token) = client.list_encounters(subject_id="dora", client_encounter_id="v1")
    assert (one.client_id, one.encounter_key, token) == ("v1", made.sequence, "")
    client.set_status(visit, EncounterStatus.INACTIVE)
    client.set_galleries(visit, ["x"])
    assert client.identify(encounter=visit, threshold=50).candidates == ()
    with pytest.raises(EncounterExistsError, match="'v1'"):
        client.merge("dora", "emil")
    client.update(EncounterUpdate(visit, client_id="v2"))
    client.merge("dora", "emil")
    assert [v.client_id for v in client.subject("dora")] == ["v2", "v1"]
    client.move(ClientEncounter("dora", "v1"), "emil", subject_is=SubjectIs.NEW)
    client.update(EncounterUpdate(made.sequence, client_id=None))
    assert [v.client_id for v in client.subject("dora")] == [None]
    client.enroll([fakes.image(7, 1)], subject_id="dora", subject_is=known, client_encounter_id="v1")
    client.delete_encounter(visit)
    with pytest.raises(EncounterNotFoundError):
        client.delete_encounter(visit)
    for name in ("dora", "emil"):
        client.delete(name)


def test_every_method(client: Client, engine: Engine, fakes: ModuleType) -> None:
    use(client, engine, fakes)


class Waiting:
    """An `AsyncClient` that is called as a `Client`."""

    def __init__(self, client: AsyncClient, loop: asyncio.AbstractEventLoop) -> None:
        self._client, self._loop = client, loop

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            found = getattr(self._client, name)(*args, **options)
            if hasattr(found, "__aiter__"):
                return self._loop.run_until_complete(_all(found))
            return self._loop.run_until_complete(found)

        return call


async def _all(answers: Any) -> list[Any]:
    return [answer async for answer in answers]


@pytest.fixture
def waiting(server: Server) -> Iterator[Waiting]:
    loop = asyncio.new_event_loop()

    async def connect() -> AsyncClient:
        return AsyncClient(server.address)

    client = loop.run_until_complete(connect())
    yield Waiting(client, loop)
    loop.run_until_complete(client.close())
    loop.close()


def test_every_method_with_asyncio(waiting: Client, engine: Engine, fakes: ModuleType) -> None:
    waiting.wait_ready(5)
    use(waiting, engine, fakes)


def test_both_clients_have_all_methods_of_the_service() -> None:
    built = {
        name
        for name, value in (vars(calls) | vars(calls_upgrades)).items()
        if inspect.isfunction(value) and "**options" in str(inspect.signature(value))
    }
    built = {name for name in built if not name.startswith("_")}
    for kind in (Client, AsyncClient):
        assert built <= vars(kind).keys()
    methods = {m.name for m in pb.DESCRIPTOR.services_by_name["MatcherService"].methods}
    assert len(built) == len(methods - {"BulkEnroll", "IdentifyStream"})


def items(fakes: ModuleType, count: int) -> list[BulkItem]:
    return [BulkItem(f"i{n}", [fakes.image(n)], subject_id=f"s{n}") for n in range(count)]


def check_bulk(client: Client, engine: Engine, fakes: ModuleType) -> None:
    many = [*items(fakes, 40), BulkItem("blank", [b"BLANK"])]
    many.append(BulkItem("new", [fakes.image(90)], unique=Uniqueness(threshold=50)))
    answers = {a.item_id: a for a in client.bulk_enroll(many)}
    assert len(answers) == 42
    assert answers["i7"].outcome is BulkOutcome.ENROLLED
    assert answers["i7"].enrolled is not None
    assert answers["i7"].enrolled.subject_id == "s7"
    assert answers["blank"].outcome is BulkOutcome.FAILED
    assert isinstance(answers["blank"].error, BlankImageError)
    assert answers["new"].search is not None
    again = {a.item_id: a for a in client.bulk_enroll(many)}
    assert {a.outcome for a in again.values()} == {BulkOutcome.ALREADY, BulkOutcome.FAILED}
    for name in ("i7", "new"):
        before, after = answers[name].enrolled, again[name].enrolled
        assert before is not None
        assert after is not None
        assert (before.subject_id, before.sequence) == (after.subject_id, after.sequence)
    twice = BulkItem("other", [fakes.image(90, 1)], unique=Uniqueness(threshold=50))
    (refused,) = client.bulk_enroll([twice])
    assert refused.outcome is BulkOutcome.NOT_UNIQUE
    assert engine.status().subjects == 41
    searches = [SearchItem(f"q{n}", [fakes.image(n, 1)], threshold=50) for n in range(20)]
    found = {a.item_id: a for a in client.identify_stream([*searches, SearchItem("bad", [b"BAD"])])}
    assert len(found) == 21
    result = found["q3"].result
    assert result is not None
    assert [c.subject_id for c in result.candidates] == ["s3"]
    assert found["bad"].error is not None
    assert found["bad"].error.reason == "IMAGE_FORMAT_UNKNOWN"


def test_streams(client: Client, engine: Engine, fakes: ModuleType) -> None:
    check_bulk(client, engine, fakes)


def test_streams_with_asyncio(waiting: Client, engine: Engine, fakes: ModuleType) -> None:
    check_bulk(waiting, engine, fakes)


def test_what_the_source_raises_comes_after_the_answers(
    client: Client, engine: Engine, fakes: ModuleType
) -> None:
    with pytest.raises(ArgumentError):
        BulkItem("", [fakes.image(1)]).message({})
    twice = [BulkItem("i", [b"SLOW 0.3 1"]), BulkItem("i", [fakes.image(2)])]
    answers = client.bulk_enroll(twice)
    assert next(answers).item_id == "i"
    with pytest.raises(ArgumentError, match="once"):
        next(answers)
    assert engine.status().subjects == 1


def test_a_broken_stream_is_resumed_and_nobody_enrolled_twice(engine: Engine, fakes: ModuleType) -> None:
    """The server goes away in the middle and comes back at the same address."""
    server = build_server(engine)
    address = server.address
    restarted: list[Server] = []

    def restart() -> None:
        server.drain(0)
        restarted.append(build_server(engine, listen=address))

    def slowly() -> Iterator[BulkItem]:
        for number, item in enumerate(items(fakes, 60)):
            if number == 30:
                threading.Thread(target=restart).start()
            yield item

    with Client(address) as client:
        answers = [a.item_id for a in client.bulk_enroll(slowly())]
    assert sorted(answers) == sorted(f"i{n}" for n in range(60))
    assert engine.status().subjects == 60
    restarted[0].drain(1)


@pytest.mark.parametrize("keyed", [False, True])
def test_overload_is_repeated_by_itself_whatever_the_call(
    client: Client, engine: Engine, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch, keyed: bool
) -> None:
    calls_made: list[int] = []
    enroll = engine.enroll

    def overloaded(*arguments: Any, **options: Any) -> Any:
        calls_made.append(1)
        if len(calls_made) < 3:
            raise OverloadedError("too much", retry_after_s=0.02)
        return enroll(*arguments, **options)

    monkeypatch.setattr(engine, "enroll", overloaded)
    assert client.enroll([fakes.image(1)], idempotency_key="k" if keyed else None).created
    assert len(calls_made) == 3

    def always(*_: Any, **__: Any) -> Any:
        raise OverloadedError("too much", hint="later", retry_after_s=40.0)

    monkeypatch.setattr(engine, "enroll", always)
    with pytest.raises(OverloadedError) as told:
        client.enroll([fakes.image(1)], timeout=5)
    assert (told.value.retry_after_s, told.value.hint) == (40.0, "later")


def test_changes_are_repeated_only_with_a_key(
    client: Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def failing(*_: Any, **__: Any) -> Any:
        tried.append(1)
        raise NotReadyError("n")

    monkeypatch.setattr(engine, "merge", failing)
    for key, expected in ((None, 1), ("k", call_module.ATTEMPTS)):
        tried.clear()
        with pytest.raises(NotReadyError):
            client.merge("a", "b", idempotency_key=key)
        assert len(tried) == expected
