"""Every method over a real channel, as a client with the proto alone calls it."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from matcher.service.server import Server
from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc

Stub = pb_grpc.MatcherServiceStub


@pytest.fixture
def stub(server: Server) -> Iterator[Stub]:
    with grpc.insecure_channel(server.address) as channel:
        yield Stub(channel)


def image(identity: int, impression: int = 0) -> pb.Sample:
    return pb.Sample(image=f"IMG {identity} {impression}".encode())


def enroll(stub: Stub, subject: str, identity: int, **values: object) -> pb.EnrollResponse:
    return stub.Enroll(pb.EnrollRequest(subject_id=subject, samples=[image(identity)], **values), timeout=20)


def found(stub: Stub, identity: int, **values: object) -> list[str]:
    request = pb.IdentifyRequest(samples=[image(identity, 1)], **values)
    return [c.subject_id for c in stub.Identify(request, timeout=20).candidates]


def refused(call: object, request: object) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as failed:
        call(request, timeout=20)  # type: ignore[operator]
    status = rpc_status.from_call(failed.value)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return failed.value.code(), info.reason


DETAILS = pb.EncounterDetails(
    status=pb.ENCOUNTER_STATUS_INACTIVE,
    galleries=["north", "voters"],
    year_of_birth=1980,
    tags={"office": "7"},
    captured_at=Timestamp(seconds=1_700_000_000, nanos=123_456_000),
    missing_positions=[
        pb.MissingPosition(
            modality=pb.MODALITY_FINGERPRINT,
            finger_position=pb.FINGER_POSITION_LEFT_RING,
            reason=pb.MISSING_REASON_SCARRED,
        )
    ],
    client_data=b"\0\1",
)


def test_what_is_known_of_an_encounter_comes_back(stub: Stub) -> None:
    made = enroll(stub, "alice", 1, details=DETAILS)
    assert made.encounter_id == made.sequence == 1
    subject = stub.GetSubject(pb.GetSubjectRequest(subject_id="alice", include_templates=True))
    (encounter,) = subject.encounters
    assert (encounter.encounter_id, encounter.subject_id, encounter.details) == (1, "alice", DETAILS)
    (sample,) = encounter.samples
    assert (sample.modality, sample.quality, sample.extractor) == (pb.MODALITY_FINGERPRINT, 50, "fake")
    again = pb.VerifyRequest(subject_id="alice", samples=[pb.Sample(template=sample.template)])
    assert stub.Verify(again).accepted
    bare = stub.GetSubject(pb.GetSubjectRequest(subject_id="alice"))
    assert not bare.encounters[0].samples[0].HasField("template")


def test_filters_decide_who_is_searched(stub: Stub) -> None:
    enroll(stub, "alice", 1, details=DETAILS)
    enroll(stub, "bob", 1)
    assert found(stub, 1) == ["bob"]
    assert sorted(found(stub, 1, filter=pb.SearchFilter(include_inactive=True))) == ["alice", "bob"]
    for chosen, names in (
        (pb.SearchFilter(galleries=["north"]), ["alice"]),
        (pb.SearchFilter(galleries=["south"]), []),
        (pb.SearchFilter(excluded_subject_ids=["bob", "nobody"]), ["alice"]),
        (pb.SearchFilter(last_year_of_birth=1979), ["bob"]),
        (pb.SearchFilter(tags={"office": "7"}), ["alice"]),
    ):
        chosen.include_inactive = True
        assert found(stub, 1, filter=chosen, exhaustive=True) == names
    wrong = pb.IdentifyRequest(samples=[image(1)], filter=pb.SearchFilter(galleries=["g"] * 65))
    assert refused(stub.Identify, wrong)[1] == "ARGUMENT_INVALID"


def test_stored_people_are_searched_for_among_the_others(stub: Stub) -> None:
    first = enroll(stub, "alice", 1)
    enroll(stub, "bob", 1)
    by_subject = stub.Identify(pb.IdentifyRequest(subject_id="alice", threshold=50))
    by_encounter = stub.Identify(pb.IdentifyRequest(encounter_id=first.encounter_id, threshold=50))
    for answer in (by_subject, by_encounter):
        assert [c.subject_id for c in answer.candidates] == ["bob"]
        assert answer.subject_count == 1
    both = pb.IdentifyRequest(subject_id="alice", encounter_id=1)
    assert refused(stub.Identify, both)[1] == "ARGUMENT_INVALID"
    assert refused(stub.Identify, pb.IdentifyRequest(subject_id="x"))[1] == "SUBJECT_NOT_FOUND"
    assert refused(stub.Identify, pb.IdentifyRequest(encounter_id=9))[1] == "ENCOUNTER_NOT_FOUND"


def test_somebody_new_is_enrolled_and_somebody_known_is_not(stub: Stub) -> None:
    request = pb.EnrollIfUniqueRequest(subject_id="alice", samples=[image(1)], idempotency_key="k")
    new = stub.EnrollIfUnique(request)
    assert (new.enrolment.created, new.enrolment.subject_id, new.search.subject_count) == (True, "alice", 0)
    again = stub.EnrollIfUnique(request)
    assert (again.enrolment.created, again.HasField("search")) == (False, False)
    known = stub.EnrollIfUnique(pb.EnrollIfUniqueRequest(subject_id="bob", samples=[image(1, 1)]))
    assert not known.HasField("enrolment")
    assert [c.subject_id for c in known.search.candidates] == ["alice"]
    others = pb.SearchFilter(excluded_subject_ids=["alice"])
    passed = pb.EnrollIfUniqueRequest(subject_id="bob", samples=[image(1, 1)], filter=others)
    assert stub.EnrollIfUnique(passed).enrolment.subject_id == "bob"


def test_encounters_are_changed_moved_and_removed(stub: Stub) -> None:
    first = enroll(stub, "alice", 1).encounter_id
    known = pb.SUBJECT_EXPECTATION_KNOWN
    second = enroll(stub, "alice", 2, subject_expectation=known).encounter_id
    assert refused(
        stub.Enroll, pb.EnrollRequest(subject_id="x", samples=[image(1)], subject_expectation=known)
    )[0] is (grpc.StatusCode.NOT_FOUND)
    stub.SetGalleries(pb.SetGalleriesRequest(encounter_id=first, galleries=["g", "h"]))
    stub.SetGalleries(pb.SetGalleriesRequest(encounter_id=second, galleries=["g"]))
    listed = stub.ListGalleries(pb.ListGalleriesRequest()).galleries
    assert [(g.name, g.encounter_count, g.subject_count) for g in listed] == [("g", 2, 1), ("h", 1, 1)]
    inactive = pb.SetEncounterStatusRequest(encounter_id=first, status=pb.ENCOUNTER_STATUS_INACTIVE)
    stub.SetEncounterStatus(inactive)
    assert found(stub, 1, threshold=50) == []
    bare = pb.SetEncounterStatusRequest(encounter_id=first)
    assert refused(stub.SetEncounterStatus, bare)[1] == "ARGUMENT_INVALID"

    update = pb.UpdateEncounterRequest(encounter_id=first, details=DETAILS)
    update.update_mask.paths.extend(["year_of_birth", "client_data"])
    stub.UpdateEncounter(update)
    details = stub.GetSubject(pb.GetSubjectRequest(subject_id="alice")).encounters[0].details
    assert (details.year_of_birth, details.client_data, dict(details.tags)) == (1980, b"\0\1", {})
    update.details.ClearField("year_of_birth")
    stub.UpdateEncounter(update)
    details = stub.GetSubject(pb.GetSubjectRequest(subject_id="alice")).encounters[0].details
    assert not details.HasField("year_of_birth")
    for paths in ([], ["status"], ["year_of_birth", "nothing"]):
        update.ClearField("update_mask")
        update.update_mask.paths.extend(paths)
        assert refused(stub.UpdateEncounter, update)[1] == "ARGUMENT_INVALID"

    move = pb.MoveEncounterRequest(encounter_id=second, subject_id="bob")
    assert refused(stub.MoveEncounter, move)[1] == "SUBJECT_NOT_FOUND"
    move.subject_expectation = pb.SUBJECT_EXPECTATION_NEW
    stub.MoveEncounter(move)
    assert found(stub, 2, threshold=50) == ["bob"]
    only = pb.DeleteEncounterRequest(encounter_id=second)
    assert refused(stub.DeleteEncounter, only) == (grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_LEFT")
    merge = pb.MergeSubjectsRequest(subject_id="alice", other_subject_id="bob", idempotency_key="m")
    merged = stub.MergeSubjects(merge).sequence
    assert stub.MergeSubjects(merge).sequence == merged
    merge.subject_id = "carol"
    assert refused(stub.MergeSubjects, merge)[1] == "IDEMPOTENCY_MISMATCH"
    stub.DeleteEncounter(only)
    assert refused(stub.DeleteEncounter, only) == (grpc.StatusCode.NOT_FOUND, "ENCOUNTER_NOT_FOUND")
    assert refused(stub.DeleteEncounter, pb.DeleteEncounterRequest())[1] == "ARGUMENT_INVALID"
    delete = pb.DeleteSubjectRequest(subject_id="alice", idempotency_key="d")
    assert stub.DeleteSubject(delete).sequence == stub.DeleteSubject(delete).sequence


def test_pages_hold_everything_once(stub: Stub) -> None:
    for number in range(7):
        details = pb.EncounterDetails(galleries=["odd"] if number % 2 else [])
        expected = pb.SUBJECT_EXPECTATION_EITHER
        enroll(stub, "ab"[number % 2], number, details=details, subject_expectation=expected)

    def listed(**values: object) -> list[int]:
        keys: list[int] = []
        request = pb.ListEncountersRequest(page_size=2, **values)
        while True:
            reply = stub.ListEncounters(request)
            assert len(reply.encounters) <= 2
            assert not any(s.HasField("template") for e in reply.encounters for s in e.samples)
            keys += [encounter.encounter_id for encounter in reply.encounters]
            if not reply.next_page_token:
                return keys
            request.page_token = reply.next_page_token

    assert listed() == [1, 2, 3, 4, 5, 6, 7]
    assert listed(subject_id="b") == listed(gallery="odd") == [2, 4, 6]
    assert refused(stub.ListEncounters, pb.ListEncountersRequest(subject_id="x"))[1] == "SUBJECT_NOT_FOUND"
    token = stub.ListEncounters(pb.ListEncountersRequest(page_size=2)).next_page_token
    for wrong in (
        pb.ListEncountersRequest(page_token=token, subject_id="a"),
        pb.ListEncountersRequest(page_token=token[:-4]),
        pb.ListEncountersRequest(page_token="!"),
        pb.ListEncountersRequest(page_token="é"),
        pb.ListEncountersRequest(page_size=1001),
        pb.ListEncountersRequest(page_size=-1),
    ):
        assert refused(stub.ListEncounters, wrong)[1] == "ARGUMENT_INVALID"


def test_two_sets_of_samples_are_compared_without_enrolling(stub: Stub) -> None:
    mated = stub.Compare(pb.CompareRequest(probe_samples=[image(1)], candidate_samples=[image(1, 1)]))
    assert (mated.accepted, mated.comparison_count, mated.threshold) == (True, 1, 40)
    other = stub.Compare(pb.CompareRequest(probe_samples=[image(1)], candidate_samples=[image(2)], fmr=1.0))
    assert (other.score.value < 40, other.threshold) == (True, 0)
    eye = pb.Sample(image=b"IMG 1 0", eye_position=pb.EYE_POSITION_LEFT)
    nothing = stub.Compare(pb.CompareRequest(probe_samples=[image(1)], candidate_samples=[eye]))
    assert (nothing.accepted, nothing.comparison_count) == (False, 0)
    assert refused(stub.Compare, pb.CompareRequest(probe_samples=[image(1)]))[1] == "ARGUMENT_INVALID"
    assert stub.GetServerStatus(pb.GetServerStatusRequest()).subject_count == 0


def test_samples_become_templates_and_qualities(stub: Stub, fakes: ModuleType) -> None:
    eye = pb.Sample(image=b"IMG 3 0", eye_position=pb.EYE_POSITION_LEFT)
    finger = pb.Sample(image=b"IMG 4 0", finger_position=pb.FINGER_POSITION_LEFT_THUMB)
    made = stub.ExtractTemplate(pb.ExtractTemplateRequest(samples=[eye, finger])).templates
    assert [(t.sample_index, t.modality, t.quality) for t in made] == [
        (0, pb.MODALITY_IRIS, 60),
        (1, pb.MODALITY_FINGERPRINT, 50),
    ]
    assert made[1].finger_position == pb.FINGER_POSITION_LEFT_THUMB
    stub.Enroll(pb.EnrollRequest(subject_id="a", samples=[pb.Sample(template=t.template) for t in made]))
    assert stub.Verify(pb.VerifyRequest(subject_id="a", samples=[finger])).accepted
    blank = pb.Sample(image=b"BLANK")
    stored = pb.Sample(template=made[0].template)
    told = stub.AssessQuality(pb.AssessQualityRequest(samples=[finger, blank, stored])).qualities
    assert [(q.sample_index, q.quality, q.error.reason) for q in told] == [
        (0, 50, ""),
        (1, 0, "EXTRACT_BLANK"),
        (2, 60, ""),
    ]
    assert refused(stub.ExtractTemplate, pb.ExtractTemplateRequest(samples=[blank]))[1] == "EXTRACT_BLANK"
    unreadable = pb.AssessQualityRequest(samples=[pb.Sample(image=b"BAD")])
    assert refused(stub.AssessQuality, unreadable)[1] == "IMAGE_FORMAT_UNKNOWN"
    for method, request in (
        (stub.ExtractTemplate, pb.ExtractTemplateRequest()),
        (stub.AssessQuality, pb.AssessQualityRequest(samples=[finger] * 21)),
    ):
        assert refused(method, request)[1] == "ARGUMENT_INVALID"


def test_every_method_takes_a_transaction_and_a_priority(stub: Stub) -> None:
    for method in pb.DESCRIPTOR.services_by_name["MatcherService"].methods:
        fields = method.input_type.fields_by_name
        assert (fields["transaction_id"].number, fields["priority"].number) == (14, 15), method.name
    fine = pb.GetServerStatusRequest(transaction_id="t" * 128, priority=9)
    assert stub.GetServerStatus(fine).subject_count == 0
    for wrong in (
        pb.GetServerStatusRequest(priority=10),
        pb.GetServerStatusRequest(priority=-1),
        pb.GetServerStatusRequest(transaction_id="t" * 129),
        pb.GetServerStatusRequest(transaction_id="\n"),
    ):
        assert refused(stub.GetServerStatus, wrong) == (grpc.StatusCode.INVALID_ARGUMENT, "ARGUMENT_INVALID")
    urgent = pb.VerifyRequest(subject_id="a", samples=[image(1)], priority=11)
    assert refused(stub.Verify, urgent)[1] == "ARGUMENT_INVALID"


def test_encounters_by_the_client_s_own_ids(stub: Stub) -> None:
    made = enroll(stub, "alice", 1, client_encounter_id="v1", idempotency_key="k")
    assert made.client_encounter_id == "v1"
    again = enroll(stub, "alice", 1, client_encounter_id="v1", idempotency_key="k")
    assert (again.created, again.encounter_id, again.client_encounter_id) == (False, made.encounter_id, "v1")
    known = pb.SUBJECT_EXPECTATION_KNOWN
    request = pb.EnrollRequest(
        subject_id="alice", samples=[image(2)], subject_expectation=known, client_encounter_id="v1"
    )
    exists = (grpc.StatusCode.ALREADY_EXISTS, "ENCOUNTER_EXISTS")
    assert refused(stub.Enroll, request) == exists
    request.idempotency_key = "k"
    assert refused(stub.Enroll, request) == (grpc.StatusCode.FAILED_PRECONDITION, "IDEMPOTENCY_MISMATCH")
    request.idempotency_key, request.client_encounter_id = "", "v2"
    stub.Enroll(request)
    enroll(stub, "bob", 3, client_encounter_id="v1")
    (bob,) = stub.GetSubject(pb.GetSubjectRequest(subject_id="bob")).encounters
    assert bob.client_encounter_id == "v1"

    assert (
        refused(stub.MergeSubjects, pb.MergeSubjectsRequest(subject_id="alice", other_subject_id="bob"))
        == exists
    )
    v1 = pb.ClientEncounter(subject_id="alice", client_encounter_id="v1")
    assert (
        refused(stub.MoveEncounter, pb.MoveEncounterRequest(client_encounter=v1, subject_id="bob")) == exists
    )
    update = pb.UpdateEncounterRequest(client_encounter=v1, client_encounter_id="v2")
    update.update_mask.paths.append("client_encounter_id")
    assert refused(stub.UpdateEncounter, update) == exists
    assert len(stub.GetSubject(pb.GetSubjectRequest(subject_id="bob")).encounters) == 1

    for wrong in (
        pb.DeleteEncounterRequest(client_encounter=v1, encounter_id=1),
        pb.DeleteEncounterRequest(client_encounter=pb.ClientEncounter(subject_id="alice")),
        pb.DeleteEncounterRequest(client_encounter=pb.ClientEncounter(client_encounter_id="v1")),
    ):
        assert refused(stub.DeleteEncounter, wrong)[1] == "ARGUMENT_INVALID"
    request.client_encounter_id = "x" * 129
    assert refused(stub.Enroll, request)[1] == "ARGUMENT_INVALID"
    for wrong_list in (
        pb.ListEncountersRequest(client_encounter_id="v1"),
        pb.ListEncountersRequest(client_encounter_id="v1", subject_id="alice", page_token="x"),
    ):
        assert refused(stub.ListEncounters, wrong_list)[1] == "ARGUMENT_INVALID"
    one = pb.ListEncountersRequest(client_encounter_id="v1", subject_id="alice")
    listed = stub.ListEncounters(one)
    assert [e.encounter_id for e in listed.encounters] == [made.encounter_id]
    one.gallery = "elsewhere"
    assert not stub.ListEncounters(one).encounters
    one.client_encounter_id = "none"
    assert refused(stub.ListEncounters, one) == (grpc.StatusCode.NOT_FOUND, "ENCOUNTER_NOT_FOUND")
    both = pb.IdentifyRequest(client_encounter=v1, subject_id="alice")
    assert refused(stub.Identify, both)[1] == "ARGUMENT_INVALID"
    assert stub.Identify(pb.IdentifyRequest(client_encounter=v1)).subject_count == 1
