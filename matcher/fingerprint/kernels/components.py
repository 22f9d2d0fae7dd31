"""Connected components: removal of small spots, and filling of small holes."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def remove_small(image, value, limit, eight):
    """Flip every connected component of `value` with fewer than `limit` pixels, in place.

    image : uint8 (H, W) of 0 and 1. eight : whether diagonal neighbours connect. Components that touch the
    image border are kept, as they may go on outside.
    """
    height, width = image.shape
    seen = np.zeros((height, width), np.bool_)
    stack = np.empty(height * width, np.int32)
    for start_y in range(height):
        for start_x in range(width):
            if seen[start_y, start_x] or image[start_y, start_x] != value:
                continue
            seen[start_y, start_x] = True
            stack[0] = start_y * width + start_x
            filled = 1
            read = 0
            touches = False
            while read < filled:
                y, x = divmod(stack[read], width)
                read += 1
                if y == 0 or x == 0 or y == height - 1 or x == width - 1:
                    touches = True
                for dy in range(-1, 2):
                    for dx in range(-1, 2):
                        if not eight and dy != 0 and dx != 0:
                            continue
                        ny = y + dy
                        nx = x + dx
                        if (
                            0 <= ny < height
                            and 0 <= nx < width
                            and not seen[ny, nx]
                            and image[ny, nx] == value
                        ):
                            seen[ny, nx] = True
                            stack[filled] = ny * width + nx
                            filled += 1
            if filled < limit and not touches:
                for i in range(filled):
                    y, x = divmod(stack[i], width)
                    image[y, x] = 1 - value
