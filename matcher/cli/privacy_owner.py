"""What owners of parties and the enrolment side do: `matcher privacy keys`, `party`, `split` and `load`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matcher.cli.files import Named, read_file, samples_of, write_file
from matcher.errors import ArgumentError

if TYPE_CHECKING:
    from matcher.privacy.client import Record
    from matcher.privacy.layout import Layout

DEFAULT_FMR = 1e-6
"""False match rate of one comparison of eyes that a new deployment's rule stands for."""

LAYOUT_FILE = "layout.json"

Deployment = Annotated[Path, typer.Option(help="Folder that `matcher privacy keys` made.")]
Parties = Annotated[str, typer.Option(help="HOST:PORT of parties 0, 1 and 2, with commas between.")]
Irises = Annotated[
    list[str] | None, typer.Option("--iris", help="An eye, right=FILE or left=FILE: picture or template.")
]
Faces = Annotated[list[Path] | None, typer.Option("--face", help="A picture or template of the face.")]


def keys(
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    fmr: Annotated[float, typer.Option(help="False match rate of one comparison of eyes.")] = DEFAULT_FMR,
    code: Annotated[str, typer.Option(help="search (2,048 bits) or full (16,384 bits).")] = "search",
    face: Annotated[int, typer.Option(min=0, help="Values of a face's embedding; 0 for no faces.")] = 0,
    cosine: Annotated[float, typer.Option(help="Least cosine of matching faces.")] = 0.95,
) -> None:
    """Make a deployment: certificates for three parties and a client, and the layout of records."""
    from matcher.iris.parameters import EXTRACTOR_ID
    from matcher.privacy.certificates import make_identities
    from matcher.privacy.encode import CODE_BITS, CodeKind, IrisForm, least_product
    from matcher.privacy.records import layout_for

    if code not in list(CodeKind):
        raise ArgumentError(f"--code: expected one of {', '.join(CodeKind)}.")
    least = least_product(cosine) if face else 0
    form = IrisForm(CODE_BITS[CodeKind(code)])
    layout = layout_for(EXTRACTOR_ID, fmr, form, face=face + face % 2, least=least)
    make_identities(out)
    write_file(out / LAYOUT_FILE, json.dumps(layout.to_json(), indent=1).encode())
    print(f"Made {out}: give each owner party-N and {LAYOUT_FILE}, the enrolment side the rest.")


def party(
    id: Annotated[int, typer.Option("--id", min=0, max=2, help="Which party.")],
    store: Annotated[Path, typer.Option(help="Folder of this party's shares.")],
    identity: Annotated[Path, typer.Option(help="Folder of this party's certificate and key.")],
    layout: Annotated[Path, typer.Option(help="Layout file of the deployment.")],
    parties: Parties,
    listen: Annotated[str, typer.Option(help="HOST:PORT; by default this party's own of --parties.")] = "",
    timeout: Annotated[float, typer.Option(help="Seconds that another party may take for a message.")] = 60.0,
    refresh_every: Annotated[
        str,
        typer.Option(metavar="PERIOD", help="Party 0 only: draw all shares anew this often: 24h."),
    ] = "",
) -> None:
    """Run a party until SIGTERM or Ctrl-C."""
    import logging
    import threading

    from matcher.cli.ending import Ending
    from matcher.privacy.certificates import load_identity
    from matcher.privacy.records import load_layout
    from matcher.privacy.schedule import RefreshSchedule, period_of
    from matcher.privacy.server import PartyServer
    from matcher.privacy.store import ShareStore

    every_s = period_of(refresh_every) if refresh_every else None
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ending, stop = Ending(), threading.Event()
    addresses = addresses_of(parties)
    shares = ShareStore(store, load_layout(layout))
    server = PartyServer(id, listen or addresses[id], load_identity(identity), shares, timeout)
    try:
        schedule = RefreshSchedule(server.party, every_s) if every_s is not None else None
    except ArgumentError:
        server.close()
        raise
    server.connect(addresses)
    if schedule is not None:
        threading.Thread(target=schedule.run, args=(stop,), name="refresh", daemon=True).start()
    print(f"matcher: party {id} ready at port {server.port}", flush=True)
    ending.wait()
    stop.set()
    server.close()


def split(
    subject: Annotated[str, typer.Option(help="Id of the subject.")],
    out: Annotated[Path, typer.Option(help="Folder that three files are written into.")],
    deployment: Deployment,
    iris: Irises = None,
    face: Faces = None,
) -> None:
    """Turn templates into three encrypted share files, one for each owner."""
    from matcher.privacy.certificates import PARTIES
    from matcher.privacy.client import split_records
    from matcher.privacy.share_file import ShareFile, sealed

    layout = layout_of(deployment)
    shares = split_records(layout, [record_from(layout, iris, face)])
    out.mkdir(parents=True, exist_ok=True)
    for index, (name, share) in enumerate(zip(PARTIES, shares, strict=True)):
        certificate = read_file(deployment / name / "certificate.pem")
        path = out / f"{subject}.{name}.share"
        write_file(path, sealed(ShareFile(index, layout, (subject,), share), certificate))
        print(path)


def load(
    file: Annotated[Path, typer.Argument(help="A share file for this party.")],
    store: Annotated[Path, typer.Option(help="Folder of this party's shares; no party may run on it.")],
    identity: Annotated[Path, typer.Option(help="Folder of this party's certificate and key.")],
) -> None:
    """Add the subjects of a share file to a party's store; all three owners load theirs, in one order."""
    from matcher.privacy.certificates import PARTIES, load_identity
    from matcher.privacy.share_file import unsealed
    from matcher.privacy.store import ShareStore

    own = load_identity(identity)
    found = unsealed(read_file(file), own.key)
    if PARTIES[found.party] != own.name:
        raise ArgumentError(f"{file} is for {PARTIES[found.party]}, not for {own.name}.")
    ShareStore(store, found.layout).append(list(found.subject_ids), found.records)
    print(f"{len(found.subject_ids)} added")


def addresses_of(parties: str) -> list[str]:
    """Return the three addresses of --parties."""
    addresses = [address.strip() for address in parties.split(",")]
    if len(addresses) != 3:
        raise ArgumentError(f"--parties: expected three addresses, got {len(addresses)}.")
    return addresses


def layout_of(deployment: Path) -> Layout:
    """Read a deployment's layout."""
    from matcher.privacy.records import load_layout

    return load_layout(deployment / LAYOUT_FILE)


def record_from(layout: Layout, iris: list[str] | None, face: list[Path] | None) -> Record:
    """Return the record of the files that --iris and --face name."""
    from matcher.face.types import FaceTemplate
    from matcher.iris.types import IrisTemplate
    from matcher.privacy.records import record_of
    from matcher.reader import reader
    from matcher.samples import templates_of

    samples = samples_of(Named(None, "iris", None, iris, face, None))
    found = templates_of(samples, reader(), lambda: None)
    return record_of([t for t in found if isinstance(t, (IrisTemplate, FaceTemplate))], layout)
