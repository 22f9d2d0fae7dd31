"""The spine: from an eye to one picture of it, and where its parts lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from matcher.errors import ArgumentError
from matcher.types import U8

from ..fingerprint_synthesis.randomness import F32, checked_seed, smooth_field, stream
from .eye import Eye, generate_eye
from .kernels.paint import locate, read_sheet
from .lashes import lash_cover
from .lids import Opening, make_opening, paint_skin
from .reflections import reflection_cover
from .settings import HEIGHT, WIDTH, EyeSettings, draw_settings

Bools = npt.NDArray[np.bool_]

PUPIL_GREY = 22.0
"""Of the pupil: only light that the cornea and the camera scatter."""

PUPIL_EDGE = 0.012
"""Width of the soft edge between pupil and iris, limbus radii."""

LASH_GREY = 26.0

SCLERA_OVER_SKIN = 0.80
"""Grey of the sclera relative to the skin's."""

STRETCH = 0.35
"""How far the middle of the iris lags behind or runs ahead when the pupil widens: tissue does not stretch as
rubber does (Clark, Kulp, Herron & Ross 2013)."""

MEAN_DILATION = 0.4

LIGHT_SIZES = (0.06, 0.12, 0.25)
"""Distances of knots of the texture that belongs to one picture alone, limbus radii: as fine as fibres and
crypts, and coarser."""


@dataclass(frozen=True, slots=True, eq=False)
class EyeTruth:
    """Where the parts of a picture lie; pixels, origin at the top left pixel's centre.

    Attributes
    ----------
    limbus_y, limbus_x, limbus_radius : float
        The circle, before the look's foreshortening.
    pupil_y, pupil_x, pupil_radius : float
        The circle of the same area as the pupil.
    tilt : float
        Degrees, counter-clockwise as seen.
    opening : bool array (H, W)
        Where no lid covers the eyeball.
    iris : bool array (H, W)
        Where the iris shows: between pupil and limbus, no lid, lash or reflection before it.
    """

    limbus_y: float
    limbus_x: float
    limbus_radius: float
    pupil_y: float
    pupil_x: float
    pupil_radius: float
    tilt: float
    opening: Bools
    iris: Bools


def draw_eye(
    eye: Eye | int,
    sample_seed: int,
    *,
    difficulty: float | EyeSettings = 0.3,
    height: int = HEIGHT,
    width: int = WIDTH,
) -> tuple[U8, EyeTruth]:
    """Return one near-infrared picture of an eye.

    Parameters
    ----------
    eye : Eye or int
        The eye, or the seed that names it.
    sample_seed : int
        0 to 2**63 - 1; with the eye's seed it names the picture: the same gives the same bytes.
    difficulty : float or EyeSettings
        0 to 1 draws settings from the seed (see `settings.draw_settings`); settings are taken as they are.
    height, width : int
        Of the picture, pixels; settings bring their own.

    Returns
    -------
    pixels : uint8 array (H, W)
    truth : EyeTruth

    Raises
    ------
    ArgumentError
        For a seed, difficulty or size out of range.
    """
    eye = eye if isinstance(eye, Eye) else generate_eye(eye)
    key = (eye.seed, checked_seed("draw_eye: sample_seed", sample_seed))
    if isinstance(difficulty, EyeSettings):
        settings = difficulty
    else:
        settings = draw_settings(stream("eye settings", *key), difficulty, height, width)
    turn = _turn(settings)
    v, u = _plane(settings, turn)
    opening = make_opening(eye, settings)
    ball, radius, pupil = _eyeball(stream("eyeball", *key), eye, settings, opening, v, u)
    skin = paint_skin(stream("skin", *key), eye, settings, opening, v, u)
    open_share = _open_share(settings, opening, v, u)
    picture = skin + (ball - skin) * open_share
    lights = reflection_cover(stream("lights", *key), settings, opening, v, u)
    picture += (255.0 / max(settings.exposure, 0.5) - picture) * (lights * open_share)
    lashes = lash_cover(stream("lashes", *key), eye, settings, opening, turn)
    picture += (LASH_GREY - picture) * (lashes / np.float32(255.0))
    pixels = _camera(stream("camera", *key), settings, picture)
    visible = (radius > 0) & (radius < 1) & (open_share > 0.5) & (lashes < 96) & (lights < 0.3)
    return pixels, _truth(settings, turn, pupil, open_share > 0.5, visible)


def _turn(settings: EyeSettings) -> npt.NDArray[np.float64]:
    """Return the matrix from (v, u) in limbus radii to (y, x) in pixels; a tilt turns counter-clockwise."""
    c, s = np.cos(np.radians(settings.tilt)), np.sin(np.radians(settings.tilt))
    return settings.radius * np.array([[c, -s], [s, c]])


def _plane(settings: EyeSettings, turn: npt.NDArray[np.float64]) -> tuple[F32, F32]:
    """Return the place (v, u) of each pixel, limbus radii from the limbus's centre, lids upright."""
    back = np.linalg.inv(turn)
    center_y, center_x = settings.center
    y = (np.arange(settings.height) - center_y)[:, None]
    x = (np.arange(settings.width) - center_x)[None, :]
    v = np.ascontiguousarray(back[0, 0] * y + back[0, 1] * x, dtype=np.float32)
    return v, np.ascontiguousarray(back[1, 0] * y + back[1, 1] * x, dtype=np.float32)


def _eyeball(
    rng: np.random.Generator, eye: Eye, settings: EyeSettings, opening: Opening, v: F32, u: F32
) -> tuple[F32, F32, tuple[float, float, float]]:
    """Return the eyeball without lids (grey levels), r of the rubber sheet, and pupil (v, u, radius)."""
    flat_v = v / np.float32(np.cos(np.radians(settings.gaze_y)))
    flat_u = u / np.float32(np.cos(np.radians(settings.gaze_x)))
    aspect = np.sqrt(eye.pupil_aspect)
    # A wide pupil is more nearly concentric than a narrow one.
    toward = 1.0 - 0.5 * (settings.dilation - MEAN_DILATION)
    pupil = np.array(
        [
            eye.pupil_v * toward,
            eye.pupil_u * toward,
            settings.dilation / aspect,
            settings.dilation * aspect,
            eye.pupil_turn,
        ]
    )
    radius, angle, texture = (np.empty(v.shape, np.float32) for _ in range(3))
    locate(np.ascontiguousarray(flat_v), np.ascontiguousarray(flat_u), pupil, radius, angle)
    on_sheet = radius + np.float32(STRETCH * (settings.dilation - MEAN_DILATION)) * radius * (1.0 - radius)
    read_sheet(_sheet(eye, settings), on_sheet.astype(np.float32), angle, texture)
    iris = eye.tone + eye.contrast * (texture + settings.change * _light(rng, settings, v.shape))
    sclera = _sclera(rng, eye, settings, v, u)
    limbus = _step((np.sqrt(flat_v**2 + flat_u**2) - 1.0) / eye.limbus_width)
    edge = _step(radius * (1.0 - settings.dilation) / PUPIL_EDGE)
    ball = PUPIL_GREY + (iris + (sclera - iris) * limbus - PUPIL_GREY) * edge
    ball *= 1.0 - settings.shadow * np.exp(-np.clip(v - opening.upper_at(u), 0.0, None) / 0.3)
    ball *= 1.0 - 0.35 * np.exp(-np.clip(opening.lower_at(u) - v, 0.0, None) / 0.08)
    place = float(pupil[0]), float(pupil[1]), settings.dilation
    return np.asarray(ball, np.float32), radius, place


def _sheet(eye: Eye, settings: EyeSettings) -> F32:
    """Return the texture, smoothed to what the picture's pixels can show."""
    columns = eye.texture.shape[1] / (2.0 * np.pi * settings.radius * 0.7)
    rows = eye.texture.shape[0] / (settings.radius * (1.0 - settings.dilation))
    sheet = gaussian_filter1d(eye.texture, max(0.4 * rows, 0.01), axis=0, mode="nearest")
    smooth: F32 = gaussian_filter1d(sheet, max(0.4 * columns, 0.01), axis=1, mode="wrap")
    return np.ascontiguousarray(smooth, dtype=np.float32)


def _light(rng: np.random.Generator, settings: EyeSettings, shape: tuple[int, int]) -> F32:
    """Return what light adds to the texture in this picture alone, variance 1, float32 (H, W)."""
    total = sum(smooth_field(rng, shape, size * settings.radius) for size in LIGHT_SIZES)
    return np.asarray(total / np.sqrt(len(LIGHT_SIZES)), np.float32)


def _sclera(rng: np.random.Generator, eye: Eye, settings: EyeSettings, v: F32, u: F32) -> F32:
    """Return the white of the eye, darker where the ball turns away, grey levels, float32 (H, W)."""
    white = max(SCLERA_OVER_SKIN * eye.skin_tone, eye.tone + 25.0)
    away = np.clip((np.abs(u) - 1.0) / (eye.half_width - 1.0), 0.0, 1.2)
    field = smooth_field(rng, v.shape, 0.5 * settings.radius)
    caruncle = np.exp(-(((u - eye.nose * (eye.half_width - 0.15)) / 0.3) ** 2) - ((v - 0.3) / 0.3) ** 2)
    shade = (1.0 - 0.20 * away**2 + 0.03 * field) * (1.0 - 0.08 * caruncle)
    return np.asarray(white * shade, np.float32)


def _open_share(settings: EyeSettings, opening: Opening, v: F32, u: F32) -> F32:
    """Return how much of each pixel lies between the lids, 0 to 1."""
    upper, lower = opening.upper_at(u), opening.lower_at(u)
    inside = np.minimum(v - upper, lower - v) * settings.radius
    # Beyond the corners the lids touch: nothing is open there, however near their line.
    gap = np.clip((lower - upper) * settings.radius, 0.0, 1.0)
    return np.asarray(gap * np.clip(inside + np.float32(0.5), 0.0, 1.0), np.float32)


def _step(x: npt.NDArray[np.floating]) -> F32:
    return np.asarray(0.5 + 0.5 * np.tanh(np.clip(x, -20.0, 20.0)), np.float32)


def _camera(rng: np.random.Generator, settings: EyeSettings, picture: F32) -> U8:
    """Return what the camera makes of the light: vignette, exposure, blur, saturation, noise."""
    height, width = picture.shape
    y = (np.arange(height) / (height - 1) - 0.5)[:, None]
    x = (np.arange(width) / (width - 1) - 0.5)[None, :]
    slope = rng.normal(0.0, 0.12, 2)
    light = (1.0 - settings.vignette * 2.0 * (y**2 + x**2)) * (1.0 + slope[0] * y + slope[1] * x)
    seen = gaussian_filter((settings.exposure * picture * light).astype(np.float32), settings.blur)
    seen = np.minimum(seen, 250.0) + settings.noise * rng.standard_normal(seen.shape, dtype=np.float32)
    return np.asarray(np.clip(np.rint(seen), 0, 255), np.uint8)


def _truth(
    settings: EyeSettings,
    turn: npt.NDArray[np.float64],
    pupil: tuple[float, float, float],
    opening: Bools,
    iris: Bools,
) -> EyeTruth:
    center_y, center_x = settings.center
    squeeze = np.cos(np.radians([settings.gaze_y, settings.gaze_x]))
    pupil_y, pupil_x = turn @ (np.array(pupil[:2]) * squeeze) + np.array(settings.center)
    shrink = float(np.sqrt(squeeze.prod()))
    if settings.radius * shrink <= 0:
        raise ArgumentError("draw_eye: the look turns the iris out of sight.")
    return EyeTruth(
        limbus_y=center_y,
        limbus_x=center_x,
        limbus_radius=settings.radius * shrink,
        pupil_y=float(pupil_y),
        pupil_x=float(pupil_x),
        pupil_radius=pupil[2] * settings.radius * shrink,
        tilt=settings.tilt,
        opening=opening,
        iris=iris,
    )
