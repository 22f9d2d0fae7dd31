"""A memory as arrays and plain values, and back: a consistent cut of it at one change.

Only the store is the truth. What cannot be used here is made anew from it, so nothing is repaired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import SnapshotCorruptError, SnapshotForeignError
from matcher.gallery.encounters import Encounters
from matcher.gallery.memory import Memory
from matcher.gallery.rows import Block
from matcher.gallery.shortlist import Shortlist
from matcher.types import I64, Modality

SUBJECT_COLUMNS = ("subject_key", "head", "alive")
BLOCK_COLUMNS = ("words", "offsets", "encounter", "ordinal", "position", "extractor", "dead")

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Cut:
    """A memory after a change.

    Attributes
    ----------
    said : dict
        Plain JSON values.
    arrays : dict of str to array
        None of which the writer changes any more: what changes in place is copied.
    gone : dict of str to int64 array (n, 2)
        Of arrays with something in them of who was deleted: where, first byte and end. It is not written.
    """

    said: dict[str, Any]
    arrays: Arrays
    gone: dict[str, I64]

    @property
    def sequence(self) -> int:
        """The last change that is contained."""
        return int(self.said["sequence"])


def cut(memory: Memory, identity: str, forms: str) -> Cut:
    """Return a memory's state; called on the writer's thread, or where nothing is written any more.

    Parameters
    ----------
    memory : Memory
    identity : str
        Of the store: which history of changes the sequence numbers are of.
    forms : str
        What tells the forms in memory from those of another version or configuration.
    """
    e, ids = memory.encounters, memory.ids
    arrays: Arrays = {
        "ids.text": ids.text[: int(ids.begins[ids.count])],
        "ids.begins": ids.begins[: ids.count + 1],
        "ids.hashes": ids.hashes[: ids.count],
        "ids.table": ids.table.copy(),
    }
    arrays |= {f"subjects.{name}": getattr(memory, name)[: ids.count].copy() for name in SUBJECT_COLUMNS}
    arrays |= {f"encounters.{name}": getattr(e, name)[: e.count].copy() for name in Encounters.COLUMNS}
    blocks = {}
    gone: dict[str, I64] = {}
    for modality, rows in memory.rows.items():
        blocks[modality.name] = len(rows.blocks)
        for number, block in enumerate(rows.blocks):
            for name, array in _parts(block).items():
                arrays[f"{modality.name}.{number}.{name}"] = array
            gone[f"{modality.name}.{number}.words"] = _gone(block)
    listed, lists = memory.shortlist.arrays()
    arrays |= lists
    said = {
        "identity": identity,
        "forms": forms,
        "sequence": memory.sequence,
        "changed_at_us": memory.changed_at_us,
        "salt": ids.salt.hex(),
        "subjects": memory.subjects,
        "inactive": e.inactive,
        "gallery_sets": [sorted(own) for own in e.view().gallery_sets],
        "tag_sets": [sorted(own) for own in e.view().tag_sets],
        "blocks": blocks,
        "extractors": {modality.name: rows.extractors.copy() for modality, rows in memory.rows.items()},
        "shortlist": listed,
        "living": {modality.name: [rows.alive, rows.dead] for modality, rows in memory.rows.items()},
        "owing_since": None,
    }
    return Cut(said, arrays, gone)


def _gone(block: Block) -> I64:
    """Return where the words of a block's dead rows stand, in bytes."""
    dead = np.flatnonzero(block.dead[: block.rows])
    return block.words.itemsize * np.stack([block.offsets[dead], block.offsets[dead + 1]], axis=1)


def _parts(block: Block) -> Arrays:
    rows = block.rows
    return {
        "words": block.words[: int(block.offsets[rows])],
        "offsets": block.offsets[: rows + 1],
        "encounter": block.encounter[:rows],
        "ordinal": block.ordinal[:rows],
        "position": block.position[:rows],
        "extractor": block.extractor[:rows],
        "dead": block.dead[:rows].copy(),
    }


def restored(
    said: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], identity: str, forms: str
) -> Memory:
    """Return the memory that was cut, which goes on from there.

    Raises
    ------
    SnapshotForeignError
        If it is of another store, of another history of it, or of other forms.
    SnapshotCorruptError
        If a part is missing.
    """
    if said.get("identity") != identity:
        raise SnapshotForeignError("The snapshot is of another store, or of an earlier life of this one.")
    if said.get("forms") != forms:
        raise SnapshotForeignError("The snapshot holds templates in other forms than this program compares.")
    try:
        return _restored(said, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotCorruptError(f"A part of the snapshot is missing ({type(error).__name__}).") from error


def _restored(said: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Memory:
    memory = Memory()
    ids, e = memory.ids, memory.encounters
    ids.text, ids.begins = arrays["ids.text"], arrays["ids.begins"]
    ids.hashes, ids.table = arrays["ids.hashes"], arrays["ids.table"]
    ids.salt, ids.count = bytes.fromhex(said["salt"]), len(ids.hashes)
    for name in SUBJECT_COLUMNS:
        setattr(memory, name, arrays[f"subjects.{name}"])
    for name in Encounters.COLUMNS:
        setattr(e, name, arrays[f"encounters.{name}"])
    e.count, e.inactive = len(e.key), int(said["inactive"])
    for galleries in said["gallery_sets"]:
        e.gallery_sets.number(frozenset(galleries))
    for tags in said["tag_sets"]:
        e.tag_sets.number(frozenset((key, value) for key, value in tags))
    memory.subjects = int(said["subjects"])
    memory.changed_at_us = int(said["changed_at_us"])
    for modality in Modality:
        rows = memory.rows[modality]
        rows.extractors = list(said["extractors"][modality.name])
        rows.alive, rows.dead = said["living"][modality.name]
        for number in range(said["blocks"][modality.name]):
            own = {name: arrays[f"{modality.name}.{number}.{name}"] for name in BLOCK_COLUMNS}
            rows.blocks.append(Block(**own, rows=len(own["encounter"]), inverted=None))
        if rows.blocks:
            rows.blocks[-1] = rows.blocks[-1].reopened(rows.block_words, rows.block_rows)
    memory.shortlist = Shortlist.of(said["shortlist"], arrays)
    memory.publish(int(said["sequence"]))
    return memory
