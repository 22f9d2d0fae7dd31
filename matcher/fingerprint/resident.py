"""The form that a fingerprint has in memory: what the scorer reads, made from the stored template.

Layout (`cpp/include/matcher/fingerprint_layout.h` is its one definition): a header word, then five planes of
one 64-bit word a minutia: 52 cylinder cells, and above them the minutia's position, direction and number.
8 + 40 n bytes for n minutiae, at most 128 of them.

Minutia Cylinder-Code, bit form (Cappelli, Ferrara & Maltoni, "Minutia Cylinder-Code: A New Representation and
Matching Technique for Fingerprint Recognition", TPAMI 2010). Around each minutia, in its own frame, stands a
cylinder of 8 x 8 cells (the 52 inside a circle of 70 px) by 5 sections of direction difference; a bit says
whether neighbours weigh enough there: over 0.3, where 1 is a neighbour at the very centre of the cell
(measured). Against the paper: no validity mask, because minutiae that came from an exchange record have no
image, and the mask gained nothing where there is one.

LIMITATIONS: minutiae alone; says nothing about where the print ends.
"""

from __future__ import annotations

from matcher.fingerprint.packed import expanded, packed
from matcher.types import U64, FingerprintTemplate


def resident(template: FingerprintTemplate) -> U64:
    """Return what the scorer reads of a template.

    Parameters
    ----------
    template : FingerprintTemplate
        From any extractor; types and qualities may be unknown.

    Returns
    -------
    uint64 array (W,)
        Self-contained, read-only; W = 1 + 5 n, n = min(number of minutiae, 128).
    """
    words = expanded(packed(template))
    words.flags.writeable = False
    return words
