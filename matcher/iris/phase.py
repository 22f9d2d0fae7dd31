"""The phase code: signs of log-Gabor responses of radial bands, and which of them can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from matcher.iris import parameters as p
from matcher.iris.kernels import phase
from matcher.iris.sheet import Sheet
from matcher.iris.types import ANGLES
from matcher.types import F32, U8, U64


@dataclass(frozen=True, slots=True)
class Layout:
    """What a code consists of.

    Attributes
    ----------
    rows : int
        Radial bands.
    reach : int
        Rows of the sheet, from the pupil on, that the bands are spread over.
    spread : float
        Deviation of a band, rows of the sheet.
    wavelengths : tuple of float
        Of the filters, angular samples.
    parts : tuple of str
        Parts of each response that give a bit, "even" or "odd".
    fragile : float
        Share of the valid bits that is masked because they lie nearest to flipping.
    """

    rows: int
    reach: int
    spread: float
    wavelengths: tuple[float, ...]
    parts: tuple[str, ...]
    fragile: float

    @property
    def bits(self) -> int:
        """Bits an angle: one of each band, wavelength and part."""
        return self.rows * len(self.wavelengths) * len(self.parts)


FULL = Layout(p.CODE_ROWS, p.CODE_REACH, p.CODE_SPREAD, p.CODE_WAVELENGTHS, p.CODE_PARTS, p.CODE_FRAGILE)
SEARCH = Layout(
    p.SEARCH_ROWS, p.SEARCH_REACH, p.SEARCH_SPREAD, p.SEARCH_WAVELENGTHS, p.SEARCH_PARTS, p.SEARCH_FRAGILE
)


@dataclass(frozen=True, slots=True)
class PhaseCode:
    """Codes and masks as in `IrisTemplate`."""

    code: U64
    mask: U64
    search_code: U8
    search_mask: U8

    @property
    def valid(self) -> float:
        """Share of the full code's bits that are valid."""
        return float(np.bitwise_count(self.mask).sum()) / (FULL.bits * ANGLES)


def encode(sheet: Sheet) -> PhaseCode:
    """Encode the unwrapped iris.

    Notes
    -----
    The signs of both parts of Gabor filters' responses along the angle, the even part without its response to
    a constant (Daugman, "How iris recognition works", IEEE TCSVT 14(1), 2004). Bits whose filter lies to a
    large part on what is hidden are not valid, nor are those of each filter that lie nearest to flipping
    (Hollingsworth, Bowyer & Flynn, "The best bits in an iris code", TPAMI 2009).
    """
    texture = even_contrast(sheet)
    code, mask = _encode(texture, sheet, FULL)
    search_code, search_mask = _encode(texture, sheet, SEARCH)
    return PhaseCode(code, mask, search_code.astype(np.uint8), search_mask.astype(np.uint8))


def even_contrast(sheet: Sheet) -> F32:
    """Return the texture with local mean 0 and deviation 1 over what is visible: shades of lids go."""
    seen = sheet.visible.astype(np.float32)
    share = np.maximum(_local(seen), np.float32(p.EVEN_SUPPORT))
    flat = np.asarray((sheet.grey - _local(sheet.grey * seen) / share) * seen, np.float32)
    deviation = np.sqrt(np.maximum(_local(np.square(flat)), np.float32(0)) / share)
    return np.asarray(flat / np.maximum(deviation, np.float32(p.EVEN_FLOOR)), np.float32)


def _local(image: F32) -> F32:
    """Return means over a soft window: a box mean of a box mean."""
    first, second, scratch = np.empty_like(image), np.empty_like(image), np.empty_like(image)
    phase.box_means(image, p.EVEN_ROWS, p.EVEN_ANGLES, scratch, first)
    phase.box_means(first, p.EVEN_ROWS, p.EVEN_ANGLES, scratch, second)
    return second


def _encode(texture: F32, sheet: Sheet, layout: Layout) -> tuple[U64, U64]:
    levels = np.empty((layout.rows, ANGLES), np.float32)
    support = np.empty_like(levels)
    weights = _band_weights(layout)
    phase.bands(texture, sheet.visible, weights, np.float32(p.BAND_SUPPORT_LEAST), levels, support)
    bits = np.empty((layout.bits, ANGLES), np.bool_)
    valid = np.empty_like(bits)
    response, covered = np.empty_like(levels), np.empty_like(levels)
    place = 0
    for wavelength in layout.wavelengths:
        waves = dict(zip(("even", "odd"), gabor(wavelength), strict=True))
        for part in layout.parts:
            phase.respond(levels, support, waves[part], envelope(wavelength), response, covered)
            trusted = (covered > p.CODE_SUPPORT) & (support > p.CODE_BAND_SUPPORT)
            size = np.abs(response)
            least = np.quantile(size[trusted], layout.fragile) if trusted.any() else 0.0
            bits[place : place + layout.rows] = response > 0
            valid[place : place + layout.rows] = trusted & (size >= least)
            place += layout.rows
    code, mask = np.empty(ANGLES, np.uint64), np.empty(ANGLES, np.uint64)
    phase.pack(bits, valid, code, mask)
    return code, mask


@lru_cache(maxsize=8)
def _band_weights(layout: Layout) -> F32:
    """Return the weight of each row in each band, float32 (bands, rows)."""
    centres = (np.arange(layout.rows) + 0.5) * layout.reach / layout.rows
    away = (np.arange(p.SHEET_ROWS)[None, :] + 0.5 - centres[:, None]) / layout.spread
    weights = np.exp(-0.5 * away**2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


@lru_cache(maxsize=8)
def gabor(wavelength: float) -> tuple[F32, F32]:
    """Return the even and the odd part of a filter over the angles, centred at 0: float32 (256,)."""
    window = envelope(wavelength).astype(np.float64)
    turn = 2 * np.pi * _steps() / wavelength
    # Without what it would say of a constant.
    even = window * (np.cos(turn) - float((window * np.cos(turn)).sum()))
    return even.astype(np.float32), (window * np.sin(turn)).astype(np.float32)


@lru_cache(maxsize=8)
def envelope(wavelength: float) -> F32:
    """Return a filter's envelope, of sum 1: float32 (256,)."""
    window = np.exp(-0.5 * (_steps() / (p.CODE_ENVELOPE * wavelength)) ** 2)
    return np.asarray(window / window.sum(), np.float32)


def _steps() -> npt.NDArray[np.float64]:
    """Return the angles from 0, those beyond half a turn as negative ones: angular samples."""
    return np.asarray(np.fft.fftfreq(ANGLES) * ANGLES, np.float64)
