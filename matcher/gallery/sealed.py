"""Full blocks of embeddings, each with an inverted file that proposes rows: a face is not compared with all.

    block is full -> `index_blocks` (upkeep thread) -> block.inverted -> `SealedBlocks.propose`

A block that is full never changes but for its marks of dead rows, so nothing has to follow its inverted file:
it proposes places of rows, which are looked at, and scored exactly, where they lie. Blocks without one, and
the one that is being filled, are compared row by row; so are those of which a filter passes few rows. A block
that is compacted comes without one. Nothing of it is written to disk: after a start it is made again, in the
background.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeGuard

import numpy as np
import numpy.typing as npt

from matcher.gallery.columns import Bools
from matcher.gallery.face_segment import (
    I8,
    PROPOSALS,
    PROPOSALS_A_CANDIDATE,
    Rows,
    build_segment,
    loaded_faiss,
)
from matcher.gallery.rows import Block, RowsView
from matcher.gallery.search import Scorer
from matcher.types import F32, I64, U64

SEALED_ROWS = 1 << 14
"""Rows from which on a full block gets an inverted file. Full ones have 65,536; deletions leave fewer."""

SCANNED_SHARE = 1 / 16
"""A block of which a filter passes a smaller share, or of which a larger one is wanted, is compared row by
row."""


class EmbeddingScorer(Scorer, Protocol):
    """A scorer of embeddings, which an inverted file can propose."""

    def embeddings(self, words: U64) -> I8:
        """Return the embeddings of resident forms, int8 (n, D) of uint64 (n, W)."""


def has_embeddings(scorer: Scorer) -> TypeGuard[EmbeddingScorer]:
    """Return whether a scorer is an `EmbeddingScorer`."""
    return hasattr(scorer, "embeddings")


def index_blocks(rows: RowsView, scorer: EmbeddingScorer, stopping: Callable[[], bool]) -> int:
    """Give full blocks that have none their inverted file; half a second of CPU time each.

    Parameters
    ----------
    rows : RowsView
        Of the scorer's modality. The last block is being filled, and is left alone.
    scorer : EmbeddingScorer
    stopping : callable
        Whether to leave the rest for another time, asked before each block.

    Returns
    -------
    int
        How many were given one.
    """
    made = 0
    if loaded_faiss() is None:
        return made
    for block, count in rows.blocks[:-1]:
        if stopping():
            break
        width = _width(block, count)
        if block.inverted is None and width:
            source = _living_or_others(block.dead[:count])
            if not len(source):
                continue
            values = np.ascontiguousarray(
                scorer.embeddings(block.words[: count * width].reshape(-1, width)[source])
            )
            inverses: F32 = np.asarray(1.0 / np.linalg.norm(values.astype(np.float32), axis=1), np.float32)
            places = np.arange(count, dtype=np.int32)
            block.inverted = build_segment(Rows(places, values, inverses), indexed=True).inverted
            made += block.inverted is not None
    return made


def _living_or_others(dead: Bools) -> I64:
    """Return which row stands for each: itself, or for a dead one some living one; empty where none lives.

    Of dead rows a snapshot keeps nothing, and embeddings of zeros would lie nearer to a probe than strangers.
    """
    source, living = np.arange(len(dead)), np.flatnonzero(~dead)
    if not len(living):
        return living
    gone = np.flatnonzero(dead)
    source[gone] = living[np.arange(len(gone)) % len(living)]
    return source


def _width(block: Block, count: int) -> int:
    """Return the words of each row where all have as many, of one model; 0 where none is to be made."""
    if count < SEALED_ROWS or (block.extractor[:count] != block.extractor[0]).any():
        return 0
    sizes = np.diff(block.offsets[: count + 1])
    return int(sizes[0]) if (sizes == sizes[0]).all() else 0


class SealedBlocks:
    """One probe and the blocks that have an inverted file.

    Parameters
    ----------
    scorer : EmbeddingScorer
    words : uint64 array (W,)
        Resident form of the probe.
    blocks : sequence of Block
    """

    def __init__(self, scorer: EmbeddingScorer, words: U64, blocks: Sequence[Block]) -> None:
        self._probe = np.ascontiguousarray(scorer.embeddings(words[None]))
        length = np.float32(np.linalg.norm(self._probe.astype(np.float32)))
        self._inverse: F32 = np.array([1.0 / length], np.float32)
        self._of_each = max(len(blocks), 1)

    def propose(self, block: Block, passing: Bools, wanted: int) -> I64:
        """Return the rows of a block that pass and may be among the `wanted` best of all blocks, ascending.

        Parameters
        ----------
        block : Block
        passing : bool array (R,)
            Which of its rows live and pass.
        wanted : int
        """
        everybody: npt.NDArray[np.intp] = np.flatnonzero(passing)
        if block.inverted is None or not len(everybody):
            return everybody
        share = len(everybody) / len(passing)
        # As many of those that pass: places are proposed whether they do or not.
        count = int(max(PROPOSALS, PROPOSALS_A_CANDIDATE * wanted // self._of_each) / share)
        if share < SCANNED_SHARE or count >= SCANNED_SHARE * len(passing):
            return everybody
        places = block.inverted.propose(self._probe, self._inverse, count)[0]
        places = np.sort(places[places >= 0])
        found = places[passing[places]]
        return found if len(found) >= min(wanted, len(everybody)) else everybody
