"""Types of the C++ core, one section a concept."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

# Fingerprint scoring (bind_fingerprint.cpp)

RESIDENT_MAGIC: Final[int]
RESIDENT_VERSION: Final[int]
RESIDENT_PLANES: Final[int]
RESIDENT_CELLS: Final[int]
RESIDENT_MINUTIAE: Final[int]
PACKED_MAGIC: Final[int]
PACKED_VERSION: Final[int]

class CorruptResidentError(ValueError): ...
class SimdError(RuntimeError): ...

def simd_level() -> str: ...
def fingerprint_expand(packed: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]: ...
def fingerprint_among(
    prints: Sequence[npt.NDArray[np.uint64]], share: float, least: float
) -> npt.NDArray[np.float32]: ...

class FingerprintProbe:
    def __init__(self, words: npt.NDArray[np.uint64]) -> None: ...
    @property
    def minutia_count(self) -> int: ...
    def compare(self, candidate: npt.NDArray[np.uint64]) -> tuple[float, float, float, float, int]: ...
    def paired(self, candidate: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]: ...
    def score_many(
        self,
        words: npt.NDArray[np.uint64],
        offsets: npt.NDArray[np.int64],
        rows: npt.NDArray[np.int64] | None,
        threads: int,
    ) -> npt.NDArray[np.float32]: ...

# Stored minutiae (bind_fingerprint_records.cpp)

def fingerprint_records(
    packed: bytes,
    count: int,
    x_bits: int,
    y_bits: int,
    direction_bits: int,
    kind_bits: int,
    quality_bits: int,
) -> tuple[
    npt.NDArray[np.int16],
    npt.NDArray[np.int16],
    npt.NDArray[np.uint8],
    npt.NDArray[np.uint8],
    npt.NDArray[np.uint8],
]: ...

# Search descriptors of fingerprints (bind_fingerprint_describe.cpp)

DESCRIBE_FEATURES: Final[int]

def fingerprint_features(packed: npt.NDArray[np.uint64]) -> npt.NDArray[np.float32]: ...

class Describer:
    def __init__(
        self,
        mean: npt.NDArray[np.float32],
        projection: npt.NDArray[np.float32],
        centres: npt.NDArray[np.float32],
        coarse: npt.NDArray[np.float32],
        scale: float,
    ) -> None: ...
    def neighbourhoods(
        self, packed: npt.NDArray[np.uint64]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]: ...
    def describe(
        self, packed: npt.NDArray[np.uint64]
    ) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]: ...
    def admit(
        self, packed: Sequence[npt.NDArray[np.uint64]]
    ) -> list[
        tuple[
            tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8], npt.NDArray[np.uint8]],
            npt.NDArray[np.uint64],
        ]
    ]: ...
    def prepare(
        self, packed: npt.NDArray[np.uint64], probed: int
    ) -> tuple[
        npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.uint8]
    ]: ...

# Fingerprint votes (bind_fingerprint_votes.cpp)

VOTE_CODE_BYTES: Final[int]
VOTE_SEGMENT_ROWS: Final[int]
VOTE_OVERREAD: Final[int]
VOTE_FACTOR_SHIFT: Final[int]
VOTE_MAX_VOTERS: Final[int]
VOTE_PLACE_UNIT: Final[int]
VOTE_PLACE_BYTES: Final[int]

def vote_lists(
    tables: npt.NDArray[np.uint8],
    bases: npt.NDArray[np.uint8],
    lists: npt.NDArray[np.int32],
    weights: npt.NDArray[np.uint8],
    codes: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.uint16],
    offsets: npt.NDArray[np.uint32],
    numbers: npt.NDArray[np.int32],
    minutiae: npt.NDArray[np.uint8],
    factors: npt.NDArray[np.uint16],
    out: npt.NDArray[np.uint16],
) -> None: ...
def vote_tail(
    tables: npt.NDArray[np.uint8],
    bases: npt.NDArray[np.uint8],
    lists: npt.NDArray[np.int32],
    weights: npt.NDArray[np.uint8],
    codes: npt.NDArray[np.uint8],
    places: npt.NDArray[np.uint16],
    rows: npt.NDArray[np.uint16],
    count: int,
    numbers: npt.NDArray[np.int32],
    minutiae: npt.NDArray[np.uint8],
    factors: npt.NDArray[np.uint16],
    out: npt.NDArray[np.uint16],
) -> None: ...
def support_lists(
    tables: npt.NDArray[np.uint8],
    bases: npt.NDArray[np.uint8],
    lists: npt.NDArray[np.int32],
    weights: npt.NDArray[np.uint8],
    probe_places: npt.NDArray[np.uint8],
    codes: npt.NDArray[np.uint8],
    places: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.uint16],
    offsets: npt.NDArray[np.uint32],
    numbers: npt.NDArray[np.int32],
    minutiae: npt.NDArray[np.uint8],
    factors: npt.NDArray[np.uint16],
    chosen: npt.NDArray[np.uint64],
    out: npt.NDArray[np.uint16],
) -> None: ...
def support_tail(
    tables: npt.NDArray[np.uint8],
    bases: npt.NDArray[np.uint8],
    lists: npt.NDArray[np.int32],
    weights: npt.NDArray[np.uint8],
    probe_places: npt.NDArray[np.uint8],
    codes: npt.NDArray[np.uint8],
    places: npt.NDArray[np.uint8],
    posting_lists: npt.NDArray[np.uint16],
    rows: npt.NDArray[np.uint16],
    count: int,
    numbers: npt.NDArray[np.int32],
    minutiae: npt.NDArray[np.uint8],
    factors: npt.NDArray[np.uint16],
    chosen: npt.NDArray[np.uint64],
    out: npt.NDArray[np.uint16],
) -> None: ...
def add_votes(
    votes: npt.NDArray[np.uint16],
    alive: npt.NDArray[np.bool_],
    allowed: npt.NDArray[np.uint64] | None,
    owners: npt.NDArray[np.int32] | None,
    totals: npt.NDArray[np.uint16],
) -> None: ...
def most_votes(
    totals: npt.NDArray[np.uint16], most: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint16]]: ...

# WSQ decoding (bind_wsq.cpp)

def wsq_header(data: bytes) -> tuple[int, int, float]: ...
def wsq_decode(data: bytes) -> npt.NDArray[np.uint8]: ...

# Rows of a search (bind_gallery.cpp)

def rows_of(
    encounters: npt.NDArray[np.int32],
    dead: npt.NDArray[np.bool_],
    asked: npt.NDArray[np.int32],
    owners: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]: ...
def passing_bits(
    allowed: npt.NDArray[np.bool_],
    position: npt.NDArray[np.uint8] | None,
    wanted_position: int,
    extractor: npt.NDArray[np.uint8] | None,
    wanted_extractor: int,
) -> tuple[npt.NDArray[np.uint64], int]: ...
def interpolate(
    values: npt.NDArray[np.float64], xs: npt.NDArray[np.float64], ys: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]: ...
def tally(
    owners: npt.NDArray[np.int32],
    scores: npt.NDArray[np.float64],
    cubes: npt.NDArray[np.float64],
    comparisons: npt.NDArray[np.int32],
    sums: npt.NDArray[np.float64],
    best: npt.NDArray[np.float64],
) -> None: ...

# Iris comparison (bind_iris.cpp)

IRIS_TURNS: Final[int]
IRIS_SEARCH_WORDS: Final[int]
IRIS_RESIDENT_WORDS: Final[int]
IRIS_MINIMUM_SHARE: Final[int]
IRIS_REMAINDERS: Final[tuple[int, int, int, int]]

class IrisProbe:
    def __init__(self, words: npt.NDArray[np.uint64]) -> None: ...
    def compare(self, candidate: npt.NDArray[np.uint64], full: bool) -> tuple[float, int, int, int]: ...
    def score_many(
        self,
        words: npt.NDArray[np.uint64],
        places: npt.NDArray[np.int64],
        full: bool,
        threads: int,
    ) -> npt.NDArray[np.float32]: ...

def iris_among(eyes: Sequence[npt.NDArray[np.uint64]]) -> npt.NDArray[np.float32]: ...
def iris_search(
    probes: npt.NDArray[np.uint64],
    records: npt.NDArray[np.uint64],
    bitmap: npt.NDArray[np.uint64] | None,
    begin: int,
    end: int,
    reach: int,
    least_raw: float,
    most: int,
    threads: int,
    strictness: Sequence[float] | None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32], tuple[int, int, int]]: ...
def iris_coarse_statistics(
    probes: npt.NDArray[np.uint64], records: npt.NDArray[np.uint64]
) -> npt.NDArray[np.float32]: ...
def read_sum(words: npt.NDArray[np.uint64]) -> int: ...

# Shares of three parties (bind_privacy.cpp)

def share_products16(
    rows: npt.NDArray[np.uint16], probes: npt.NDArray[np.uint16], places: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint16]: ...
def share_products32(
    rows: npt.NDArray[np.uint32], probes: npt.NDArray[np.uint32], places: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint32]: ...
def share_slice(values: npt.NDArray[np.uint16], width: int) -> npt.NDArray[np.uint64]: ...
def share_and(
    x0: npt.NDArray[np.uint64],
    x1: npt.NDArray[np.uint64],
    y0: npt.NDArray[np.uint64],
    y1: npt.NDArray[np.uint64],
    zero: npt.NDArray[np.uint64],
) -> npt.NDArray[np.uint64]: ...
def share_multiply_only(rounds: int) -> int: ...
