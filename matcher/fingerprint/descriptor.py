"""Search descriptors of fingerprints: a list number, a code of 8 bytes and a place of 3 for each minutia.

    template -> neighbourhoods -> descriptor          (a gallery's side: stored in lists, see gallery/index_*)
                               -> descriptor probe    (distance tables and the lists to look into)

Neither translation nor rotation of a print changes list and code. 13 bytes a minutia, some 550 a finger. The
core computes them (`cpp/include/matcher/fingerprint_describe.h`); minutiae are those that a comparison uses
(`matcher.fingerprint.compared.choose`), in their order, less those that have no neighbour within reach.

LIMITATIONS: a minutia's code holds what lies within 70 px of it; prints that share less than a few minutiae
with all their neighbours give their mates few votes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.errors import ArgumentError, TemplateCorruptError
from matcher.fingerprint.descriptor_codebook import Codebook, load_codebook
from matcher.fingerprint.packed import packed
from matcher.types import F32, U8, U64, FingerprintTemplate

U16 = npt.NDArray[np.uint16]
I32 = npt.NDArray[np.int32]

PROBED_LISTS = 16
"""Lists that each minutia of a probe looks into; of 2,048, they hold about 1 % of real prints' minutiae.
Measured: see benchmarks/README.md."""

WEAK_PROBED_LISTS = 28
"""The same of a print with few or very many minutiae, whose mates are the ones that are lost."""

FEW_VOTERS, MANY_VOTERS = 20, 110
"""A finger of the probe that has fewer minutiae shows a part only; one of more is full of false ones. Of the
synthetic probes 6 % are such, and most lost mates are theirs."""


@dataclass(frozen=True, slots=True, eq=False)
class FingerprintDescriptor:
    """What an index keeps of one print; arrays are read-only.

    Attributes
    ----------
    lists : uint16 array (n,)
        Nearest coarse centre of each minutia that has neighbours, n <= 128.
    codes : uint8 array (n, 8)
        Their quantised neighbourhoods; low four bits first.
    places : uint8 array (n, 3)
        Where they lie: x and y, units of 4 px modulo 256, y down; direction, units of 2 pi / 256.
    codebook : str
        Id of the codebook.
    """

    lists: U16
    codes: U8
    places: U8
    codebook: str

    def __len__(self) -> int:
        return len(self.lists)

    @property
    def bytes(self) -> int:
        """Bytes of the arrays."""
        return self.lists.nbytes + self.codes.nbytes + self.places.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class DescriptorProbe:
    """One side of a search, prepared once.

    Attributes
    ----------
    tables : uint8 array (n, 16, 16)
        Quantised squared distance of each part to each of its centres, less the nearest one's.
    bases : uint8 array (n,)
        Sum of those nearest distances.
    lists : int32 array (n, p)
        Lists to look into, nearest first.
    places : uint8 array (n, 3)
        As of a `FingerprintDescriptor`.
    weights : uint8 array (256,)
        Of the codebook.
    codebook : str
    """

    tables: U8
    bases: U8
    lists: I32
    places: U8
    weights: U8
    codebook: str

    def __len__(self) -> int:
        return len(self.bases)

    @property
    def weak(self) -> bool:
        """Whether there are too few minutiae, or too many, for an ordinary print."""
        return not FEW_VOTERS <= len(self) <= MANY_VOTERS


def describe(template: FingerprintTemplate, codebook: Codebook | None = None) -> FingerprintDescriptor:
    """Return what an index keeps of a print.

    Parameters
    ----------
    template : FingerprintTemplate
        From any extractor.
    codebook : Codebook, optional
        By default the shipped one.
    """
    book = load_codebook() if codebook is None else codebook
    return _descriptor(book.describer.describe(packed(template)), book)


def admit(prints: Sequence[U64], codebook: Codebook | None = None) -> list[tuple[FingerprintDescriptor, U64]]:
    """Return what an index keeps of prints, and their resident forms: both for little more than one.

    Parameters
    ----------
    prints : sequence of uint64 arrays
        Packed forms.
    codebook : Codebook, optional
        By default the shipped one.

    Raises
    ------
    TemplateCorruptError
        If an array is no packed form.
    """
    book = load_codebook() if codebook is None else codebook
    try:
        found = book.describer.admit(prints)
    except _core.CorruptResidentError as error:
        raise TemplateCorruptError(
            f"Packed fingerprint: {error}.", hint="Make it again from the stored template."
        ) from None
    return [(_descriptor(arrays, book), resident) for arrays, resident in found]


def prepare(
    template: FingerprintTemplate, codebook: Codebook | None = None, *, probed_lists: int | None = None
) -> DescriptorProbe:
    """Return a print as a probe.

    Parameters
    ----------
    template : FingerprintTemplate
    codebook : Codebook, optional
    probed_lists : int, optional
        1 or more: what each minutia looks into; all lists make the search exhaustive. By default
        `PROBED_LISTS`, or `WEAK_PROBED_LISTS`.

    Raises
    ------
    ArgumentError
        If `probed_lists` is below 1.
    """
    most = WEAK_PROBED_LISTS if probed_lists is None else probed_lists
    if most < 1:
        raise ArgumentError(f"prepare: expected at least one list, got {most}.")
    book = load_codebook() if codebook is None else codebook
    tables, bases, lists, places = book.describer.prepare(packed(template), min(most, book.lists))
    made = DescriptorProbe(tables, bases, lists, places, book.weights, book.id)
    if probed_lists is not None or made.weak:
        return made
    return replace(made, lists=np.ascontiguousarray(lists[:, :PROBED_LISTS]))


def neighbourhoods(template: FingerprintTemplate, codebook: Codebook) -> F32:
    """Return the projected neighbourhoods of the minutiae that have any, float32 (n, D), length 1."""
    return codebook.describer.neighbourhoods(packed(template))[0]


def features(template: FingerprintTemplate) -> F32:
    """Return the square roots of cylinder weights, float32 (m, F), each of length 1, or 0 where empty.

    All minutiae that a comparison uses, in their order.
    """
    return _core.fingerprint_features(packed(template))


def _descriptor(arrays: tuple[U16, U8, U8], book: Codebook) -> FingerprintDescriptor:
    for array in arrays:
        array.flags.writeable = False
    return FingerprintDescriptor(*arrays, book.id)
