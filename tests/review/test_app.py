"""The pages without a browser: sessions, roles, forged forms, independent decisions, pictures, export."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as PillowImage

from matcher.errors import ArgumentError
from matcher.review.app import Console
from matcher.review.cases import load_cases
from matcher.review.evidence import LARGEST_SHEET, SCALE, _print
from matcher.review.sessions import Sessions
from matcher.review.words import part_words, strength
from matcher.types import FingerprintTemplate, Minutiae

SignedIn = Callable[[str], tuple[Any, str]]


def decide(client: Any, token: str, number: int, choice: str, **more: str) -> Any:
    """Send the form of a decision."""
    return client.post(f"/case/{number}", data={"token": token, "choice": choice, **more})


def test_nothing_is_shown_without_a_session(console: Console, address: str) -> None:
    """Every page leads to the login; wrong passwords are told, and after five they wait."""
    with httpx.Client(base_url=address, timeout=60) as client:
        number = console.cases[0].number
        for path in (
            "/",
            f"/case/{number}",
            f"/case/{number}/0/probe/image.png",
            "/advice",
            "/decisions.csv",
        ):
            answer = client.get(path)
            assert (answer.status_code, answer.headers.get("location")) == (303, "/login")
        assert decide(client, "", number, "duplicate").status_code == 303
        for _ in range(5):
            answer = client.post("/login", data={"name": "ann", "password": "wrong"})
            assert answer.status_code == 401
        assert client.post("/login", data={"name": "ann", "password": "wrong"}).status_code == 400
        assert client.get("/docs").status_code == 404


def test_pages_allow_nothing_from_elsewhere(signed_in: SignedIn) -> None:
    """Headers of every answer; no address of another host; ids are escaped."""
    client, _ = signed_in("ann")
    for path in ("/", "/advice", "/static/console.js", "/login"):
        answer = client.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert "http://" not in answer.text
        assert "https://" not in answer.text
    cookie = client.cookies.jar
    assert all(one.has_nonstandard_attr("HttpOnly") for one in cookie)


def test_forged_forms_are_refused(console: Console, signed_in: SignedIn) -> None:
    """Without the token, with another session's, from another origin, too large."""
    client, token = signed_in("ann")
    _, other = signed_in("bob")
    number = console.cases[0].number
    for wrong in ("", other, token[:-1]):
        assert decide(client, wrong, number, "duplicate").status_code == 400
    form = {"token": token, "choice": "duplicate"}
    evil = client.post(f"/case/{number}", data=form, headers={"origin": "http://evil.example"})
    assert evil.status_code == 400
    assert decide(client, token, number, "duplicate", note="x" * 20_000).status_code == 400
    assert decide(client, token, number, "perhaps").status_code == 400
    assert not console.ledger.of(number)


def test_decisions_are_independent_and_a_supervisor_settles(console: Console, signed_in: SignedIn) -> None:
    """The second analyst sees nothing of the first; the supervisor sees both and closes the case."""
    number = console.cases[0].number
    ann, token = signed_in("ann")
    assert decide(ann, token, number, "duplicate", note="same whorl").status_code == 200
    assert "You decided this case before" in decide(ann, token, number, "different").text
    bob, token = signed_in("bob")
    assert "same whorl" not in bob.get(f"/case/{number}").text
    decide(bob, token, number, "different", note="another delta")
    assert "another delta" not in ann.get(f"/case/{number}").text
    sue, token = signed_in("sue")
    page = sue.get(f"/case/{number}").text
    assert "same whorl" in page
    assert "another delta" in page
    decide(sue, token, number, "duplicate", note="=cmd()")
    assert "closed" in ann.get(f"/case/{number}").text
    assert "same whorl" in bob.get(f"/case/{number}").text
    table = sue.get("/decisions.csv").text.splitlines()
    assert len(table) == 4
    assert table[0].startswith("probe_id,candidate_id,score")
    assert all(line.endswith(",duplicate") for line in table[1:])
    assert "'=cmd()" in table[3]
    assert "Only supervisors" in ann.get("/decisions.csv").text


def test_the_queue_counts_and_leads_on(console: Console, signed_in: SignedIn) -> None:
    """Progress; after a decision the next case that is one's own to decide; nothing left at the end."""
    client, token = signed_in("ann")
    assert f"/case/{console.cases[0].number}" in client.get("/").text
    for case in console.cases:
        answer = decide(client, token, case.number, "duplicate")
        assert answer.status_code == 200
    assert "nothing for you to decide" in client.get("/").text
    client.post("/logout", data={"token": token})
    assert "Sign in" in client.get("/").text


def test_pictures_show_samples_marks_and_pairs(console: Console, signed_in: SignedIn) -> None:
    """Three views of both sides; the marks differ from the plain picture; what is not there is told."""
    client, _ = signed_in("ann")
    case = console.cases[0]
    seen = {}
    for side in ("probe", "candidate"):
        for view in ("image", "marks", "pairs"):
            answer = client.get(f"/case/{case.number}/0/{side}/{view}.png")
            assert answer.headers["content-type"] == "image/png"
            seen[side, view] = np.asarray(PillowImage.open(io.BytesIO(answer.content)))
    for side in ("probe", "candidate"):
        plain, marks, pairs = (seen[side, view] for view in ("image", "marks", "pairs"))
        # The plain picture is the grey sample itself; what is drawn on has room for thin lines.
        assert plain.ndim == 2
        assert marks.shape == pairs.shape == (SCALE * plain.shape[0], SCALE * plain.shape[1], 3)
        blue = (pairs[..., 2].astype(int) - pairs[..., 0]) > 60
        red = (marks[..., 0].astype(int) - marks[..., 2]) > 60
        assert blue.sum() > 200
        assert red.sum() > 200
    for wrong in (
        f"/case/{case.number}/9/probe/image.png",
        f"/case/{case.number}/0/third/image.png",
        "/case/99",
    ):
        assert client.get(wrong).status_code == 400
    assert client.get(f"/case/{case.number}/0/probe/all.png").status_code == 400


def test_pictures_of_the_next_case_are_made_ahead(console: Console, signed_in: SignedIn) -> None:
    """Opening a case makes the other views of its first part, and the first view of the next case."""
    client, _ = signed_in("ann")
    case, other = console.cases[:2]
    client.get(f"/case/{case.number}")
    console.warm(case, (), after_s=0.0).result(60)  # the thread takes its tasks in order
    made = console.evidence.picture.cache_info()
    assert made.misses == made.currsize == 6
    for number, view in ((case.number, "marks"), (case.number, "pairs"), (other.number, "image")):
        for side in ("probe", "candidate"):
            assert client.get(f"/case/{number}/0/{side}/{view}.png").status_code == 200
    assert console.evidence.picture.cache_info().misses == made.misses


def test_tls_needs_a_certificate_and_its_key(reviewed: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """One without the other, or a file that is not there, is told before anything is served."""
    import hashlib

    import uvicorn
    from typer.testing import CliRunner

    from matcher.cli.main import app as command
    from matcher.review.ledger import Ledger, Role

    run = hashlib.sha256((reviewed / "pairs.parquet").read_bytes()).hexdigest()
    Ledger(reviewed / "review.db", run).add_user("ann", Role.ANALYST, "correct horse battery")
    served: list[dict[str, Any]] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: served.append(options))
    there = tmp_path / "one.pem"
    there.write_text("")
    for wrong in (["--tls-cert", str(there)], ["--tls-cert", str(there), "--tls-key", str(tmp_path / "no")]):
        refused = CliRunner().invoke(command, ["review", str(reviewed), *wrong])
        assert refused.exit_code != 0
    assert not served
    pair = ["--tls-cert", str(there), "--tls-key", str(there)]
    done = CliRunner().invoke(command, ["review", str(reviewed), *pair])
    assert done.exit_code == 0
    assert "https://" in done.stderr
    assert (served[0]["ssl_certfile"], served[0]["ssl_keyfile"]) == (there, str(there))


def test_cases_of_a_folder_that_is_no_run_are_told(tmp_path: Path) -> None:
    """A typed error with what to do."""
    with pytest.raises(ArgumentError, match=r"pairs\.parquet"):
        load_cases(tmp_path)
    pq.write_table(pa.table({"probe_id": ["one"]}), tmp_path / "pairs.parquet")
    with pytest.raises(ArgumentError, match="earlier version"):
        load_cases(tmp_path)


def test_sessions_end_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """After half an hour without a request, and after twelve hours anyway."""
    from matcher.review import sessions
    from matcher.review.ledger import Role

    clock = [1000.0]
    monkeypatch.setattr(sessions.time, "monotonic", lambda: clock[0])
    kept = Sessions()
    session = kept.open("ann", Role.ANALYST)
    clock[0] += sessions.IDLE_S - 1
    assert kept.find(session.id) is session
    clock[0] += sessions.IDLE_S + 1
    assert kept.find(session.id) is None
    long = kept.open("ann", Role.ANALYST)
    while clock[0] < long.begun + sessions.LONGEST_S:
        assert kept.find(long.id) is long
        clock[0] += sessions.IDLE_S - 1
    assert kept.find(long.id) is None
    assert kept.find(None) is None


def test_a_sheet_for_a_template_that_says_it_is_huge_stays_small() -> None:
    """Its minutiae are drawn closer; nothing of gigabytes is made."""
    at = np.array([0, 16_383], np.int16)
    flat = np.full(2, 80, np.uint8)
    minutiae = Minutiae(at, at, flat, np.ones(2, np.uint8), flat)
    huge = FingerprintTemplate(minutiae, 16_384, 16_384, "iso", 80)
    picture = PillowImage.open(io.BytesIO(_print(None, huge, np.zeros((0, 2), np.int64), marks=True)))
    assert picture.size[0] * picture.size[1] <= LARGEST_SHEET
    assert len(picture.getcolors() or ()) > 1
    thin = FingerprintTemplate(Minutiae(at[:1], at[:1], flat[:1], flat[:1] // 80, flat[:1]), 1, 16_384, "iso")
    picture = PillowImage.open(io.BytesIO(_print(None, thin, np.zeros((0, 2), np.int64), marks=True)))
    assert picture.size == (2, 32_768)


def test_scores_have_words() -> None:
    """From a stranger's score to one in a million; poor samples are named."""
    assert strength(0.0) == "as a stranger's would be"
    assert "million" in strength(75.0)
    assert strength(-0.5) == strength(float("nan")) == "as a stranger's would be"
    part = {
        "modality": "FINGERPRINT",
        "probe_position": "RIGHT_INDEX",
        "candidate_position": "LEFT_INDEX",
        "score": 45.2,
        "probe_quality": 10,
        "candidate_quality": 80,
    }
    assert part_words(part).startswith("Finger, right index with left index: very alike")
    assert part_words(part).endswith("The left sample is poor.")


def test_another_password_or_role_ends_the_sessions_before(console: Console, signed_in: SignedIn) -> None:
    """Who was a supervisor exports nothing more; a password that got about opens nothing more."""
    from matcher.review.ledger import Role

    client, _ = signed_in("sue")
    assert client.get("/decisions.csv").status_code == 200
    console.ledger.add_user("sue", Role.ANALYST, "another long password")
    assert "Sign in" in client.get("/decisions.csv").text
    ann, token = signed_in("ann")
    console.ledger.add_user("ann", Role.ANALYST, "another long password")
    decide(ann, token, console.cases[0].number, "duplicate")
    assert not console.ledger.of(console.cases[0].number)


def test_a_console_in_the_clear_is_for_this_machine(reviewed: Path, monkeypatch: Any) -> None:
    """Passwords and faces leave it through TLS alone, or with a word that a proxy does that."""
    from typer.testing import CliRunner

    from matcher.cli.main import app as command

    monkeypatch.setenv("MATCHER_REVIEW_PASSWORD", "correct horse battery")
    CliRunner().invoke(command, ["review", str(reviewed), "--add-user", "ann"])
    monkeypatch.setattr("uvicorn.run", lambda *args, **more: None)
    for listen, good in (("0.0.0.0:8080", False), ("127.0.0.1:8080", True), ("[::1]:8080", True)):
        said = CliRunner().invoke(command, ["review", str(reviewed), "--listen", listen])
        assert isinstance(said.exception, ArgumentError) is not good
    said = CliRunner().invoke(
        command, ["review", str(reviewed), "--listen", "0.0.0.0:8080", "--behind-proxy"]
    )
    assert said.exit_code == 0
