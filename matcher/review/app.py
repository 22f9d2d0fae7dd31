"""The console's pages: server-rendered, without a build step, from this machine alone.

Every page but the login needs a session; every change a token of the session (CSRF). Pages allow no script,
style or picture from elsewhere, and are never cached. Analysts do not see what others decided of a case until
it is closed: decisions are independent.
"""

from __future__ import annotations

import contextlib
import csv
import io
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined

from matcher.dedup.tables import plain_cell
from matcher.dedup.words import TROUBLES
from matcher.errors import ArgumentError, MatcherError
from matcher.review.advice import threshold_advice
from matcher.review.cases import Case
from matcher.review.evidence import VIEWS, Evidence, part_of
from matcher.review.ledger import Choice, Decision, Ledger, Role, State, now, outcome_of, state_of
from matcher.review.sessions import Session, Sessions
from matcher.review.words import margin_words, part_name, part_words

COOKIE = "review_session"

MAX_FORM = 16_384
"""Largest form, bytes."""

PAGE_CASES = 100
"""Cases of one page of the queue."""

WARM_AFTER_S = 0.3
"""Seconds after a case's page until the pictures of the next one are made: its own come first."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Console:
    """What the pages work on.

    Parameters
    ----------
    title : str
    cases : sequence of Case
        The most urgent first.
    ledger : Ledger
    evidence : Evidence
    """

    def __init__(self, title: str, cases: Sequence[Case], ledger: Ledger, evidence: Evidence) -> None:
        self.title, self.cases, self.ledger, self.evidence = title, list(cases), ledger, evidence
        self.by_number = {case.number: case for case in cases}
        self.sessions = Sessions()
        self._ahead = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")

    def next_for(self, session: Session, *, but: int | None = None) -> Case | None:
        """Return the first case that the user can decide now, other than the one of number `but`."""
        decisions = self.ledger.decisions()
        open_ = (
            case
            for case in self.cases
            if case.number != but and self.can_decide(session, decisions.get(case.number, []))
        )
        return next(open_, None)

    def warm(self, case: Case, views: Sequence[str], *, after_s: float = WARM_AFTER_S) -> Future[None]:
        """Make the pictures of a case's first part beside everything else, before they are asked for."""
        return self._ahead.submit(self._warm, case, views, after_s)

    def _warm(self, case: Case, views: Sequence[str], after_s: float) -> None:
        time.sleep(after_s)
        for view in views:
            for side in ("probe", "candidate") if case.compared else ():
                # What cannot be shown is told to whoever asks for it.
                with contextlib.suppress(MatcherError):
                    self.picture(case, 0, side, view)

    def picture(self, case: Case, part: int, side: str, view: str) -> bytes:
        """Return a picture of one side of a part as PNG."""
        own, other = (case.probe, case.candidate) if side == "probe" else (case.candidate, case.probe)
        return self.evidence.picture(own, other, *part_of(case.compared[part], side), view)

    @staticmethod
    def can_decide(session: Session, decisions: list[Decision]) -> bool:
        """Return whether the user may decide a case with these decisions."""
        state = state_of(decisions)
        if any(one.user == session.user for one in decisions):
            return False
        wanted = (State.DISPUTED,) if session.role is Role.SUPERVISOR else (State.OPEN, State.SECOND)
        return state in wanted


def make_app(console: Console) -> FastAPI:
    """Return the web application of a console."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    pages = Environment(
        loader=PackageLoader("matcher.review"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    pages.globals.update(title=console.title, troubles=TROUBLES, part_words=part_words, part_name=part_name)
    pages.globals.update(margin_words=margin_words)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")

    def shown(name: str, session: Session | None, status: int = 200, **values: Any) -> Response:
        text = pages.get_template(name).render(session=session, **values)
        return Response(text, status, media_type="text/html; charset=utf-8")

    @app.middleware("http")
    async def guard(request: Request, call: Callable[[Request], Any]) -> Response:
        response: Response = await call(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    @app.exception_handler(MatcherError)
    async def told(request: Request, error: MatcherError) -> Response:
        session = console.sessions.find(request.cookies.get(COOKIE))
        return shown("message.html", session, 400, heading="That did not work", text=str(error))

    def signed_in(request: Request) -> Session:
        session = console.sessions.find(request.cookies.get(COOKIE))
        if session is None:
            raise _NotSignedInError
        if session.stamp != console.ledger.stamp(session.user):
            console.sessions.close(session)
            raise _NotSignedInError
        return session

    @app.exception_handler(_NotSignedInError)
    async def to_login(request: Request, error: _NotSignedInError) -> Response:
        return RedirectResponse("/login", 303)

    async def form_of(request: Request, session: Session | None) -> dict[str, str]:
        """Return the fields of a form after its origin and, with a session, its token were checked."""
        origin = request.headers.get("origin")
        if origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host"):
            raise ArgumentError("This form came from another site.")
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_FORM:
                raise ArgumentError(f"Form: expected at most {MAX_FORM} bytes.")
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
        form = {name: values[-1] for name, values in fields.items()}
        if session is not None and not session.accepts(form.get("token", "")):
            raise ArgumentError("This form is of another session; open the page again.")
        return form

    @app.get("/login")
    async def login_page() -> Response:
        return shown("login.html", None, wrong=False)

    @app.post("/login")
    async def login(request: Request) -> Response:
        form = await form_of(request, None)
        name = form.get("name", "")
        console.sessions.check_tries(name)
        stamp = console.ledger.stamp(name)  # before the check: what changes in between ends the session
        role = console.ledger.check_user(name, form.get("password", ""))
        if role is None:
            console.sessions.failed(name)
            return shown("login.html", None, 401, wrong=True)
        session = console.sessions.open(name, role, stamp)
        response = RedirectResponse("/", 303)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, session.id, httponly=True, samesite="strict", secure=secure)
        return response

    @app.post("/logout")
    async def logout(request: Request) -> Response:
        session = signed_in(request)
        await form_of(request, session)
        console.sessions.close(session)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE)
        return response

    @app.get("/")
    def queue(request: Request, page: int = 0) -> Response:
        session = signed_in(request)
        decisions = console.ledger.decisions()
        states = {case.number: state_of(decisions.get(case.number, [])) for case in console.cases}
        counts = {state: sum(one is state for one in states.values()) for state in State}
        first = max(min(page, len(console.cases) // PAGE_CASES), 0) * PAGE_CASES
        rows = [
            (case, states[case.number], console.can_decide(session, decisions.get(case.number, [])))
            for case in console.cases[first : first + PAGE_CASES]
        ]
        pages_ = -(-len(console.cases) // PAGE_CASES)
        following = console.next_for(session)
        return shown(
            "queue.html",
            session,
            rows=rows,
            counts=counts,
            page=first // PAGE_CASES,
            pages=pages_,
            next=following,
        )

    @app.get("/case/{number}")
    def case_page(request: Request, number: int) -> Response:
        session, case = signed_in(request), _case(console, number)
        decisions = console.ledger.of(number)
        closed = state_of(decisions) is State.CLOSED
        # A supervisor settles what analysts said; an analyst sees nothing of it before the case is closed.
        seen = decisions if closed or session.role is Role.SUPERVISOR else []
        sides = [(name, console.evidence.attributes(name)) for name in (case.probe, case.candidate)]
        following = console.next_for(session, but=number)
        if following is not None:
            console.warm(following, VIEWS[:1])
        console.warm(case, VIEWS[1:])
        return shown(
            "case.html",
            session,
            case=case,
            sides=sides,
            decisions=seen,
            state=state_of(decisions),
            can_decide=console.can_decide(session, decisions),
            choices=list(Choice),
            views=VIEWS,
        )

    @app.get("/case/{number}/{part}/{side}/{view}.png")
    def picture(request: Request, number: int, part: int, side: str, view: str) -> Response:
        signed_in(request)
        case = _case(console, number)
        if side not in ("probe", "candidate") or not 0 <= part < len(case.compared):
            raise ArgumentError("There is no such picture.")
        return Response(console.picture(case, part, side, view), media_type="image/png")

    @app.post("/case/{number}")
    async def decide(request: Request, number: int) -> Response:
        session, case = signed_in(request), _case(console, number)
        form = await form_of(request, session)
        if form.get("choice") not in list(Choice):
            raise ArgumentError("Choose duplicate, different or cannot tell.")
        choice, note = Choice(form["choice"]), form.get("note", "").strip()
        console.ledger.decide(
            Decision(number, case.probe, case.candidate, session.user, session.role, choice, note, now())
        )
        following = console.next_for(session)
        return RedirectResponse("/" if following is None else f"/case/{following.number}", 303)

    @app.get("/advice")
    def advice(request: Request) -> Response:
        session = signed_in(request)
        rows = threshold_advice(console.cases, console.ledger.decisions(), console.evidence.records)
        return shown("advice.html", session, rows=rows)

    @app.get("/decisions.csv")
    def export(request: Request) -> Response:
        if signed_in(request).role is not Role.SUPERVISOR:
            raise ArgumentError("Only supervisors export decisions.")
        return Response(
            decisions_csv(console),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="decisions.csv"'},
        )

    return app


def decisions_csv(console: Console) -> str:
    """Return every decision of the run as CSV, with the outcome of its case."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["probe_id", "candidate_id", "score", "user", "role", "choice", "note", "at", "outcome"])
    for number, made in sorted(console.ledger.decisions().items()):
        outcome = outcome_of(made)
        case = console.by_number.get(number)
        score = "" if case is None else f"{case.score:.4f}"
        for one in made:
            said = (
                plain_cell(one.user),
                one.role.value,
                one.choice.value,
                plain_cell(one.note),
                f"{one.at:.3f}",
            )
            writer.writerow(
                [
                    plain_cell(one.probe),
                    plain_cell(one.candidate),
                    score,
                    *said,
                    outcome.value if outcome else "",
                ]
            )
    return text.getvalue()


def _case(console: Console, number: int) -> Case:
    if number not in console.by_number:
        raise ArgumentError("There is no such case.")
    return console.by_number[number]


class _NotSignedInError(Exception):
    """The request has no session."""
