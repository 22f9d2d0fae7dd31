"""The iris of a picture: where each pixel lies between pupil and limbus, and the texture there."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

STEPS = 6
"""Fixed-point steps from a pixel to its place on the rubber sheet; the circles are nearly concentric, and
four reach a thousandth of the radius."""

FAR = 1.5
"""Distance from the limbus's centre, limbus radii, beyond which nothing of the iris shows."""


@njit(nogil=True, cache=True)
def locate(
    v: npt.NDArray[np.float32],
    u: npt.NDArray[np.float32],
    pupil: npt.NDArray[np.float64],
    radius: npt.NDArray[np.float32],
    angle: npt.NDArray[np.float32],
) -> None:
    """Write where each place of the eye's plane lies on Daugman's rubber sheet.

    A point of the sheet is (1 - r) times the pupil's edge plus r times the limbus's, both at one angle.

    Parameters
    ----------
    v, u : float32 arrays (H, W)
        Down and to the right of the limbus's centre, in limbus radii: the limbus is the unit circle.
    pupil : float64 array (5,)
        Centre (v, u), semi-axes, and the first axis's angle from +u towards +v, radians.
    radius, angle : float32 arrays (H, W), written
        r: below 0 within the pupil, 0 to 1 on the iris, above 1 beyond; the angle, radians, -pi to pi, from
        +u towards +v. FAR from the iris they are 1.5 and 0.
    """
    center_v, center_u, semi_one, semi_two, turn = pupil
    for i in range(v.shape[0]):
        for j in range(v.shape[1]):
            if v[i, j] * v[i, j] + u[i, j] * u[i, j] > FAR * FAR:
                radius[i, j] = 1.5
                angle[i, j] = 0.0
                continue
            r = 0.5
            theta = 0.0
            for _ in range(STEPS):
                dv = v[i, j] - (1.0 - r) * center_v
                du = u[i, j] - (1.0 - r) * center_u
                theta = math.atan2(dv, du)
                c = math.cos(theta - turn)
                s = math.sin(theta - turn)
                edge = semi_one * semi_two / math.sqrt((semi_two * c) ** 2 + (semi_one * s) ** 2)
                r = (math.sqrt(dv * dv + du * du) - edge) / (1.0 - edge)
                # Far outside the centre's drift would not converge, and does not matter.
                r = min(max(r, -0.5), 1.5)
            radius[i, j] = r
            angle[i, j] = theta


@njit(nogil=True, cache=True)
def read_sheet(
    sheet: npt.NDArray[np.float32],
    radius: npt.NDArray[np.float32],
    angle: npt.NDArray[np.float32],
    texture: npt.NDArray[np.float32],
) -> None:
    """Write `sheet` (rows from pupil to limbus, columns a full turn) at (radius, angle), bilinear, (H, W)."""
    rows, columns = sheet.shape
    for i in range(radius.shape[0]):
        for j in range(radius.shape[1]):
            y = min(max(radius[i, j], 0.0), 1.0) * (rows - 1)
            x = angle[i, j] * (columns / (2.0 * math.pi))
            y0 = min(int(y), rows - 2)
            x0 = math.floor(x)
            ty = y - y0
            tx = x - x0
            left = x0 % columns
            right = (x0 + 1) % columns
            top = sheet[y0, left] * (1.0 - tx) + sheet[y0, right] * tx
            low = sheet[y0 + 1, left] * (1.0 - tx) + sheet[y0 + 1, right] * tx
            texture[i, j] = top * (1.0 - ty) + low * ty
