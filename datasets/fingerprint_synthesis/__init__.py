"""Synthetic fingerprints: seeded, in the manner of SFinGe, for where no real data may lie."""

from .classes import PROPORTION, FingerClass
from .finger import Finger, generate_finger, generate_subject
from .impression import generate_impression
from .orientation import Singularities
from .settings import Background, ImpressionSettings, draw_settings
from .slaps import SlapTruth, SyntheticSlap, generate_slap

__all__ = [
    "generate_finger",
    "generate_subject",
    "generate_impression",
    "draw_settings",
    "Finger",
    "FingerClass",
    "PROPORTION",
    "Singularities",
    "ImpressionSettings",
    "Background",
    "generate_slap",
    "SyntheticSlap",
    "SlapTruth",
]
