"""How parties that are out of step come together: after a crash, a lost store, an old one, a refresh cut off.

What fewer than two parties have was never acknowledged and is dropped. What two have is rebuilt at the third
from masked halves that tell it its own share and nothing else. Shares of one generation alone fit together:
all take the newest that all who have rows can read; a party that was away while the others refreshed has none
of those left, and gets all its shares anew.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from matcher.errors import ProtocolError, ShareCorruptError
from matcher.privacy.journal import Entry, Kind, digest_of, entries_of
from matcher.privacy.layout import Numbers
from matcher.privacy.operations import agreed, ready
from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import ALL, Message, Part
from matcher.privacy.sharing import third_share
from matcher.privacy.store import ShareStore


def caught_up(shared: Shared, store: ShareStore) -> Part[int]:
    """Bring the parties in step; return the sequence.

    Raises
    ------
    ShareCorruptError
        If the parties' journals are not prefixes of one another, or no two parties' newest shares are of one
        generation.
    """
    own = _summary(store)
    received = yield Message(ahead=own, back=own, links=ALL)
    states = {
        shared.index: _read(own),
        (shared.index + 1) % 3: _read(received.ahead),
        (shared.index - 1) % 3: _read(received.back),
    }
    reference = max((state.entries for state in states.values()), key=len)
    for state in states.values():
        if _public(state.entries) != _public(reference[: len(state.entries)]):
            raise ShareCorruptError("The parties' journals contradict each other.")
    generation, away = _generation(states)
    if away is not None:
        states[away] = _State([], [generation])
        reference = max((state.entries for state in states.values()), key=len)
    lengths = sorted(len(state.entries) for state in states.values())
    wanted = lengths[1]
    if wanted == 0 and lengths[2]:
        # Perhaps two stores were started in the wrong folder: nothing is dropped on the word of empty ones.
        raise ShareCorruptError(
            "Two parties have no shares at all, and one has some.",
            hint="Put the two stores back; or remove the third one if nothing was ever enrolled.",
        )
    yield from ready()
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


def _generation(states: Mapping[int, _State]) -> tuple[int, int | None]:
    """Return the generation that all shall be of, and the party whose shares are of an older one, if any."""
    # A party without any row has lost its store, or never had one: it takes the others' generation.
    holders = {index: set(state.generations) for index, state in states.items() if state.entries}
    if not holders:
        return max(number for state in states.values() for number in state.generations), None
    common = set.intersection(*holders.values())
    if common:
        return max(common), None
    if len(holders) == 3:
        for away, own in holders.items():
            rest = set.intersection(*(other for index, other in holders.items() if index != away))
            # Never the other way round: two old stores must not make the third forget what is newer.
            if rest and max(rest) > max(own, default=0):
                return max(rest), away
    raise ShareCorruptError(
        "The parties' shares are of different generations, and no two have the newest one.",
        hint="Put the newest store of a second party back: shares from before a refresh fit none from after.",
    )


def _rebuilt(shared: Shared, store: ShareStore, behind: int, missing: list[Entry]) -> Part[None]:
    """Give one party its shares of some rows: both others send a half, masked by what only those two know."""
    rows = [entry.row for entry in missing if entry.kind is Kind.ENROLLED]
    if shared.index == behind:
        received = yield Message(links=ALL)
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
    yield Message(back=data, links=ALL) if is_next else Message(ahead=data, links=ALL)


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
    if count == 0 or len(data) < 4 + 8 * count:
        raise ProtocolError("A state is too short.")
    numbers = struct.unpack_from(f"<{count}Q", data, 4)
    return _State(entries_of(data[4 + 8 * count :]), list(numbers))


def _public(entries: list[Entry]) -> bytes:
    return digest_of(entries)
