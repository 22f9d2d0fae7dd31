"""`matcher extract` and `matcher compare`: images and templates in files, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matcher.cli.clients import EXIT_NO_MATCH
from matcher.cli.connection import AS_JSON, print_answer
from matcher.cli.decisions import print_decision, title
from matcher.cli.files import check_modality, finger_position, naming, read_file, write_file, write_trace
from matcher.errors import ArgumentError
from matcher.types import FingerPosition, FingerprintTemplate, Image, Modality, ResolutionSource

if TYPE_CHECKING:
    from matcher.fingerprint.extractors import Extract

MODALITY = typer.Option("fingerprint", "--modality", help="fingerprint, iris or face")
DEFAULT_EXTRACTOR = "numba"
EXTRACTOR = typer.Option(DEFAULT_EXTRACTOR, "--extractor", help="numba, or leader (a fetched model).")
MODEL = typer.Option(None, "--model", help="Of faces: name of a shipped manifest, or path of one.")
PPI = typer.Option(None, "--ppi", help="Resolution of images where their files do not say it.")
PLOT = typer.Option(None, "--plot", help="Write a picture there (PNG). It shows the sample.", metavar="PNG")

_SAID_BY = {
    ResolutionSource.CALLER: "as given",
    ResolutionSource.FILE: "as the file says",
    ResolutionSource.ASSUMED: "ASSUMED, as nobody said it: give --ppi if it is another",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("extract")(extract_command)
    app.command("compare")(compare_command)


def extract_command(
    image: Annotated[Path, typer.Argument(help="Image of one finger, eye or face, or a record of one.")],
    modality: str = MODALITY,
    out: Annotated[Path | None, typer.Option(help="Write the template there.")] = None,
    to: Annotated[
        str,
        typer.Option("--format", help="Of --out: template, or a record as `matcher convert --to` names it."),
    ] = "template",
    plot: Path | None = PLOT,
    trace_file: Annotated[
        Path | None,
        typer.Option(
            "--trace", help="Write every intermediate there (NumPy). It shows the sample.", metavar="NPZ"
        ),
    ] = None,
    ppi: float | None = PPI,
    finger: Annotated[
        str | None,
        typer.Option(help="Position such as right-index, kept in the template.", metavar="POSITION"),
    ] = None,
    eye: Annotated[
        str | None, typer.Option(help="Of an iris: left or right, kept in the template.", metavar="EYE")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every face of a picture; --out is then a folder.")
    ] = False,
    model: str | None = MODEL,
    extractor: str = EXTRACTOR,
    as_json: bool = AS_JSON,
) -> None:
    """Find the minutiae of a fingerprint, encode the iris of a picture of an eye, or embed a face."""
    if modality == "face":
        from matcher.cli.face import extract_face

        refuse(to != "template", "--format", "faces are written as templates")
        refuse(ppi is not None, "--ppi", "pictures of faces have no resolution")
        refuse(extractor != DEFAULT_EXTRACTOR, "--extractor", "faces have one; choose the model with --model")
        refuse(finger is not None or eye is not None, "--finger, --eye", "a face has no position")
        extract_face(
            image, every=every, model=model, out=out, plot=plot, trace_file=trace_file, as_json=as_json
        )
        return
    refuse(every or model is not None, "--all, --model", "they belong to --modality face")
    if modality == "iris":
        from matcher.cli.iris import extract_iris

        refuse(to != "template", "--format", "irises are written as templates")
        refuse(ppi is not None, "--ppi", "pictures of eyes have no resolution")
        refuse(finger is not None, "--finger", "say --eye left or right")
        extract_iris(
            image, out=out, plot=plot, trace_file=trace_file, eye=eye, extractor=extractor, as_json=as_json
        )
        return
    refuse(eye is not None, "--eye", "it belongs to --modality iris")
    from matcher.fingerprint.quality import assess_trace
    from matcher.fingerprint.trace import Trace
    from matcher.formats.prints import read_print
    from matcher.samples import settled_position

    extract = _extractor(modality, extractor)
    if out is None and to != "template":
        raise ArgumentError("--format says what --out is to hold: expected --out FILE, too.")
    given = FingerPosition.UNKNOWN if finger is None else finger_position(finger)
    data = read_file(image)
    with naming(image):
        source, own = read_print(data, ppi=ppi)
        position = settled_position(given, own)
        trace = Trace()
        template = extract(source, position=position, trace=trace)
    if out is not None:
        _write_template(out, template, to)
    if trace_file is not None:
        write_trace(trace_file, trace)
    if plot is not None:
        from matcher.fingerprint.leader_plot import plot_leader
        from matcher.fingerprint.plot import plot_trace

        (plot_leader if extractor == "leader" else plot_trace)(source, trace, template, plot)
    count = len(template.minutiae)
    # LEADER says nothing of the image but its minutiae: the parts are measured on the other's intermediates.
    quality = assess_trace(source, trace, template.minutiae) if "mask" in trace else None
    advice = "" if quality is None else "".join(f"\n{sentence}" for sentence in quality.advice)
    resolution = f"{source.native_ppi:.0f} ppi ({_SAID_BY[source.resolution_source]})"
    print_answer(
        as_json,
        {
            "minutiae": count,
            "quality": template.quality,
            "quality_parts": None if quality is None else quality.to_json()["parts"],
            "advice": [] if quality is None else list(quality.advice),
            "width": template.width,
            "height": template.height,
            "native_ppi": source.native_ppi,
            "resolution_source": source.resolution_source.name.lower(),
            "extractor": template.extractor,
            "position": template.position.name.lower().replace("_", "-"),
        },
        f"{count} minutiae, quality {template.quality}, "
        f"{template.width} x {template.height} px at 500 ppi\nresolution {resolution}{advice}",
    )


def compare_command(
    probe: Annotated[Path, typer.Argument(help="Image, template or record of one finger, eye or face.")],
    candidate: Annotated[Path, typer.Argument(help="Another.")],
    modality: str = MODALITY,
    fmr: Annotated[float | None, typer.Option(help="Rate of false matches to accept; default 1e-4.")] = None,
    plot: Path | None = PLOT,
    ppi: float | None = PPI,
    model: str | None = MODEL,
    extractor: str = EXTRACTOR,
    as_json: bool = AS_JSON,
) -> None:
    """Compare two fingerprints, irises or faces; exit status 0 if they match, 1 if not, 2 on an error."""
    if modality == "face":
        from matcher.cli.face import compare_faces

        refuse(ppi is not None, "--ppi", "pictures of faces have no resolution")
        refuse(extractor != DEFAULT_EXTRACTOR, "--extractor", "faces have one; choose the model with --model")
        compare_faces(probe, candidate, fmr=fmr, model=model, plot=plot, as_json=as_json)
        return
    refuse(model is not None, "--model", "it belongs to --modality face")
    if modality == "iris":
        from matcher.cli.iris import compare_irises

        refuse(ppi is not None, "--ppi", "pictures of eyes have no resolution")
        compare_irises(probe, candidate, fmr=fmr, plot=plot, extractor=extractor, as_json=as_json)
        return
    from matcher.score.compare import compare
    from matcher.score.decision import decide, threshold_for_verification

    extract = _extractor(modality, extractor)
    threshold = threshold_for_verification(fmr, None)
    (probe_image, one), (candidate_image, other) = (
        _read_side(path, ppi, extract) for path in (probe, candidate)
    )
    decision = decide(compare(one, other), threshold)
    if plot is not None:
        from matcher.fingerprint.plot import blank, plot_pair
        from matcher.fingerprint.resident import resident
        from matcher.score.fingerprint import FingerprintProbe, paired

        pairs = paired(FingerprintProbe(one), resident(other))
        plot_pair(
            probe_image or blank(one),
            one,
            candidate_image or blank(other),
            other,
            pairs,
            plot,
            title(decision),
        )
    print_decision(decision, as_json)
    if not decision.accepted:
        raise typer.Exit(EXIT_NO_MATCH)


def refuse(given: bool, option: str, why: str) -> None:
    """Raise ArgumentError where an option was given that does not fit the modality."""
    if given:
        raise ArgumentError(f"{option}: not of use here, as {why}.")


def _extractor(modality_name: str, name: str) -> Extract:
    from matcher.evaluate.modality import modality
    from matcher.fingerprint.extractors import find_extractor

    modality(modality_name, name)
    return find_extractor(name).load()


def _read_side(path: Path, ppi: float | None, extract: Extract) -> tuple[Image | None, FingerprintTemplate]:
    """Return the one fingerprint of a file, and its image if it is one."""
    from matcher.formats.prints import read_print
    from matcher.reader import read_fingerprints
    from matcher.samples import SampleKind, sample_of

    data = read_file(path)
    with naming(path):
        check_modality(data, Modality.FINGERPRINT)
        sample = sample_of(data, ppi=ppi)
        if sample.kind is SampleKind.IMAGE:
            image, position = read_print(sample.data, ppi=ppi)
            return image, extract(image, position=position)
        templates = read_fingerprints(sample)
        if len(templates) != 1:
            raise ArgumentError(
                f"Expected one finger, the record has {len(templates)} views.",
                hint="Take one out with `matcher convert --view`.",
            )
        return None, templates[0]


def _write_template(path: Path, template: FingerprintTemplate, form: str) -> None:
    from matcher.cli.convert import convert_bytes
    from matcher.template.codec import encode_template

    data, _ = convert_bytes(encode_template(template), to=form)
    write_file(path, data)
