"""Iris codes by the million, of random texture whose statistics were fitted to this encoder's own codes.

An eye is a Gaussian texture over 64 rows and 256 angles of the unwrapped iris, given by its spectrum: power
falls with angular frequency, and rows are alike over a distance that shrinks with it. Since the encoder's
bands and Gabor filters are linear, their responses are drawn directly, frequency by frequency, with the
covariance that the texture gives them; the bits are their signs, as the encoder takes them. So bits of
neighbouring angles, bands, wavelengths, and of the search and the full code of one eye, agree as real ones
do, and distances of different eyes spread, and fall over rotations, as real ones do.

A sample of an eye adds noise to the texture, turns it by any angle, hides what lids cover and masks the bits
that lie nearest to flipping. The same seed, eye and sample give the same code, whatever else is generated.

`tools/fit_iris_codes.py` fits the settings and says how well they hold (`iris_codes.json`).

LIMITATIONS: no lashes, no reflections, no dilation of the pupil; errors of segmentation, which make the worst
of real mates, do not occur. Every eye has the same texture statistics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft, special

from matcher.errors import ArgumentError
from matcher.iris import parameters as p
from matcher.iris.phase import gabor
from matcher.iris.types import ANGLES, IrisTemplate
from matcher.types import F32, U8

from .fingerprint_synthesis.randomness import checked_seed, stream
from .iris_codes_settings import IrisCodeSettings, fitted_settings

CHUNK = 256
"""Eyes drawn at once from one random stream; a range of eyes is cut out of whole chunks."""

FREQUENCIES = 96
"""Cycles a turn up to which texture is made: the finest filter passes a few per cent of its power above."""

MAX_TURN = 7.0
"""Largest rotation of a sample, angular steps: two of them lie within what is searched."""

EXTRACTOR = "synthetic-iris/1"
"""Extractor id of generated templates: they never compare with real ones."""

C64 = npt.NDArray[np.complex64]
Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """One of the two codes: its channels among all responses, its bands and wavelengths."""

    first: int
    rows: int
    reach: int
    spread: float
    wavelengths: tuple[float, ...]
    parts: tuple[str, ...]
    fragile: float

    def weights(self) -> npt.NDArray[np.float64]:
        """Return the weight of each sheet row in each band, float64 (bands, 64): as the encoder's."""
        centres = (np.arange(self.rows) + 0.5) * self.reach / self.rows
        away = (np.arange(p.SHEET_ROWS)[None, :] + 0.5 - centres[:, None]) / self.spread
        weights: npt.NDArray[np.float64] = np.exp(-0.5 * away**2)
        weights /= weights.sum(axis=1, keepdims=True)
        return weights

    @property
    def channels(self) -> slice:
        return slice(self.first, self.first + self.rows)


# The search code's bands come first: its part of the random numbers then does not depend on the full code's.
_SEARCH = _Layout(
    0, p.SEARCH_ROWS, p.SEARCH_REACH, p.SEARCH_SPREAD, p.SEARCH_WAVELENGTHS, p.SEARCH_PARTS, p.SEARCH_FRAGILE
)
_FULL = _Layout(
    p.SEARCH_ROWS, p.CODE_ROWS, p.CODE_REACH, p.CODE_SPREAD, p.CODE_WAVELENGTHS, p.CODE_PARTS, p.CODE_FRAGILE
)
_BANDS = _SEARCH.rows + _FULL.rows


class IrisCodes:
    """A population of eyes, numbered from 0; each has samples, numbered from 0.

    Parameters
    ----------
    seed : int
        Populations of different seeds share no eye.
    settings : IrisCodeSettings, optional
        Fitted to real codes if absent.
    """

    def __init__(self, seed: int, settings: IrisCodeSettings | None = None) -> None:
        self.seed = checked_seed("seed", seed)
        self.settings = settings or fitted_settings()

    def search_codes(
        self, first: int, count: int, sample: int = 0, *, noise: float | None = None
    ) -> tuple[U8, U8]:
        """Return search codes and masks of eyes `first` to `first + count - 1`.

        Parameters
        ----------
        first, count, sample : int
        noise : float, optional
            Share of noise of each of these samples, 0 to 1, instead of a random one.

        Returns
        -------
        codes, masks : uint8 array (count, 256)

        Raises
        ------
        ArgumentError
            If a number is out of range.
        """
        _check_numbers(first, count, sample, noise)
        codes, masks = np.empty((count, ANGLES), np.uint8), np.empty((count, ANGLES), np.uint8)
        for rows, (code, mask, _) in self._chunks(first, count, sample, noise, (_SEARCH,)):
            codes[rows], masks[rows] = code[0][:, :, 0], mask[0][:, :, 0]
        return codes, masks

    def templates(self, first: int, count: int, sample: int = 0) -> list[IrisTemplate]:
        """Return whole templates of eyes `first` to `first + count - 1`; their search codes are those of
        `search_codes`.

        Raises
        ------
        ArgumentError
            If a number is out of range.
        """
        _check_numbers(first, count, sample, None)
        made: list[IrisTemplate] = []
        for _, (code, mask, valid) in self._chunks(first, count, sample, None, (_SEARCH, _FULL)):
            for i in range(len(valid)):
                made.append(
                    IrisTemplate(
                        code=code[1][i].view(np.uint64).reshape(ANGLES),
                        mask=mask[1][i].view(np.uint64).reshape(ANGLES),
                        search_code=code[0][i, :, 0],
                        search_mask=mask[0][i, :, 0],
                        extractor=EXTRACTOR,
                        quality=round(100 * float(valid[i])),
                    )
                )
        return made

    def _chunks(
        self, first: int, count: int, sample: int, noise: float | None, layouts: tuple[_Layout, ...]
    ) -> Iterator[tuple[slice, Any]]:
        """Yield (rows of the answer, codes, masks, share of valid bits) chunk by chunk."""
        for chunk in range(first // CHUNK, -(-(first + count) // CHUNK)):
            begin, end = max(first, chunk * CHUNK), min(first + count, (chunk + 1) * CHUNK)
            within = slice(begin - chunk * CHUNK, end - chunk * CHUNK)
            codes, masks, valid = self._sample(chunk, sample, noise, layouts)
            made = [code[within] for code in codes], [mask[within] for mask in masks], valid[within]
            yield slice(begin - first, end - first), made

    def _sample(
        self, chunk: int, sample: int, noise: float | None, layouts: tuple[_Layout, ...]
    ) -> tuple[list[U8], list[U8], F32]:
        s = self.settings
        rng = stream("iris codes", self.seed, "sample", chunk, sample)
        share = np.exp(rng.normal(math.log(s.noise), s.noise_spread, CHUNK)).clip(0.0, 1.0)
        turn = rng.normal(0.0, s.turn, CHUNK).clip(-MAX_TURN, MAX_TURN)
        lids = self._lids(chunk, rng)
        if noise is not None:
            share[:] = noise
        bands = _BANDS if len(layouts) > 1 else _SEARCH.rows
        eye = _draw(self._texture, bands, "iris codes", self.seed, "eye", chunk)
        other = _draw(self._noise, bands, "iris codes", self.seed, "noise", chunk, sample)
        angle = turn[:, None] * (2 * np.pi / ANGLES) * np.arange(1, FREQUENCIES + 1)
        spectrum = eye * np.sqrt(1 - share)[:, None, None] * np.exp(1j * angle)[:, :, None]
        spectrum += other * np.sqrt(share)[:, None, None]
        codes, masks, valid = [], [], np.zeros(CHUNK, np.float32)
        for layout in layouts:
            code, mask = self._encode(layout, spectrum.astype(np.complex64), share, lids)
            codes.append(code)
            masks.append(mask)
            valid = np.bitwise_count(mask).mean(axis=(1, 2), dtype=np.float32) / 8
        return codes, masks, valid

    def _lids(self, chunk: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Return heights (2, CHUNK) of both lids: half of their variance belongs to the eye."""
        s = self.settings
        own = stream("iris codes", self.seed, "lids", chunk).standard_normal((2, CHUNK))
        both = (own + rng.standard_normal((2, CHUNK))) / math.sqrt(2)
        means, spreads = np.array([s.upper_lid, s.lower_lid]), np.array([s.upper_spread, s.lower_spread])
        return means[:, None] + spreads[:, None] * both

    def _encode(
        self, layout: _Layout, spectrum: C64, share: npt.NDArray[np.float64], lids: npt.NDArray[np.float64]
    ) -> tuple[U8, U8]:
        """Return codes and masks, uint8 (CHUNK, 256, bits / 8), of textures (CHUNK, frequencies, bands)."""
        trusted = self._trusted(layout, lids)
        bits, valid = [], []
        for wavelength in layout.wavelengths:
            for part in layout.parts:
                gain = _gain(wavelength, part)
                padded = np.zeros((CHUNK, layout.rows, ANGLES), np.complex64)
                channels = np.swapaxes(spectrum[:, :, layout.channels], 1, 2)
                padded[:, :, 1 : FREQUENCIES + 1] = channels * gain
                both = fft.ifft(padded, axis=2, norm="forward")
                response = both.imag if part == "odd" else both.real
                # The share of a normal variable that lies nearest to 0 is masked.
                power = share[:, None] * self._power(self._noise, gain, layout)
                power = power + (1 - share)[:, None] * self._power(self._texture, gain, layout)
                least = math.sqrt(2) * special.erfinv(layout.fragile) * np.sqrt(power)
                mask = trusted & (np.abs(response) > least[:, :, None].astype(np.float32))
                bits.append((response > 0) & mask)
                valid.append(mask)
        return _packed(bits), _packed(valid)

    def _trusted(self, layout: _Layout, lids: npt.NDArray[np.float64]) -> Bits:
        """Return which angles of which bands, bool (CHUNK, bands, 256), no lid hides."""
        s = self.settings
        out = np.ones((CHUNK, layout.rows, ANGLES), np.bool_)
        share = layout.reach / p.SHEET_ROWS * (np.arange(layout.rows) + 0.5) / layout.rows
        radius = s.pupil + (1 - s.pupil) * share
        steps = np.arange(ANGLES)
        for height, straight in ((lids[0], ANGLES // 4), (lids[1], 3 * ANGLES // 4)):
            # The arc above a horizontal edge: its half width at a radius.
            edge = np.clip(height[:, None] / radius, -1.0, 1.0)
            half = np.arccos(edge) * (ANGLES / (2 * np.pi))
            half = np.where(edge < 1.0, half + s.lid_margin, 0.0)
            away = np.abs((steps - straight + ANGLES // 2) % ANGLES - ANGLES // 2)
            out &= away >= half[:, :, None]
        return out

    def _power(self, factors: C64, gain: F32, layout: _Layout) -> npt.NDArray[np.float64]:
        """Return the variance of one part of each band's response, float64 (bands,)."""
        own = (np.abs(factors[:, layout.channels]) ** 2).sum(axis=2)
        # Normal numbers of variance 1 in the real and the imaginary part each.
        power: npt.NDArray[np.float64] = (own * gain[:, None] ** 2).sum(axis=0)
        return power

    @cached_property
    def _texture(self) -> C64:
        return self._factors(self.settings.power_fall)

    @cached_property
    def _noise(self) -> C64:
        s = self.settings
        made = self._factors(s.power_fall - s.noise_tilt)
        # Of the texture's power where the search code looks.
        gain = _gain(_SEARCH.wavelengths[0], _SEARCH.parts[0])
        ratio = self._power(self._texture, gain, _SEARCH).sum() / self._power(made, gain, _SEARCH).sum()
        return (made * math.sqrt(ratio)).astype(np.complex64)

    def _factors(self, fall: float) -> C64:
        """Return L (frequencies, bands, bands): L w is a spectrum's draw for normal w."""
        s = self.settings
        f = np.arange(1, FREQUENCIES + 1)
        weights = np.concatenate([_SEARCH.weights(), _FULL.weights()])
        away = np.abs(np.subtract.outer(np.arange(p.SHEET_ROWS), np.arange(p.SHEET_ROWS)))
        length = s.row_length + s.row_growth * 8.0 / f
        rows = np.exp(-away / length[:, None, None])
        covariance = weights @ rows @ weights.T
        # Of the smallest variance: bands are nearly dependent at low frequencies.
        covariance += 1e-6 * covariance.diagonal(0, 1, 2).min() * np.eye(_BANDS)
        power = (f / 16.0) ** -fall
        made = np.linalg.cholesky(covariance) * np.sqrt(power)[:, None, None]
        return made.astype(np.complex64)


def _check_numbers(first: int, count: int, sample: int, noise: float | None) -> None:
    for name, value in (("first", first), ("count", count), ("sample", sample)):
        checked_seed(name, value)
    if noise is not None and not 0.0 <= noise <= 1.0:
        raise ArgumentError(f"noise: expected a share from 0 to 1, got {noise}.")


def _draw(factors: C64, bands: int, *key: int | str) -> C64:
    """Return random spectra (CHUNK, frequencies, bands) of the first `bands` bands."""
    normal = np.empty((CHUNK, FREQUENCIES, bands), np.complex64)
    search = _SEARCH.rows
    normal[..., :search] = _normals(search, *key, "search")
    if bands > search:
        normal[..., search:] = _normals(bands - search, *key, "full")
    drawn: C64 = np.matmul(normal[:, :, None, :], np.swapaxes(factors[:, :bands, :bands], 1, 2))[:, :, 0]
    return drawn


def _normals(bands: int, *key: int | str) -> C64:
    shape = (CHUNK, FREQUENCIES, 2 * bands)
    return stream(*key).standard_normal(shape, dtype=np.float32).view(np.complex64)


@lru_cache(maxsize=8)
def _gain(wavelength: float, part: str) -> F32:
    """Return a part of the encoder's filter at the frequencies from 1 on."""
    even, odd = gabor(wavelength)
    # An even wave has a real transform, an odd one an imaginary one.
    found = fft.fft(even).real if part == "even" else -fft.fft(odd).imag
    return np.asarray(found[1 : FREQUENCIES + 1], np.float32)


def _packed(planes: list[Bits]) -> U8:
    """Return planes (CHUNK, bands, 256) as bytes (CHUNK, 256, bits / 8), the first bit lowest."""
    packed = np.packbits(np.concatenate(planes, axis=1), axis=1, bitorder="little")
    out: U8 = np.ascontiguousarray(np.swapaxes(packed, 1, 2))
    return out
