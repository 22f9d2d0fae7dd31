"""How a head is held, from the five points of its face and those of a mean head in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.face.geometry import F64

HEAD = np.array(
    [[-31.5, 0.0, 0.0], [31.5, 0.0, 0.0], [0.0, 36.6, -28.0], [-26.7, 66.8, -5.0], [26.7, 66.8, -5.0]]
)
"""The five points of a mean head, mm: x to the right of the picture, y down, z away from the camera. Across
and down, the median over pictures of many people and their mirror images (LFW, View 1 test), eyes 63 mm
apart; in depth, the tip of the nose 28 mm before the eyes."""

SMALL = 1e-9
"""Below it a length is none."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head is turned, degrees; 0 looks straight into the camera (ISO/IEC 39794-5: yaw, pitch, roll).

    Attributes
    ----------
    yaw : float
        Above 0 the nose points to the right of the picture.
    pitch : float
        Above 0 the nose points down.
    roll : float
        Above 0 the head leans clockwise as the picture shows it.
    """

    yaw: float
    pitch: float
    roll: float


def pose_of(points: F64) -> Pose:
    """Return the pose of a face.

    Parameters
    ----------
    points : float64 array (5, 2)
        As `matcher.face.detect` gives them, px.

    Notes
    -----
    Weak perspective: the 2 x 3 matrix that brings the mean head closest to the points, and the rotation
    closest to that matrix.
    LIMITATIONS: faces differ, and a long nose is taken for a turned head. Beyond 60 degrees the points are
    guesses.
    """
    head = HEAD - HEAD.mean(axis=0)
    seen = points - points.mean(axis=0)
    camera = seen.T @ head @ np.linalg.inv(head.T @ head)
    u, sizes, v = np.linalg.svd(camera, full_matrices=False)
    if sizes[0] < SMALL:
        return Pose(0.0, 0.0, 0.0)
    across, down = u @ v
    forward = np.cross(across, down)
    # The rotation is roll * pitch * yaw; its second column has no part of the yaw.
    roll = np.arctan2(-across[1], down[1])
    pitch = np.arcsin(np.clip(forward[1], -1.0, 1.0))
    level = np.cos(roll) * across + np.sin(roll) * down
    yaw = np.arctan2(-level[2], level[0])
    return Pose(*(float(np.degrees(angle)) for angle in (yaw, pitch, roll)))
