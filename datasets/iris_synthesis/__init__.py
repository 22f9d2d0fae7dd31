"""Synthetic near-infrared eye pictures: seeded, for tests and demonstrations where no real eye may lie."""

from .draw import EyeTruth, draw_eye
from .eye import Eye, generate_eye
from .settings import EyeSettings, draw_settings

__all__ = ["draw_eye", "generate_eye", "draw_settings", "Eye", "EyeSettings", "EyeTruth"]
