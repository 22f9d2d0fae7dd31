"""What parties do at a request, as parts of protocols: agree on the state, then search, or change it
together.

Every operation begins by comparing states (`agreed`): sequence number, digest of the journal, generation,
layout. Parties that differ fail with OutOfStepError and nothing is computed; `caught_up` brings them in
step. An enrolment is durable at all three before it is acknowledged; one that only a minority has is
dropped, one that two parties have is rebuilt at the third from masked halves that tell it its own share and
nothing else.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matcher.errors import (
    ArgumentError,
    OutOfStepError,
    ProtocolError,
    ShareCorruptError,
    SubjectExistsError,
)
from matcher.privacy.journal import Entry, Kind, digest_of, entries_of
from matcher.privacy.layout import Numbers
from matcher.privacy.products import iris_probes
from matcher.privacy.randomness import KEY_BYTES, Shared, Stream, derived
from matcher.privacy.rounds import Message, Part
from matcher.privacy.search import FaceSide, IrisSide, Policy, Side, anyone, identified
from matcher.privacy.sharing import points_times, third_share
from matcher.privacy.store import ShareStore

STATE = struct.Struct("<QQ32s32s")
"""Sequence, generation, digest of the journal, digest of the layout."""


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
    received = yield Message(ahead=own, back=own, two_way=True)
    if bytes(received.ahead) != own or bytes(received.back) != own:
        raise OutOfStepError(
            "The parties' shares are not of one state.", hint="They catch up by themselves: ask again."
        )


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
    """Return the ids of the subjects that match each probe."""
    yield from agreed(store)
    sides = sides_of(store, query, slice(None))
    rows = yield from identified(shared, sides, query.policy, store.active)
    return [[store.subject_at(row) for row in line] for line in rows]


def verify(shared: Shared, store: ShareStore, query: Query, subject_id: str) -> Part[list[bool]]:
    """Return for each probe whether it matches one subject."""
    yield from agreed(store)
    row = store.row_of(subject_id)
    sides = sides_of(store, query, slice(row, row + 1))
    rows = yield from identified(shared, sides, query.policy, np.ones(1, np.bool_))
    return [bool(line) for line in rows]


def known(shared: Shared, store: ShareStore, query: Query) -> Part[list[bool]]:
    """Return for each probe whether it matches anybody, and not whom."""
    yield from agreed(store)
    sides = sides_of(store, query, slice(None))
    return (yield from anyone(shared, sides, query.policy, store.active))


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
    yield from _ready()
    store.append(list(subject_ids), records)
    yield from agreed(store)
    return []


def deleted(shared: Shared, store: ShareStore, subject_id: str) -> Part[None]:
    """Delete a subject at all parties."""
    yield from agreed(store)
    store.row_of(subject_id)
    yield from _ready()
    store.delete(subject_id)
    yield from agreed(store)


def refreshed(shared: Shared, store: ShareStore) -> Part[int]:
    """Draw all shares anew: what was stolen before cannot be put together with what is stolen after.

    A sharing of 0, r x_i, is added to every share, under a seed that all parties add to and none keeps.
    Returns the new generation.
    """
    yield from agreed(store)
    own = os.urandom(KEY_BYTES)
    received = yield Message(ahead=own, back=own, two_way=True)
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
    yield from _ready()
    store.use_generation(following)
    yield from agreed(store)
    return following


def _ready() -> Part[None]:
    """Go on only together with both others."""
    received = yield Message(ahead=b"ready", back=b"ready", two_way=True)
    if bytes(received.ahead) != b"ready" or bytes(received.back) != b"ready":
        raise ProtocolError("A party is not ready.")


def caught_up(shared: Shared, store: ShareStore) -> Part[int]:
    """Bring the parties in step: drop what fewer than two have, rebuild what one lacks; return the sequence.

    Raises
    ------
    ShareCorruptError
        If the parties' journals are not prefixes of one another, or nobody's shares are of one generation.
    """
    own = _summary(store)
    received = yield Message(ahead=own, back=own, two_way=True)
    states = {
        shared.index: _read(own),
        (shared.index + 1) % 3: _read(received.ahead),
        (shared.index - 1) % 3: _read(received.back),
    }
    # A party without any row has lost its store, or never had one: it takes the others' generation.
    holders = [state for state in states.values() if state.entries]
    common = (
        set.intersection(*(set(state.generations) for state in holders)) if holders else {store.generation}
    )
    if not common:
        raise ShareCorruptError("The parties' shares are of different generations.")
    generation = max(common)
    lengths = sorted(len(state.entries) for state in states.values())
    wanted = lengths[1]
    if wanted == 0 and lengths[2]:
        # Perhaps two stores were started in the wrong folder: nothing is dropped on the word of empty ones.
        raise ShareCorruptError(
            "Two parties have no shares at all, and one has some.",
            hint="Put the two stores back; or remove the third one if nothing was ever enrolled.",
        )
    reference = max((state.entries for state in states.values()), key=len)
    for state in states.values():
        if _public(state.entries) != _public(reference[: len(state.entries)]):
            raise ShareCorruptError("The parties' journals contradict each other.")
    yield from _ready()
    if states[shared.index].entries:
        if store.generation != generation or store.generations() != [generation]:
            store.use_generation(generation)
    else:
        store.start_again(generation)
    if store.sequence > wanted:
        store.truncate(wanted)
    for behind in range(3):
        have = min(len(states[behind].entries), wanted)
        if have < wanted:
            yield from _rebuilt(shared, store, behind, reference[have:wanted])
    yield from agreed(store)
    return store.sequence


def _rebuilt(shared: Shared, store: ShareStore, behind: int, missing: list[Entry]) -> Part[None]:
    """Give one party its shares of some rows: both others send a half, masked by what only those two know."""
    rows = [entry.row for entry in missing if entry.kind is Kind.ENROLLED]
    if shared.index == behind:
        received = yield Message(two_way=True)
        halves = [np.frombuffer(half, np.uint8) for half in (received.ahead, received.back)]
        arrays = [store.layout.unpacked(half.tobytes()) if rows else {} for half in halves]
        _replay(store, missing, {name: arrays[0][name] + arrays[1][name] for name in arrays[0]})
        return
    # The next party of the one behind and the previous one share a stream: the next one's own.
    is_next = shared.index == (behind + 1) % 3
    stream = shared.own if is_next else shared.left
    half: dict[str, Numbers] = {}
    for name, values in (store.records(rows) if rows else {}).items():
        mask = stream.draw(values.dtype, values.size).reshape(values.shape)
        terms = third_share(values, values)
        half[name] = terms[0] + mask if is_next else terms[1] - mask
    data = store.layout.packed(half) if rows else b""
    yield Message(back=data, two_way=True) if is_next else Message(ahead=data, two_way=True)


def _replay(store: ShareStore, missing: list[Entry], arrays: dict[str, Numbers]) -> None:
    place = 0
    for entry in missing:
        if entry.kind is Kind.ENROLLED:
            record = {name: values[place : place + 1] for name, values in arrays.items()}
            store.append([entry.subject_id], store.layout.packed(record))
            place += 1
        else:
            store.delete(entry.subject_id)


@dataclass(frozen=True, slots=True)
class _State:
    entries: list[Entry]
    generations: list[int]


def _summary(store: ShareStore) -> bytes:
    """Return a party's whole journal, without its shares' checksums, and its generations."""
    public = [Entry(e.kind, e.subject_id, e.row, 0).packed() for e in store.entries(0)]
    generations = store.generations()
    return struct.pack(f"<I{len(generations)}Q", len(generations), *generations) + b"".join(public)


def _read(data: bytes | memoryview) -> _State:
    data = bytes(data)
    if len(data) < 4:
        raise ProtocolError("A state is too short.")
    (count,) = struct.unpack_from("<I", data)
    if len(data) < 4 + 8 * count:
        raise ProtocolError("A state is too short.")
    numbers = struct.unpack_from(f"<{count}Q", data, 4)
    return _State(entries_of(data[4 + 8 * count :]), list(numbers))


def _public(entries: list[Entry]) -> bytes:
    return digest_of(entries)
