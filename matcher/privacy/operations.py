"""What parties do at a request, as parts of protocols: agree on the state, then search, or change it
together.

Every operation begins by comparing states (`agreed`, `in_step`): sequence number, digest of the journal,
generation, layout. Parties that differ fail with OutOfStepError and nothing is opened;
`matcher.privacy.catch_up` brings them in step. An enrolment is durable at all three before it is
acknowledged.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np

from matcher.errors import (
    ArgumentError,
    MatcherError,
    OutOfStepError,
    ProtocolError,
    SubjectExistsError,
)
from matcher.privacy.layout import Numbers
from matcher.privacy.products import iris_probes
from matcher.privacy.randomness import KEY_BYTES, Shared, Stream, derived
from matcher.privacy.rounds import ALL, Message, Part
from matcher.privacy.search import FaceSide, IrisSide, Policy, Side, anyone, identified
from matcher.privacy.sharing import points_times
from matcher.privacy.store import ShareStore

T = TypeVar("T")

STATE = struct.Struct("<QQ32s32s")
"""Sequence, generation, digest of the journal, digest of the layout."""


OUT_OF_STEP, ASK_AGAIN = (
    "The parties' shares are not of one state.",
    "They catch up by themselves: ask again.",
)


@dataclass(frozen=True, slots=True)
class Query:
    """What a search compares.

    Attributes
    ----------
    probes : bytes
        This party's shares of records, one a probe.
    parts : tuple of str
        Which of them count: "right", "left", "face".
    policy : Policy
        How several parts' matches become one.
    """

    probes: bytes
    parts: tuple[str, ...]
    policy: Policy = Policy.ANY


def state_of(store: ShareStore) -> bytes:
    """Return what must be equal at all parties."""
    return STATE.pack(store.sequence, store.generation, store.digest, store.layout.digest)


def agreed(store: ShareStore) -> Part[None]:
    """Compare states with both other parties.

    Raises
    ------
    OutOfStepError
        If they differ.
    """
    own = state_of(store)
    received = yield Message(ahead=own, back=own, links=ALL)
    if bytes(received.ahead) != own or bytes(received.back) != own:
        raise OutOfStepError(OUT_OF_STEP, hint=ASK_AGAIN)


def in_step(shared: Shared, store: ShareStore, part: Part[T]) -> Part[T]:
    """Run a part of which each party's first message to the next one has its state in front.

    States are compared before anything is done with what came. If any differ, then around the ring at least
    two parties differ from the one before: neither of these goes on, and an opening takes two. What was sent
    until then is uniform, as all of a part's messages before its opening.

    Raises
    ------
    OutOfStepError
        If states differ; before any other error of the part.
    """
    own = state_of(store)
    following, before = ((shared.index + step) % 3 for step in (1, -1))
    failed: MatcherError | None = None
    try:
        message = next(part)
    except StopIteration as end:
        yield from in_step(shared, store, _one_round())
        return cast(T, end.value)
    except MatcherError as error:
        failed = error
    if failed is not None:
        yield from in_step(shared, store, _one_round())
        raise failed
    told = heard = False
    while True:
        telling = not told and (shared.index, following) in message.links
        told |= telling
        ahead = own + bytes(message.ahead) if telling else message.ahead
        received = yield Message(ahead, message.back, message.links)
        if not heard and (before, shared.index) in message.links:
            heard = True
            if bytes(received.back[: len(own)]) != own:
                raise OutOfStepError(OUT_OF_STEP, hint=ASK_AGAIN)
            received = received._replace(back=memoryview(received.back)[len(own) :])
        try:
            message = part.send(received)
        except StopIteration as end:
            if not (told and heard):
                raise ProtocolError("A part ended before the parties had compared their states.") from None
            return cast(T, end.value)


def _one_round() -> Part[None]:
    """Send nothing, around the ring."""
    yield Message()


def sides_of(store: ShareStore, query: Query, rows: slice) -> list[Side]:
    """Return what is compared with what.

    Raises
    ------
    ArgumentError
        If a part is unknown or none is named.
    """
    layout = store.layout
    if not query.parts or not set(query.parts) <= set(layout.parts):
        raise ArgumentError(f"Parts: expected some of {', '.join(layout.parts)}.")
    arrays = layout.unpacked(query.probes)
    sides: list[Side] = []
    for part in query.parts:
        if part == "face":
            faces = store.array(part)[rows]
            sides.append(FaceSide(faces, arrays[part], layout.least, layout.face_width))
        else:
            codes, masks = (store.array(f"{part}.{name}")[rows] for name in ("code", "mask"))
            probes = iris_probes(arrays[f"{part}.code"], arrays[f"{part}.mask"], layout.reach)
            sides.append(IrisSide(codes, masks, probes, layout.rule))
    return sides


def identify(shared: Shared, store: ShareStore, query: Query) -> Part[list[list[str]]]:
    """Return at party 0 the ids of the subjects that match each probe, none at the two others."""

    def rows() -> Part[list[list[int]]]:
        sides = sides_of(store, query, slice(None))
        return (yield from identified(shared, sides, query.policy, store.active))

    found = yield from in_step(shared, store, rows())
    return [[store.subject_at(row) for row in line] for line in found]


def verify(shared: Shared, store: ShareStore, query: Query, subject_id: str) -> Part[list[bool]]:
    """Return at party 0 for each probe whether it matches one subject, False at the two others."""

    def rows() -> Part[list[list[int]]]:
        row = store.row_of(subject_id)
        sides = sides_of(store, query, slice(row, row + 1))
        return (yield from identified(shared, sides, query.policy, np.ones(1, np.bool_)))

    return [bool(line) for line in (yield from in_step(shared, store, rows()))]


def known(shared: Shared, store: ShareStore, query: Query) -> Part[list[bool]]:
    """Return for each probe whether it matches anybody, and not whom; at all parties."""

    def answers() -> Part[list[bool]]:
        sides = sides_of(store, query, slice(None))
        return (yield from anyone(shared, sides, query.policy, store.active))

    return (yield from in_step(shared, store, answers()))


def enrolled(
    shared: Shared, store: ShareStore, records: bytes, subject_ids: Sequence[str], unique: Query | None
) -> Part[list[str]]:
    """Add subjects, unless `unique` is given and one of them matches somebody.

    Returns
    -------
    list of str
        Ids that were refused because they match somebody who is enrolled; nobody is added then.
    """
    if unique is not None and store.count:
        matched = yield from known(shared, store, unique)
        refused = [one for one, found in zip(subject_ids, matched, strict=True) if found]
        if refused:
            return refused
    else:
        yield from agreed(store)
    for subject_id in subject_ids:
        if store.has(subject_id):
            raise SubjectExistsError(f"A subject of the id {subject_id!r} is enrolled already.")
    store.layout.unpacked(records)
    yield from ready()
    store.append(list(subject_ids), records)
    yield from agreed(store)
    return []


def deleted(shared: Shared, store: ShareStore, subject_id: str) -> Part[None]:
    """Delete a subject at all parties."""
    yield from agreed(store)
    store.row_of(subject_id)
    yield from ready()
    store.delete(subject_id)
    yield from agreed(store)


def refreshed(shared: Shared, store: ShareStore) -> Part[int]:
    """Draw all shares anew: what was stolen before cannot be put together with what is stolen after.

    A sharing of 0, r x_i, is added to every share, under a seed that all parties add to and none keeps.
    Returns the new generation.
    """
    yield from agreed(store)
    own = os.urandom(KEY_BYTES)
    received = yield Message(ahead=own, back=own, links=ALL)
    seeds = [own, bytes(received.ahead), bytes(received.back)]
    if any(len(seed) != KEY_BYTES for seed in seeds):
        raise ProtocolError("A seed of a refresh has another length.")
    ordered = [seeds[(k - shared.index) % 3] for k in range(3)]
    stream = Stream(derived(b"".join(ordered), "refresh"))
    changed: dict[str, Numbers] = {}
    for name in store.layout.arrays:
        rows = store.array(name)
        drawn = stream.draw(rows.dtype, rows.size).reshape(rows.shape)
        changed[name] = rows + points_times(drawn)[shared.index]
    following = store.generation + 1
    store.write_generation(following, changed)
    yield from ready()
    store.use_generation(following)
    yield from agreed(store)
    return following


def ready() -> Part[None]:
    """Go on only together with both others."""
    received = yield Message(ahead=b"ready", back=b"ready", links=ALL)
    if bytes(received.ahead) != b"ready" or bytes(received.back) != b"ready":
        raise ProtocolError("A party is not ready.")
