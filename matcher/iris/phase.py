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
    """What a code consists of: bands, their spread in rows, wavelengths in angular samples."""

    rows: int
    spread: float
    wavelengths: tuple[float, ...]

    @property
    def bits(self) -> int:
        """Bits an angle: a real and an imaginary part of each band and wavelength."""
        return 2 * self.rows * len(self.wavelengths)


FULL = Layout(p.CODE_ROWS, p.CODE_SPREAD, p.CODE_WAVELENGTHS)
SEARCH = Layout(p.SEARCH_ROWS, p.SEARCH_SPREAD, p.SEARCH_WAVELENGTHS)


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
    Log-Gabor filters have no response to a constant (Field 1987; Masek 2003). Bits whose filter lies to a
    large part on what is hidden, and the share CODE_FRAGILE of each filter's bits that lie nearest to
    flipping (Hollingsworth, Bowyer & Flynn, "The best bits in an iris code", TPAMI 2009), are not valid.
    """
    code, mask = _encode(sheet, FULL)
    search_code, search_mask = _encode(sheet, SEARCH)
    return PhaseCode(code, mask, search_code.astype(np.uint8), search_mask.astype(np.uint8))


def _encode(sheet: Sheet, layout: Layout) -> tuple[U64, U64]:
    levels = np.empty((layout.rows, ANGLES), np.float32)
    support = np.empty_like(levels)
    phase.bands(sheet.grey, sheet.visible, _band_weights(layout), levels, support)
    bits = np.empty((layout.bits, ANGLES), np.bool_)
    valid = np.empty_like(bits)
    response = np.empty((2, layout.rows, ANGLES), np.float32)
    covered = np.empty_like(levels)
    for number, wavelength in enumerate(layout.wavelengths):
        phase.respond(levels, support, *_filter(wavelength), response, covered)
        trusted = (covered > p.CODE_SUPPORT) & (support > p.CODE_BAND_SUPPORT)
        for part in range(2):
            first = (2 * number + part) * layout.rows
            place = slice(first, first + layout.rows)
            size = np.abs(response[part])
            least = np.quantile(size[trusted], p.CODE_FRAGILE) if trusted.any() else 0.0
            bits[place] = response[part] > 0
            valid[place] = trusted & (size >= least)
    code, mask = np.empty(ANGLES, np.uint64), np.empty(ANGLES, np.uint64)
    phase.pack(bits, valid, code, mask)
    return code, mask


@lru_cache(maxsize=8)
def _band_weights(layout: Layout) -> F32:
    """Return the weight of each row in each band, float32 (bands, rows)."""
    centres = (np.arange(layout.rows) + 0.5) * p.SHEET_ROWS / layout.rows
    away = (np.arange(p.SHEET_ROWS)[None, :] + 0.5 - centres[:, None]) / layout.spread
    weights = np.exp(-0.5 * away**2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


@lru_cache(maxsize=8)
def _filter(wavelength: float) -> tuple[F32, F32, F32]:
    """Return real part, imaginary part and envelope (of sum 1) of a log-Gabor filter over the angles."""
    frequency = np.fft.fftfreq(ANGLES)
    spectrum: npt.NDArray[np.float64] = np.zeros(ANGLES)
    positive = frequency > 0
    ratio = np.log(frequency[positive] * wavelength) / np.log(p.CODE_BANDWIDTH)
    spectrum[positive] = np.exp(-0.5 * ratio**2)
    wave = np.fft.ifft(spectrum)
    envelope = np.abs(wave)
    parts = (wave.real, wave.imag, envelope / envelope.sum())
    real, imaginary, seen = (np.asarray(part, np.float32) for part in parts)
    return real, imaginary, seen
