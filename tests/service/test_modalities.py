"""Fingers, eyes and faces over the wire: said by position, modality or template, and never by two of them."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from matcher.client import Client
from matcher.engine import Engine
from matcher.errors import ArgumentError, ModelMissingError, ModelsDifferError
from matcher.face.types import FacePosition
from matcher.iris.types import EyePosition
from matcher.samples import Sample, SampleKind
from matcher.service.convert import sample_from_message, sample_to_message
from matcher.types import FingerPosition, Modality
from matcher.v1 import matcher_pb2 as pb

INDEX = FingerPosition.RIGHT_INDEX
RIGHT, EYE, FACE = EyePosition.RIGHT, EyePosition.UNKNOWN, FacePosition.FACE


@pytest.mark.parametrize("position", [*FingerPosition, *EyePosition, FACE])
@pytest.mark.parametrize("kind", SampleKind)
def test_a_sample_survives_the_way_through_a_message(
    position: FingerPosition | EyePosition | FacePosition, kind: SampleKind
) -> None:
    sample = Sample(b"any", kind, position)
    back = sample_from_message(pb.Sample.FromString(sample_to_message(sample).SerializeToString()))
    assert back == sample
    assert (back.modality, type(back.position)) == (sample.modality, type(position))


def test_a_client_of_before_eyes_and_faces_is_understood() -> None:
    """The bytes that it sends: content as field 1 or 2, the finger as field 3, resolution as field 4."""
    old = b"\x0a\x03any" + b"\x18\x02" + b"\x21" + b"\x00\x00\x00\x00\x00\x40\x8f\x40"
    assert sample_from_message(pb.Sample.FromString(old)) == Sample(b"any", SampleKind.IMAGE, INDEX, 1000.0)
    assert sample_from_message(pb.Sample.FromString(b"\x0a\x03any")) == Sample(b"any")


def test_what_such_a_client_reads_stays_where_it_was() -> None:
    """Fields 1 to 6 of a part and 1 to 5 of a warning, as that client reads them."""
    fields = {field.name: field.number for field in pb.PersonPart.DESCRIPTOR.fields}
    fingers = ("probe_finger_position", "candidate_finger_position")
    assert [fields[name] for name in (*fingers, "use", "score")] == [1, 2, 3, 4]
    assert [fields[name] for name in ("log_likelihood_ratio", "comparison_count")] == [5, 6]
    fields = {field.name: field.number for field in pb.MatchWarning.DESCRIPTOR.fields}
    named = ("kind", "side", "first_finger_position", "second_finger_position", "score")
    assert [fields[name] for name in named] == [1, 2, 3, 4, 5]


def said(fakes: ModuleType, message: pb.Sample) -> Modality:
    return sample_from_message(message).modality


def test_the_modality_is_said_by_position_field_or_template(fakes: ModuleType) -> None:
    iris, face = fakes.stored_as(fakes.iris(1)).data, fakes.stored_as(fakes.face(1)).data
    assert said(fakes, pb.Sample(image=b"any", eye_position=0)) is Modality.IRIS
    assert said(fakes, pb.Sample(image=b"any", modality=2)) is Modality.IRIS
    assert said(fakes, pb.Sample(image=b"any", modality=3)) is Modality.FACE
    assert said(fakes, pb.Sample(template=iris)) is Modality.IRIS
    assert said(fakes, pb.Sample(template=face)) is Modality.FACE
    assert said(fakes, pb.Sample(template=iris, modality=2, eye_position=1)) is Modality.IRIS


@pytest.mark.parametrize("method", ["Enroll", "Verify", "Identify"])
def test_contradictions_are_refused(client: Client, fakes: ModuleType, method: str) -> None:
    client.enroll([fakes.image(1)], subject_id="there")
    finger, iris = fakes.stored(1).data, fakes.stored_as(fakes.iris(1)).data
    face = fakes.stored_as(fakes.face(1)).data
    for sample in (
        pb.Sample(image=b"IMG 1 0", modality=4),
        pb.Sample(image=b"IMG 1 0", eye_position=3),
        pb.Sample(image=b"IMG 1 0", eye_position=-1),
        pb.Sample(image=b"IMG 1 0", modality=3, eye_position=1),
        pb.Sample(image=b"IMG 1 0", modality=1, eye_position=1),
        pb.Sample(image=b"IMG 1 0", modality=2, finger_position=1),
        pb.Sample(template=iris, modality=1),
        pb.Sample(template=iris, finger_position=2),
        pb.Sample(template=finger, modality=2),
        pb.Sample(template=finger, eye_position=0),
        pb.Sample(template=face, eye_position=1),
        pb.Sample(template=face, modality=1),
        pb.Sample(template=finger, modality=3),
    ):
        request = {
            "Enroll": lambda s: pb.EnrollRequest(samples=[s]),
            "Verify": lambda s: pb.VerifyRequest(subject_id="there", samples=[s]),
            "Identify": lambda s: pb.IdentifyRequest(samples=[s]),
        }[method](sample)
        with pytest.raises(grpc.RpcError) as failed:
            getattr(client._stub, method)(request, timeout=20)
        assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        status = rpc_status.from_call(failed.value)
        info = error_details_pb2.ErrorInfo()
        assert status is not None
        assert status.details[0].Unpack(info)
        assert info.reason == "ARGUMENT_INVALID"
    assert client.status().sequence == 1


def test_answers_arrive_as_the_engine_gave_them(engine: Engine, client: Client, fakes: ModuleType) -> None:
    positions = (INDEX, RIGHT, EyePosition.LEFT, FACE)
    client.enroll([fakes.image(n, 0, p) for n, p in enumerate(positions)], subject_id="alice")
    twice = [fakes.image(7, 0, RIGHT), fakes.image(7, 0, EyePosition.LEFT), fakes.image(3, 0, FACE)]
    for probe in ([fakes.image(n, 1, p) for n, p in enumerate(positions)], twice, twice[2:]):
        assert client.verify("alice", probe).parts == engine.verify("alice", probe).parts
        assert client.verify("alice", probe).warnings == engine.verify("alice", probe).warnings
        found, known = client.identify(probe, threshold=0), engine.identify(probe, threshold=0)
        assert [c.parts for c in found.candidates] == [c.parts for c in known.candidates]
    assert replace(client.status(), queues=()) == engine.status()
    assert [m.modality for m in client.status().modalities] == list(Modality)


def test_a_missing_model_names_the_command_and_the_server_serves_on(
    client: Client, fakes: ModuleType
) -> None:
    with pytest.raises(ModelMissingError, match="matcher models fetch"):
        client.enroll([Sample(b"NOMODEL", position=FACE)])
    message = pb.EnrollRequest(samples=[pb.Sample(image=b"NOMODEL", modality=pb.MODALITY_FACE)])
    with pytest.raises(grpc.RpcError) as failed:
        client._stub.Enroll(message, timeout=20)
    assert failed.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    client.wait_ready(5)
    assert client.enroll([fakes.image(1, 0, RIGHT)]).created


def test_different_face_models_are_a_failed_precondition(client: Client, fakes: ModuleType) -> None:
    client.enroll([fakes.image(1, 0, FACE)], subject_id="alice")
    other = fakes.stored_as(fakes.face(1, 0, fakes.OTHER_MODEL))
    with pytest.raises(ModelsDifferError):
        client.verify("alice", [other])


def test_bare_bytes_of_a_template_say_what_they_are(client: Client, fakes: ModuleType) -> None:
    client.enroll([fakes.stored_as(fakes.iris(1, 0, RIGHT)).data, b"IMG 2 0"], subject_id="alice")
    assert client.verify("alice", [fakes.image(1, 1, EYE)]).decision.accepted
    with pytest.raises(ArgumentError):
        Sample(fakes.stored_as(fakes.iris(1)).data, SampleKind.TEMPLATE, INDEX)
