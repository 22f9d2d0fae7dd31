"""What a hostile client sends: valid requests, then damage of every kind to them and to what they carry."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import wsq  # noqa: F401 - teaches Pillow to write WSQ
from PIL import Image as PillowImage

from matcher.datasets.fingerprint_synthesis import generate_finger, generate_impression
from matcher.datasets.iris_synthesis import draw_eye
from matcher.fingerprint.extract import extract
from matcher.formats.record import Format
from matcher.formats.templates import templates_to_record
from matcher.formats.write import write_minutiae_record
from matcher.image.read import read_image
from matcher.iris.extract import extract as extract_iris
from matcher.template.codec import encode_template
from matcher.template.modality import encode
from matcher.v1 import matcher_pb2 as pb

SERVICE = "/matcher.v1.MatcherService/"

PRINT_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "PPM", "JPEG2000", "WSQ")
"""As Pillow names what it writes; PPM of grey pixels is a PGM."""

RECORDS = (Format.ISO_2005, Format.ISO_2011, Format.ANSI_2004)

EXTREMES = (0x00, 0x01, 0x7F, 0x80, 0xFF)
"""Bytes that lengths and counts break on."""


@dataclass(frozen=True)
class Material:
    """Valid samples, by what they are."""

    samples: tuple[pb.Sample, ...]


def make_material() -> Material:
    """Make a print in every image format, an eye, and templates in several forms."""
    pixels = generate_impression(generate_finger(3), 1, difficulty=0.0).pixels
    files = [_file(pixels, name) for name in PRINT_FORMATS]
    finger = extract(read_image(files[0]))
    eye = draw_eye(5, 1, difficulty=0.0)[0]
    samples = [pb.Sample(image=data, resolution_ppi=500) for data in files]
    samples.append(pb.Sample(image=_file(eye, "PNG"), modality=pb.MODALITY_IRIS))
    samples.append(pb.Sample(template=encode_template(finger)))
    samples.append(pb.Sample(template=encode(extract_iris(eye))))
    samples += [
        pb.Sample(template=write_minutiae_record(templates_to_record([finger], form))) for form in RECORDS
    ]
    return Material(tuple(samples))


def _file(pixels: np.ndarray, name: str) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, name)
    return out.getvalue()


def requests_of(sample: pb.Sample) -> dict[str, bytes]:
    """Return a valid request of every unary method, by the method's name."""
    samples = [sample]
    named = pb.ClientEncounter(subject_id="A", client_encounter_id="v")
    search = pb.IdentifyRequest(samples=samples, max_candidates=3)
    messages = {
        "Enroll": pb.EnrollRequest(samples=samples, client_encounter_id="v"),
        "EnrollIfUnique": pb.EnrollIfUniqueRequest(samples=samples),
        "GetSubject": pb.GetSubjectRequest(subject_id="A"),
        "ListEncounters": pb.ListEncountersRequest(page_size=10),
        "UpdateEncounter": pb.UpdateEncounterRequest(
            encounter_id=1, client_encounter_id="v", update_mask={"paths": ["client_encounter_id"]}
        ),
        "SetEncounterStatus": pb.SetEncounterStatusRequest(
            encounter_id=1, status=pb.ENCOUNTER_STATUS_INACTIVE
        ),
        "SetGalleries": pb.SetGalleriesRequest(client_encounter=named, galleries=["g"]),
        "DeleteEncounter": pb.DeleteEncounterRequest(
            client_encounter=pb.ClientEncounter(subject_id="A", client_encounter_id="none")
        ),
        "DeleteSubject": pb.DeleteSubjectRequest(subject_id="nobody"),
        "MergeSubjects": pb.MergeSubjectsRequest(subject_id="A", other_subject_id="nobody"),
        "MoveEncounter": pb.MoveEncounterRequest(encounter_id=1, subject_id="A"),
        "Verify": pb.VerifyRequest(subject_id="A", samples=samples),
        "Compare": pb.CompareRequest(probe_samples=samples, candidate_samples=samples),
        "Identify": search,
        "ExtractTemplate": pb.ExtractTemplateRequest(samples=samples),
        "AssessQuality": pb.AssessQualityRequest(samples=samples),
        "ListAccesses": pb.ListAccessesRequest(subject_id="A"),
        "StartUpgrade": pb.StartUpgradeRequest(modality=pb.MODALITY_IRIS, extractor="none"),
        "GetUpgradeStatus": pb.GetUpgradeStatusRequest(upgrade_id=1),
        "SwitchUpgrade": pb.SwitchUpgradeRequest(upgrade_id=1),
        "CancelUpgrade": pb.CancelUpgradeRequest(upgrade_id=1),
        "ListGalleries": pb.ListGalleriesRequest(),
        "GetServerStatus": pb.GetServerStatusRequest(),
    }
    return {name: message.SerializeToString() for name, message in messages.items()}


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes with one to eight injuries: flips, extremes, cuts, repeats, noise."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        if not out:
            break
        at = int(rng.integers(len(out)))
        length = int(rng.integers(1, 65))
        injury = int(rng.integers(7))
        if injury == 0:
            out[at] ^= 1 << int(rng.integers(8))
        elif injury == 1:
            out[at] = EXTREMES[int(rng.integers(len(EXTREMES)))]
        elif injury == 2:
            del out[at:]
        elif injury == 3:
            del out[at : at + length]
        elif injury == 4:
            out[at:at] = out[at : at + length]
        elif injury == 5:
            out[at : at + length] = rng.bytes(length)
        else:
            # Headers hold the lengths: injured more often than their share of the bytes.
            out[int(rng.integers(min(len(out), 64)))] = EXTREMES[int(rng.integers(len(EXTREMES)))]
    return bytes(out)


def attacks(seed: int, count: int, material: Material) -> list[tuple[str, Callable[[], bytes]]]:
    """Return that many (method, request) pairs: half injured samples, half injured messages."""
    made: list[tuple[str, Callable[[], bytes]]] = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        sample = material.samples[int(rng.integers(len(material.samples)))]
        if number % 2:
            made.append(("ExtractTemplate", lambda s=sample, r=rng: _with_injured_sample(s, r)))
        else:
            names = sorted(requests_of(sample))
            name = names[int(rng.integers(len(names)))]
            made.append((name, lambda s=sample, n=name, r=rng: damaged(requests_of(s)[n], r)))
    return made


def _with_injured_sample(sample: pb.Sample, rng: np.random.Generator) -> bytes:
    injured = pb.Sample()
    injured.CopyFrom(sample)
    field = sample.WhichOneof("content")
    assert field is not None
    setattr(injured, field, damaged(getattr(sample, field), rng))
    return pb.ExtractTemplateRequest(samples=[injured]).SerializeToString()
