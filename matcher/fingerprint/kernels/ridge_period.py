"""Ridge period from the spectrum of the x-signature (Hong, Wan & Jain, TPAMI 1998, section 2.5).

The signature is the mean of the image along the ridge direction, as a function of the position across it.
Its spectrum, and not its peaks, gives the period: a broken or a doubled ridge moves a peak, not the maximum.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def signature_spectra(image, cosines, sines, mask, cell, half_length, half_width, window, waves, spectra):
    """Power of the x-signature at each frequency, for every cell of the mask.

    cosines, sines : float32 (rows, columns): of the ridge orientation (y down).
    half_length : px across the ridges; half_width : samples along, two px apart.
    window : float32 (2*half_length+1,).
    waves : float32 (2, F, 2*half_length+1), cosine and sine of F frequencies.
    spectra : float32 (rows, columns, F + 1): powers; the last entry is the signature's windowed variance.
    """
    height, width = image.shape
    rows, columns = mask.shape
    length = 2 * half_length + 1
    frequencies = waves.shape[1]
    signature = np.empty(length, np.float32)
    for row in range(rows):
        for column in range(columns):
            for f in range(frequencies + 1):
                spectra[row, column, f] = 0
            if not mask[row, column]:
                continue
            cy = np.float32(row * cell + cell // 2)
            cx = np.float32(column * cell + cell // 2)
            along_x, along_y = cosines[row, column], sines[row, column]
            mean = np.float32(0)
            for i in range(length):
                offset = np.float32(i - half_length)
                base_x = cx - along_y * offset + np.float32(0.5)
                base_y = cy + along_x * offset + np.float32(0.5)
                total = np.float32(0)
                count = 0
                for j in range(-half_width, half_width + 1):
                    x = int(np.floor(base_x + along_x * np.float32(2 * j)))
                    y = int(np.floor(base_y + along_y * np.float32(2 * j)))
                    if 0 <= x < width and 0 <= y < height:
                        total += image[y, x]
                        count += 1
                value = total / np.float32(max(count, 1))
                signature[i] = value
                mean += value * window[i]
            energy = np.float32(0)
            for i in range(length):
                signature[i] = (signature[i] - mean) * window[i]
                energy += signature[i] * signature[i]
            spectra[row, column, frequencies] = energy
            for f in range(frequencies):
                real = np.float32(0)
                imaginary = np.float32(0)
                for i in range(length):
                    real += signature[i] * waves[0, f, i]
                    imaginary += signature[i] * waves[1, f, i]
                spectra[row, column, f] = real * real + imaginary * imaginary
