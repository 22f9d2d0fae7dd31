"""Random numbers whose streams are named by numbers: any person can be drawn without those before.

SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014), its state the
hash of the stream's name. A stream is a uint64 array (1,).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
SHIFT_30 = np.uint64(30)
SHIFT_27 = np.uint64(27)
SHIFT_31 = np.uint64(31)
SHIFT_11 = np.uint64(11)
UNIT = 2.0**-53


@njit(nogil=True, cache=True)
def mixed(word):
    """Return a word whose bits depend on all bits of `word`."""
    word = (word ^ (word >> SHIFT_30)) * FIRST
    word = (word ^ (word >> SHIFT_27)) * SECOND
    return word ^ (word >> SHIFT_31)


@njit(nogil=True, cache=True)
def joined(key, number):
    """Return the key of the branch `number` (int) of `key` (uint64)."""
    return mixed(key + GOLDEN * (np.uint64(number) + np.uint64(1)))


@njit(nogil=True, cache=True)
def uniform(state):
    """Return a number from 0 to below 1."""
    state[0] += GOLDEN
    return np.float64(mixed(state[0]) >> SHIFT_11) * UNIT


@njit(nogil=True, cache=True)
def between(state, low, high):
    """Return a number from `low` to below `high`."""
    return low + (high - low) * uniform(state)


@njit(nogil=True, cache=True)
def normal(state):
    """Return a normal deviate (Box & Muller; the second of each pair is not kept)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(state)))
    return radius * math.cos(2.0 * math.pi * uniform(state))


@njit(nogil=True, cache=True)
def poisson(state, mean):
    """Return a Poisson number of a mean below some hundreds (Knuth's product)."""
    bound = math.exp(-mean)
    product = uniform(state)
    count = 0
    while product > bound:
        product *= uniform(state)
        count += 1
    return count
