"""Who may do what over the wire, and the log of it: certificates, tokens, roles, galleries, limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from types import ModuleType
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from matcher.audit.entry import Entry, unpacked
from matcher.audit.keys import load_publics, make_key
from matcher.audit.proof import LogParts
from matcher.audit.verify import verify_log
from matcher.client import Client
from matcher.engine import Engine
from matcher.errors import (
    ArgumentError,
    AuditNotKeptError,
    AuditUnavailableError,
    EncounterNotFoundError,
    ForbiddenError,
    MatcherError,
    SubjectNotFoundError,
    TooManyRequestsError,
    UnauthenticatedError,
)
from matcher.gallery.records import EncounterStatus
from matcher.security.identity import EVERY_GALLERY, WANTED, Identity, Role
from matcher.service.page_token import page_token
from matcher.service.scopes import EngineLookup, check_scope, samples_of, subjects_of
from matcher.service.secured import Secured, secured
from matcher.service.server import SERVICE, Server
from matcher.service.status import to_error
from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SETTINGS = """
[tls]
certificate = "server.pem"
key = "server.key"
{ca}
[tokens]
keys = "keys"
audience = "matcher"
[limits]
samples = 3
message_bytes = 5000
requests_per_s = 0.001
burst = 50
[audit]
folder = "audit"
key = "audit.pem"
"""
CLIENTS = """
[[clients]]
name = "registration-17"
roles = ["enrol", "verify"]
galleries = ["*"]
[[clients]]
name = "quick"
roles = ["verify"]
galleries = ["*"]
burst = 2
"""


@pytest.fixture(scope="module")
def secure(load: Callable[[str], ModuleType]) -> ModuleType:
    """Certificates and tokens."""
    return load("service/secure")


class Office:
    """A secured server in this process, and its callers."""

    def __init__(self, folder: Path, engine: Engine, secure: ModuleType, *, mutual: bool) -> None:
        self.folder, self._secure = folder, secure
        self._issued = secure.write_tls(folder, "registration-17", "quick", "stranger")
        (folder / "keys").mkdir()
        (folder / "keys" / "main.pem").write_bytes(secure.public_pem(KEY))
        make_key(folder / "audit.pem")
        text = SETTINGS.format(ca='client_ca = "ca.pem"' if mutual else "") + (CLIENTS if mutual else "")
        (folder / "security.toml").write_text(text)
        self.secured: Secured = secured(folder / "security.toml", "127.0.0.1:0")
        self.server = Server(
            "127.0.0.1:0", interceptors=[self.secured.guard], credentials=self.secured.credentials
        )
        self.secured.guard.lookup = EngineLookup(engine)
        self.server.serve(engine, self.secured.accesses)
        self._channels: list[grpc.Channel] = []

    def channel(self, name: str | None) -> grpc.Channel:
        """A connection with a client's certificate, or none."""
        root = (self.folder / "ca.pem").read_bytes()
        key, certificate = self._issued[name] if name else (None, None)
        channel = grpc.secure_channel(
            self.server.address, grpc.ssl_channel_credentials(root, key, certificate)
        )
        self._channels.append(channel)
        return channel

    def call(
        self, method: str, request: Any, *, certificate: str | None = None, token: str | None = None
    ) -> Any:
        """The answer; a typed error where there is one."""
        stub = getattr(pb_grpc.MatcherServiceStub(self.channel(certificate)), method)
        metadata = [("authorization", f"Bearer {token}")] if token else None
        try:
            return stub(request, metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            raise to_error(error, "server") from None

    def token(self, *roles: str, **changes: Any) -> str:
        """A good token with these roles."""
        return str(self._secure.signed(KEY, "main", self._secure.claims(roles=list(roles), **changes)))

    def entries(self) -> list[Entry]:
        """The log, verified."""
        keys = load_publics([self.folder / "audit.pem.pub"])
        size = verify_log(self.folder / "audit", keys).entries
        parts = LogParts(self.folder / "audit")
        return [unpacked(parts.entry(number)) for number in range(size)]

    def close(self) -> None:
        """Stop."""
        for channel in self._channels:
            channel.close()
        self.server.drain(1)
        self.secured.close()


@pytest.fixture
def tokens(tmp_path: Path, engine: Engine, secure: ModuleType) -> Iterator[Office]:
    """A server that knows clients by tokens."""
    folder = tmp_path / "office"
    folder.mkdir()
    made = Office(folder, engine, secure, mutual=False)
    yield made
    made.close()


@pytest.fixture
def mutual(tmp_path: Path, engine: Engine, secure: ModuleType) -> Iterator[Office]:
    """A server that knows clients by certificates."""
    folder = tmp_path / "office"
    folder.mkdir()
    made = Office(folder, engine, secure, mutual=True)
    yield made
    made.close()


def sample(text: str) -> pb.Sample:
    """A sample of the fakes."""
    return pb.Sample(image=text.encode())


ENROLL = pb.EnrollRequest(subject_id="alice", samples=[sample("IMG 1 0")])
VERIFY = pb.VerifyRequest(subject_id="alice", samples=[sample("IMG 1 1")])
IDENTIFY = pb.IdentifyRequest(samples=[sample("IMG 1 1")])
DELETE = pb.DeleteSubjectRequest(subject_id="alice")
STATUS = pb.GetServerStatusRequest()


def test_every_method_has_its_roles() -> None:
    """One that is added without a word is nobody's; this test then asks for the word."""
    methods = pb.DESCRIPTOR.services_by_name[SERVICE.rpartition(".")[2]].methods_by_name
    assert set(methods) <= set(WANTED)
    for method in ("Unheard", ""):
        with pytest.raises(ForbiddenError):
            Identity("x", frozenset(Role), frozenset({EVERY_GALLERY})).check_role(method)


def test_a_certificate_says_who_calls(mutual: Office) -> None:
    """Its roles hold, and no others; a certificate that is not listed is nobody's."""
    assert mutual.call("Enroll", ENROLL, certificate="registration-17").created
    assert mutual.call("Verify", VERIFY, certificate="registration-17").accepted
    assert mutual.call("GetServerStatus", STATUS, certificate="quick").subject_count == 1
    for method, request in (("Identify", IDENTIFY), ("DeleteSubject", DELETE)):
        with pytest.raises(ForbiddenError):
            mutual.call(method, request, certificate="registration-17")
    with pytest.raises(ForbiddenError):
        mutual.call("Enroll", ENROLL, certificate="quick")
    with pytest.raises(UnauthenticatedError):
        mutual.call("Verify", VERIFY, certificate="stranger")
    with pytest.raises(MatcherError):
        mutual.call("Verify", VERIFY)


def test_a_token_says_who_calls(tokens: Office, secure: ModuleType) -> None:
    assert tokens.call("Enroll", ENROLL, token=tokens.token("enrol")).created
    assert tokens.call("Verify", VERIFY, token=tokens.token("verify")).accepted
    assert len(tokens.call("Identify", IDENTIFY, token=tokens.token("identify")).candidates) == 1
    with pytest.raises(ForbiddenError):
        tokens.call("DeleteSubject", DELETE, token=tokens.token("enrol", "admin"))
    with pytest.raises(ForbiddenError):
        tokens.call("GetServerStatus", STATUS, token=tokens.token())
    for token in (None, "nonsense", secure.signed(KEY, "other", secure.claims())):
        with pytest.raises(UnauthenticatedError):
            tokens.call("Verify", VERIFY, token=token)
    tokens.call("DeleteSubject", DELETE, token=tokens.token("delete"))
    with pytest.raises(SubjectNotFoundError):
        tokens.call("Verify", VERIFY, token=tokens.token("verify"))


def test_every_access_is_in_the_log_before_its_answer(tokens: Office) -> None:
    """Good ones and refused ones; who, what, about whom, with what outcome; no status."""
    tokens.call("Enroll", ENROLL, token=tokens.token("enrol"))
    assert [entry.action for entry in tokens.entries()] == ["Enroll"]
    tokens.call("Identify", IDENTIFY, token=tokens.token("identify", sub="searcher"))
    tokens.call("GetServerStatus", STATUS, token=tokens.token("read"))
    with pytest.raises(UnauthenticatedError):
        tokens.call("Verify", VERIFY)
    with pytest.raises(ForbiddenError):
        tokens.call("DeleteSubject", DELETE, token=tokens.token("read"))
    told = [(entry.actor, entry.action, entry.outcome, entry.subjects) for entry in tokens.entries()]
    assert told == [
        ("clerk", "Enroll", "OK", ("alice",)),
        ("searcher", "Identify", "OK", ("alice",)),
        ("unknown", "Verify", "UNAUTHENTICATED", ("alice",)),
        ("clerk", "DeleteSubject", "PERMISSION_DENIED", ("alice",)),
    ]
    assert all(entry.address.startswith("ipv4:127.0.0.1") and entry.transaction for entry in tokens.entries())
    assert b"IMG" not in b"".join(path.read_bytes() for path in (tokens.folder / "audit").iterdir())


def test_bytes_that_are_no_message_are_in_the_log(tokens: Office) -> None:
    """With who sent them, where that is known; of streams too."""
    channel, token = tokens.channel(None), tokens.token("verify", "identify")
    for metadata in (None, [("authorization", f"Bearer {token}")]):
        with pytest.raises(grpc.RpcError):
            channel.unary_unary(f"/{SERVICE}/Verify")(b"\xff\xff", metadata=metadata, timeout=20)
    stream = channel.stream_stream(f"/{SERVICE}/IdentifyStream")
    with pytest.raises(grpc.RpcError) as failed:
        list(stream(iter([b"\xff\xff"]), metadata=metadata, timeout=20))
    assert "no message" in to_error(failed.value, "server").message
    assert [(entry.actor, entry.action, entry.outcome) for entry in tokens.entries()] == [
        ("unknown", "Verify", "UNAUTHENTICATED"),
        ("clerk", "Verify", "ARGUMENT_INVALID"),
        ("clerk", "IdentifyStream", "ARGUMENT_INVALID"),
    ]


def test_items_of_a_stream_are_logged_each_under_its_own_transaction(tokens: Office) -> None:
    """And about whom they asked, also where the answer does not say so; two of one id are both there."""
    tokens.call("Enroll", ENROLL, token=tokens.token("enrol"))
    stub = pb_grpc.MatcherServiceStub(tokens.channel(None))
    metadata = [("authorization", f"Bearer {tokens.token('enrol', 'identify')}")]
    items = [
        pb.BulkEnrollRequest(
            item_id=f"i{n}",
            transaction_id=f"visit {n}" if n else "",
            enroll=pb.EnrollRequest(subject_id=f"s{n}", samples=[sample(f"IMG {10 + n} 0")]),
        )
        for n in range(3)
    ]
    list(stub.BulkEnroll(iter(items), metadata=metadata, timeout=20))
    searches = [
        pb.IdentifyStreamRequest(item_id="x", transaction_id=name, search=pb.IdentifyRequest(subject_id=whom))
        for name, whom in (("first", "alice"), ("second", "nobody"))
    ]
    list(stub.IdentifyStream(iter(searches), metadata=metadata, timeout=20))
    entries = tokens.entries()[1:]
    bulk = {entry.subjects: entry.transaction for entry in entries if entry.action == "BulkEnroll"}
    assert len(bulk[("s0",)]) == 32  # made by the server
    assert (bulk[("s1",)], bulk[("s2",)]) == ("visit 1", "visit 2")
    searched = [entry for entry in entries if entry.action == "IdentifyStream"]
    assert {entry.transaction for entry in searched} == {"first", "second"}
    assert {name for entry in searched for name in entry.subjects} == {"alice", "nobody"}


def test_an_access_by_an_encounter_s_number_is_in_its_subject_s_log(tokens: Office) -> None:
    """Whose it is when the call begins: afterwards it may be gone, or another's."""
    enrol, admin = tokens.token("enrol"), tokens.token("enrol", "identify", "delete", "admin", sub="chief")
    keys = []
    for name, expected in (("alice", 0), ("alice", pb.SUBJECT_EXPECTATION_KNOWN), ("bob", 0)):
        finger = sample(f"IMG {1 + len(keys)} 0")
        own_id = "v1" if name == "bob" else ""
        request = pb.EnrollRequest(
            subject_id=name, samples=[finger], subject_expectation=expected, client_encounter_id=own_id
        )
        keys.append(tokens.call("Enroll", request, token=enrol).encounter_id)
    inactive = pb.ENCOUNTER_STATUS_INACTIVE
    for method, request in (
        ("SetEncounterStatus", pb.SetEncounterStatusRequest(encounter_id=keys[0], status=inactive)),
        ("Identify", pb.IdentifyRequest(encounter_id=keys[0])),
        ("MoveEncounter", pb.MoveEncounterRequest(encounter_id=keys[1], subject_id="bob")),
        ("DeleteEncounter", pb.DeleteEncounterRequest(encounter_id=keys[1])),
        ("Identify", pb.IdentifyRequest(client_encounter=V1)),
    ):
        tokens.call(method, request, token=admin)
    with pytest.raises(ForbiddenError):
        tokens.call("DeleteEncounter", pb.DeleteEncounterRequest(encounter_id=keys[0]), token=enrol)
    with pytest.raises(EncounterNotFoundError):
        tokens.call("DeleteEncounter", pb.DeleteEncounterRequest(encounter_id=99), token=admin)
    told = [(entry.action, entry.subjects) for entry in tokens.entries()[3:]]
    assert told == [
        ("SetEncounterStatus", ("alice",)),
        ("Identify", ("alice",)),
        ("MoveEncounter", ("bob", "alice")),
        ("DeleteEncounter", ("bob",)),
        ("Identify", ("bob",)),
        ("DeleteEncounter", ("alice",)),
        ("DeleteEncounter", ()),
    ]


def test_a_person_s_own_log(tokens: Office) -> None:
    """Who looked at alice, page by page, and not whom else they looked at; reading it is an access, too."""
    for name in ("alice", "bob"):
        request = pb.EnrollRequest(subject_id=name, samples=[sample("IMG 1 0")])
        tokens.call("Enroll", request, token=tokens.token("enrol"))
    tokens.call("Identify", IDENTIFY, token=tokens.token("identify", sub="searcher"))
    tokens.call("DeleteSubject", DELETE, token=tokens.token("delete", sub="deleter"))
    read, request = (
        tokens.token("read", sub="ombudsman"),
        pb.ListAccessesRequest(subject_id="alice", page_size=2),
    )
    first = tokens.call("ListAccesses", request, token=read)
    assert [(one.client, one.method) for one in first.accesses] == [
        ("clerk", "Enroll"),
        ("searcher", "Identify"),
    ]
    assert "bob" not in str(first)
    request.page_token = first.next_page_token
    second = tokens.call("ListAccesses", request, token=read)
    told = [(one.client, one.method, one.outcome) for one in second.accesses]
    assert told == [("deleter", "DeleteSubject", "OK"), ("ombudsman", "ListAccesses", "OK")]
    assert [one.entry_number for one in second.accesses] == [3, 4]
    for wrong in (
        pb.ListAccessesRequest(),
        pb.ListAccessesRequest(subject_id="bob", page_token=first.next_page_token),
        pb.ListAccessesRequest(subject_id="alice", page_size=1001),
        pb.ListAccessesRequest(subject_id="alice", page_token=page_token(1 << 63, "accesses", "alice")),
    ):
        with pytest.raises(ArgumentError):
            tokens.call("ListAccesses", wrong, token=read)
    with pytest.raises(ForbiddenError):
        tokens.call("ListAccesses", request, token=tokens.token("identify"))


def test_a_key_is_of_one_client(tokens: Office, engine: Engine) -> None:
    """Another client's key does not answer with somebody else's result, in calls and in streams."""
    clerk, other = (tokens.token("enrol", "delete", "identify", sub=name) for name in ("clerk", "other"))
    request = pb.EnrollRequest(samples=[sample("IMG 1 0")], idempotency_key="k")
    first = tokens.call("Enroll", request, token=clerk)
    assert not tokens.call("Enroll", request, token=clerk).created
    foreign = tokens.call("Enroll", request, token=other)
    assert (foreign.created, foreign.subject_id != first.subject_id) == (True, True)
    request.subject_id = "x"  # nor is it refused for what the other has sent
    assert tokens.call("Enroll", request, token=tokens.token("enrol", sub="third")).created
    stub = pb_grpc.MatcherServiceStub(tokens.channel(None))
    items = [pb.BulkEnrollRequest(item_id="i", enroll=pb.EnrollRequest(samples=[sample("IMG 2 0")]))]
    told = [
        next(stub.BulkEnroll(iter(items), metadata=[("authorization", f"Bearer {token}")], timeout=20))
        for token in (clerk, clerk, other)
    ]
    ids = [answer.enrolment.subject_id for answer in told]
    assert (ids[0] == ids[1], ids[0] != ids[2]) == (True, True)
    assert [answer.item_id for answer in told] == ["i", "i", "i"]
    delete = pb.DeleteSubjectRequest(subject_id=first.subject_id, idempotency_key="d")
    done = tokens.call("DeleteSubject", delete, token=clerk).sequence
    assert tokens.call("DeleteSubject", delete, token=clerk).sequence == done
    with pytest.raises(SubjectNotFoundError):
        tokens.call("DeleteSubject", delete, token=other)
    for wrong in ("x" * 129, "\n"):
        delete.idempotency_key = wrong
        with pytest.raises(ArgumentError):
            tokens.call("DeleteSubject", delete, token=clerk)


def test_a_person_s_own_log_goes_on_over_a_merge(tokens: Office, engine: Engine) -> None:
    """Entries under an id that was merged away, as long as it was theirs: not those of who has it now."""
    token = tokens.token("enrol", "identify", "verify", "read", "delete", "admin")

    def call(method: str, **values: Any) -> None:
        tokens.call(method, getattr(pb, f"{method}Request")(**values), token=token)

    def told() -> list[tuple[str, str]]:
        request = pb.ListAccessesRequest(subject_id="alice", page_size=2)
        found = []
        while True:
            page = tokens.call("ListAccesses", request, token=tokens.token("read"))
            found += [(one.method, one.subject_id) for one in page.accesses]
            request.page_token = page.next_page_token
            if not request.page_token:
                return [one for one in found if one[0] != "ListAccesses"]

    call("Enroll", subject_id="bob", samples=[sample("IMG 9 0")])  # another bob, who is gone
    call("DeleteSubject", subject_id="bob")
    for number, name in enumerate(("alice", "bob", "carl")):
        call("Enroll", subject_id=name, samples=[sample(f"IMG {number} 0")])
    call("Verify", subject_id="carl", samples=[sample("IMG 2 1")])
    call("MergeSubjects", subject_id="bob", other_subject_id="carl", idempotency_key="m")
    call("MergeSubjects", subject_id="alice", other_subject_id="bob")
    call("Enroll", subject_id="carl", samples=[sample("IMG 8 0")])  # another carl
    call("MergeSubjects", subject_id="bob", other_subject_id="carl", idempotency_key="m")  # told again
    call("Verify", subject_id="carl", samples=[sample("IMG 8 1")])
    assert told() == [
        ("Enroll", "alice"),
        ("Enroll", "bob"),
        ("Enroll", "carl"),
        ("Verify", "carl"),
        ("MergeSubjects", "bob"),
        ("MergeSubjects", "alice"),
    ]


def test_a_change_whose_entry_failed_is_entered_before_anything_else_is_done(
    tokens: Office, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By calls and by streams; while it cannot be, nothing is begun but what touches nobody's data."""
    enrol, delete = tokens.token("enrol", "identify"), tokens.token("delete")
    stub = pb_grpc.MatcherServiceStub(tokens.channel(None))
    metadata = [("authorization", f"Bearer {enrol}")]
    log = tokens.secured.log
    assert log is not None
    put = log._put
    with monkeypatch.context() as broken:

        def full(group: Any) -> int:
            raise OSError(28, "No space left on device")

        broken.setattr(log, "_put", full)
        with pytest.raises(AuditUnavailableError):
            tokens.call("Enroll", ENROLL, token=enrol)
        assert engine.status().subjects == 1  # it is done all the same
        for request in (ENROLL, pb.EnrollRequest(subject_id="bob", samples=[sample("IMG 2 0")])):
            with pytest.raises(AuditUnavailableError):
                tokens.call("Enroll", request, token=enrol)
        with pytest.raises(grpc.RpcError):
            list(stub.BulkEnroll(enrolments(1), metadata=metadata, timeout=20))
        assert engine.status().subjects == 1
        tokens.call("GetServerStatus", pb.GetServerStatusRequest(), token=enrol)
    assert log._put == put
    tokens.call("DeleteSubject", DELETE, token=delete)
    told = [(entry.action, entry.outcome, entry.subjects, entry.note) for entry in tokens.entries()]
    assert told == [
        ("Enroll", "OK", ("alice",), "change=1"),
        ("DeleteSubject", "OK", ("alice",), "change=2"),
    ]


def test_changes_without_an_entry_get_one_at_the_next_start(
    tokens: Office, engine: Engine, fakes: ModuleType
) -> None:
    """Those of a process that died before the entry; each once, and none of before the log began."""
    engine.enroll("old", [fakes.image(1)])
    tokens.secured.begin(engine)
    tokens.call("Enroll", ENROLL, token=tokens.token("enrol"))
    engine.enroll("bob", [fakes.image(2)])
    engine.merge("bob", "old")
    tokens.call("DeleteSubject", DELETE, token=tokens.token("delete"))
    for _ in range(2):
        tokens.secured.begin(engine)
    engine.set_status(3, EncounterStatus.INACTIVE)
    tokens.secured.begin(engine)
    told = [
        (entry.actor, entry.action, entry.outcome, entry.subjects, entry.note.split()[0])
        for entry in tokens.entries()
    ]
    assert told == [
        ("server", "ChangesEntered", "OK", (), "up_to=1"),
        ("clerk", "Enroll", "OK", ("alice",), "change=2"),
        ("clerk", "DeleteSubject", "OK", ("alice",), "change=5"),
        ("unknown", "Enroll", "RECOVERED", ("bob",), "change=3"),
        ("unknown", "MergeSubjects", "RECOVERED", ("bob", "old"), "change=4"),
        ("server", "ChangesEntered", "OK", (), "up_to=5"),
        ("unknown", "SetEncounterStatus", "RECOVERED", ("bob",), "change=6"),
        ("server", "ChangesEntered", "OK", (), "up_to=6"),
    ]


def test_a_server_without_a_log_says_so(client: Client) -> None:
    with pytest.raises(AuditNotKeptError):
        list(client.accesses("alice"))


def test_an_access_that_cannot_be_logged_is_refused(tokens: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens.call("Enroll", ENROLL, token=tokens.token("enrol"))

    def full(entry: Entry) -> None:
        raise AuditUnavailableError("The access could not be recorded.")

    monkeypatch.setattr(tokens.secured.log, "submit", full)
    with pytest.raises(AuditUnavailableError):
        tokens.call("Verify", VERIFY, token=tokens.token("verify"))


def test_limits(tokens: Office) -> None:
    """Samples, bytes, requests a client."""
    token = tokens.token("verify")
    many = pb.VerifyRequest(subject_id="alice", samples=[sample("IMG 1 1")] * 4)
    with pytest.raises(ArgumentError, match="at most 3"):
        tokens.call("Verify", many, token=token)
    with pytest.raises(ArgumentError, match="5000 bytes"):
        tokens.call("Verify", pb.VerifyRequest(samples=[sample("x" * 6000)]), token=token)
    method = tokens.channel(None).unary_unary(f"/{SERVICE}/Verify")
    with pytest.raises(grpc.RpcError) as failed:
        method(b"\xff\xff\xff", metadata=[("authorization", f"Bearer {token}")], timeout=20)
    assert "no message" in to_error(failed.value, "server").message
    waits = []
    for _ in range(60):
        try:
            tokens.call("GetServerStatus", STATUS, token=token)
        except TooManyRequestsError as error:
            waits.append(error.retry_after_s)
    assert len(waits) == 60 - (50 - 3)  # the three above, and what is no message among them
    assert all(0 < wait <= 1000 for wait in waits)  # one in a thousand seconds, as the settings say
    assert tokens.call("GetServerStatus", STATUS, token=tokens.token("read", sub="other")).subject_count == 0


def test_a_client_s_own_rate(mutual: Office) -> None:
    for _ in range(2):
        mutual.call("GetServerStatus", STATUS, certificate="quick")
    with pytest.raises(TooManyRequestsError):
        mutual.call("GetServerStatus", STATUS, certificate="quick")
    mutual.call("GetServerStatus", STATUS, certificate="registration-17")


def test_a_token_is_not_taken_in_the_clear_beyond_loopback(
    tmp_path: Path, secure: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "keys").mkdir()
    path = tmp_path / "security.toml"
    path.write_text('[tokens]\nkeys = "keys"\naudience = "matcher"\n')
    with pytest.raises(ArgumentError, match="in the clear"):
        secured(path, "0.0.0.0:0")
    secured(path, "127.0.0.1:0").close()
    path.write_text("")
    secured(path, "0.0.0.0:0").close()
    assert "WITHOUT IDENTITIES" in caplog.text


class Visits:
    """Galleries of a few subjects and encounters."""

    def of_subject(self, subject_id: str) -> list[frozenset[str]]:
        return {
            "north": [frozenset({"north"})],
            "both": [frozenset({"north", "south"}), frozenset({"north"})],
            "mixed": [frozenset({"north"}), frozenset({"south"})],
            "none": [frozenset()],
        }.get(subject_id, [])

    def of_encounter(self, encounter_id: int) -> list[frozenset[str]]:
        return [frozenset({"north"})] if encounter_id == 1 else [frozenset({"south"})]

    def of_client_encounter(self, subject_id: str, client_id: str) -> list[frozenset[str]]:
        """An encounter is called after its gallery."""
        return [frozenset({client_id})] if subject_id == "mixed" else []

    def subject_of(self, encounter_id: int) -> str | None:
        return "north" if encounter_id == 1 else None


V1 = pb.ClientEncounter(subject_id="bob", client_encounter_id="v1")

NORTH = Identity("clerk", frozenset(Role), frozenset({"north"}))


@pytest.mark.parametrize(
    ("subject_id", "seen"),
    [("north", True), ("both", True), ("mixed", False), ("none", False), ("nobody", True)],
)
def test_a_subject_is_seen_where_every_encounter_is(subject_id: str, seen: bool) -> None:
    for method, request in (
        ("Verify", pb.VerifyRequest(subject_id=subject_id)),
        ("DeleteSubject", pb.DeleteSubjectRequest(subject_id=subject_id)),
    ):
        if seen:
            check_scope(NORTH, method, request, Visits())
        else:
            with pytest.raises(ForbiddenError):
                check_scope(NORTH, method, request, Visits())
        check_scope(Identity("x", NORTH.roles, frozenset({EVERY_GALLERY})), method, request, None)


def named(*names: str) -> tuple[pb.EncounterDetails, pb.SearchFilter]:
    """Details and filter of these galleries."""
    return pb.EncounterDetails(galleries=names), pb.SearchFilter(galleries=names)


def requests_of(*names: str) -> list[tuple[str, Any]]:
    """Requests that must name galleries, and name these."""
    details, chosen = named(*names)
    enroll = pb.EnrollRequest(details=details)
    unique = pb.EnrollIfUniqueRequest(details=details, filter=chosen)
    identify = pb.IdentifyRequest(filter=chosen)
    return [
        ("Enroll", enroll),
        ("EnrollIfUnique", unique),
        ("BulkEnroll", pb.BulkEnrollRequest(enroll=enroll)),
        ("BulkEnroll", pb.BulkEnrollRequest(enroll_if_unique=unique)),
        ("Identify", identify),
        ("IdentifyStream", pb.IdentifyStreamRequest(search=identify)),
        ("SetGalleries", pb.SetGalleriesRequest(encounter_id=1, galleries=names)),
    ]


def test_who_sees_some_galleries_names_them() -> None:
    """And no others; each part of a request that searches and enrols."""
    for method, request in requests_of("north"):
        check_scope(NORTH, method, request, Visits())
    for names in ((), ("south",), ("north", "south")):
        for method, request in requests_of(*names):
            with pytest.raises(ForbiddenError):
                check_scope(NORTH, method, request, Visits())
    details, chosen = named("north")
    for half in (pb.EnrollIfUniqueRequest(details=details), pb.EnrollIfUniqueRequest(filter=chosen)):
        with pytest.raises(ForbiddenError):
            check_scope(NORTH, "EnrollIfUnique", half, Visits())


def test_an_encounter_of_another_gallery_is_not_touched() -> None:
    check_scope(NORTH, "DeleteEncounter", pb.DeleteEncounterRequest(encounter_id=1), Visits())
    own, others = (pb.ClientEncounter(subject_id="mixed", client_encounter_id=g) for g in ("north", "south"))
    check_scope(NORTH, "DeleteEncounter", pb.DeleteEncounterRequest(client_encounter=own), Visits())
    for method, request in (
        ("DeleteEncounter", pb.DeleteEncounterRequest(encounter_id=2)),
        ("DeleteEncounter", pb.DeleteEncounterRequest(client_encounter=others)),
        ("Identify", pb.IdentifyRequest(client_encounter=others, filter=named("north")[1])),
        ("SetGalleries", pb.SetGalleriesRequest(encounter_id=2, galleries=["north"])),
        ("MergeSubjects", pb.MergeSubjectsRequest(subject_id="north", other_subject_id="mixed")),
        ("Identify", pb.IdentifyRequest(encounter_id=2, filter=named("north")[1])),
    ):
        with pytest.raises(ForbiddenError):
            check_scope(NORTH, method, request, Visits())


def test_galleries_over_the_wire(tokens: Office, engine: Engine) -> None:
    """A client of the north enrols, finds and deletes in the north only."""
    token = tokens.token("enrol", "identify", "read", "delete", galleries=["north"])
    every = tokens.token("enrol", "identify")
    details, chosen = named("north")
    there = pb.EnrollRequest(subject_id="north", samples=[sample("IMG 1 0")], details=details)
    tokens.call("Enroll", there, token=token)
    tokens.call("Enroll", pb.EnrollRequest(subject_id="far", samples=[sample("IMG 1 2")]), token=every)
    found = tokens.call(
        "Identify", pb.IdentifyRequest(samples=[sample("IMG 1 1")], filter=chosen), token=token
    )
    assert [candidate.subject_id for candidate in found.candidates] == ["north"]
    assert len(tokens.call("Identify", IDENTIFY, token=every).candidates) == 2
    for method, request in (
        ("GetSubject", pb.GetSubjectRequest(subject_id="far")),
        ("DeleteSubject", pb.DeleteSubjectRequest(subject_id="far")),
        ("DeleteEncounter", pb.DeleteEncounterRequest(encounter_id=2)),
        ("Identify", IDENTIFY),
        ("ListGalleries", pb.ListGalleriesRequest()),
    ):
        with pytest.raises(ForbiddenError):
            tokens.call(method, request, token=token)
    assert (
        tokens.call("GetSubject", pb.GetSubjectRequest(subject_id="north"), token=token).subject_id == "north"
    )
    tokens.call("DeleteSubject", pb.DeleteSubjectRequest(subject_id="north"), token=token)
    assert engine.status().subjects == 1


def test_streams_are_guarded_and_logged(tokens: Office) -> None:
    """Role at the start, every item's samples and galleries, an entry for each answer before it."""
    stub = pb_grpc.MatcherServiceStub(tokens.channel(None))

    def bulk(token: str, items: list[pb.BulkEnrollRequest]) -> list[pb.BulkEnrollResponse]:
        answers = stub.BulkEnroll(iter(items), metadata=[("authorization", f"Bearer {token}")], timeout=20)
        try:
            return list(answers)
        except grpc.RpcError as error:
            raise to_error(error, "server") from None

    def item(number: int, count: int = 1) -> pb.BulkEnrollRequest:
        samples = [sample(f"IMG {number} {n}") for n in range(count)]
        return pb.BulkEnrollRequest(
            item_id=str(number), enroll=pb.EnrollRequest(subject_id=f"s{number}", samples=samples)
        )

    with pytest.raises(ForbiddenError):
        bulk(tokens.token("enrol"), [item(1)])
    token = tokens.token("enrol", "identify")
    assert {answer.item_id for answer in bulk(token, [item(n) for n in range(1, 7)])} == set("123456")
    with pytest.raises(ArgumentError, match="at most 3"):
        bulk(token, [item(7, 4)])
    told = sorted((entry.action, entry.outcome, entry.subjects) for entry in tokens.entries())
    good = [("BulkEnroll", "OK", (f"s{number}",)) for number in range(1, 7)]
    assert told == sorted(
        [*good, ("BulkEnroll", "PERMISSION_DENIED", ()), ("BulkEnroll", "ARGUMENT_INVALID", ("s7",))]
    )


def enrolments(*numbers: int) -> Iterator[pb.BulkEnrollRequest]:
    """Items of a stream, of different people."""
    for number in numbers:
        request = pb.EnrollRequest(subject_id=f"s{number}", samples=[sample(f"IMG {number} 0")])
        yield pb.BulkEnrollRequest(item_id=str(number), enroll=request)


def test_whoever_is_enrolled_is_in_the_log_though_the_client_has_gone(tokens: Office, engine: Engine) -> None:
    """It does not wait for its answers: what was begun is done, and said to be."""
    stub = pb_grpc.MatcherServiceStub(tokens.channel(None))
    sent: Queue[pb.BulkEnrollRequest | None] = Queue()
    metadata = [("authorization", f"Bearer {tokens.token('enrol', 'identify')}")]
    answers = stub.BulkEnroll(iter(sent.get, None), metadata=metadata, timeout=20)
    submit, stored, gone = engine._gallery.submit, threading.Semaphore(0), threading.Event()

    def late(operation: Any) -> Any:
        done = submit(operation)
        done.result(10)  # it is stored, and nothing takes it back
        stored.release()
        assert gone.wait(10)
        return done

    engine._gallery.reservations._submit = late
    for item in enrolments(1, 2, 3):
        sent.put(item)
    assert stored.acquire(timeout=10)  # entered one after the other: the others wait for it
    answers.cancel()
    sent.put(None)
    time.sleep(0.5)  # until the server has heard of it
    gone.set()
    tokens.server.drain(5)
    tokens.secured.close()  # what was handed to the log is in it then
    enrolled = {visit.subject_id for visit in engine.encounters()}
    logged = {name for entry in tokens.entries() if entry.outcome == "OK" for name in entry.subjects}
    assert "s1" in enrolled
    assert logged == enrolled


def test_a_stream_ends_with_its_token(tokens: Office) -> None:
    stub = pb_grpc.MatcherServiceStub(tokens.channel(None))
    sent: Queue[pb.BulkEnrollRequest | None] = Queue()
    metadata = [("authorization", f"Bearer {tokens.token('enrol', 'identify')}")]
    answers = stub.BulkEnroll(iter(sent.get, None), metadata=metadata, timeout=20)
    first, second = enrolments(1, 2)
    sent.put(first)
    assert next(answers).item_id == "1"
    verifier = tokens.secured.guard._tokens
    assert verifier is not None
    verifier._clock = lambda: time.time() + 3600
    sent.put(second)
    with pytest.raises(grpc.RpcError) as refused:
        next(answers)
    assert isinstance(to_error(refused.value, "server"), UnauthenticatedError)
    sent.put(None)


def test_a_search_of_everybody_is_refused() -> None:
    """Without a way to ask for galleries everything is; so are lists of all galleries."""
    for method, lookup in (("Identify", Visits()), ("ListGalleries", Visits()), ("Verify", None)):
        with pytest.raises(ForbiddenError):
            check_scope(NORTH, method, IDENTIFY, lookup)


def test_what_a_message_names() -> None:
    reply = pb.IdentifyResponse(candidates=[pb.Candidate(subject_id=name) for name in "aba"])
    assert subjects_of(reply) == ["a", "b"]
    assert subjects_of(pb.IdentifyResponse()) == []
    assert samples_of(pb.VerifyRequest(samples=[sample("x")] * 5)) == 5


def test_many_callers_at_once(tokens: Office) -> None:
    """Each is logged once."""
    tokens.call("Enroll", ENROLL, token=tokens.token("enrol"))

    def call(number: int) -> None:
        for _ in range(5):
            tokens.call("Verify", VERIFY, token=tokens.token("verify", sub=f"caller-{number}"))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    actors = [entry.actor for entry in tokens.entries() if entry.action == "Verify"]
    assert sorted(actors) == sorted(f"caller-{number}" for number in range(4) for _ in range(5))
