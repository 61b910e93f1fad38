"""Pairs of pixels, counted by the weakest pixel of the best path between them, compiled by numba; `maximin` says more.

Pixels enter in a given order and are joined in a union-find. As two trees are joined at a pixel, the chain of the one
is hung on the chain of the other, and the link remembers when. In the end there is one chain, and the best path
between two pixels passes at its weakest the pixel of the latest link between them: so all pairs are counted along a
line. For each label its own pixels in the chain, and the latest link between each and the next one, are a shorter such
line.

All of it stands in one file, with a union-find of its own, because numba's cache on disk notices changes of one file
only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.topology.compiled import compiled

__all__ = ["count_pairs"]

I64 = np.int64
END = I64(-1)
Array = NDArray[Any]


@compiled
def count_pairs(orders: Array, labels: Array, reach: int, same: Array, other: Array) -> None:
    """Write to (B, H, W), zeros, the numbers of pairs of labelled pixels, by where their best path is weakest.

    `orders` (B, H * W) holds flat indices in order of their entry, `labels` (B, H, W) numbers from 1 on, 0 for no
    label; `reach` is 1 where diagonal neighbours are joined, else 0. A pixel with itself is a pair of the same label.
    """
    images, height, width = labels.shape
    following, latest = np.empty(height * width, I64), np.empty(height * width, I64)
    for number in range(images):
        order, label = orders[number], labels[number].ravel()
        ours, theirs = same[number].ravel(), other[number].ravel()
        head = _chain(order, label, height, width, reach, following, latest, theirs)
        _count_same(order, label, head, following, latest, ours)
        for pixel in range(label.size):
            theirs[pixel] -= ours[pixel]
            ours[pixel] += label[pixel] > 0


@compiled
def _chain(
    order: Array, label: Array, height: int, width: int, reach: int, following: Array, latest: Array, pairs: Array
) -> Any:
    """Join the pixels, write what follows each in the chain and when these two were linked; return the first one.

    All pairs of labelled pixels are counted on the way.
    """
    parent, weight = np.full(order.size, END), np.empty(order.size, I64)
    head, tail = np.empty(order.size, I64), np.empty(order.size, I64)
    for entry in range(order.size):
        pixel = order[entry]
        parent[pixel] = head[pixel] = tail[pixel] = pixel
        following[pixel] = END
        weight[pixel] = label[pixel] > 0
        row = pixel // width
        column = pixel - row * width
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                if down * right != 0 and reach == 0:
                    continue
                if not (0 <= row + down < height and 0 <= column + right < width):
                    continue
                neighbour = (row + down) * width + column + right
                if parent[neighbour] == END:
                    continue
                one, two = _root(parent, pixel), _root(parent, neighbour)
                if one != two:
                    pairs[pixel] += weight[one] * weight[two]
                    following[tail[one]], latest[tail[one]] = head[two], entry
                    _join(parent, weight, head, tail, one, two)
    return head[_root(parent, order[0])]


@compiled
def _join(parent: Array, weight: Array, head: Array, tail: Array, one: int, two: int) -> None:
    """Hang the tree of less weight under the other one; the chain of `two` comes behind that of `one`."""
    upper, lower = (one, two) if weight[one] >= weight[two] else (two, one)
    first, last = head[one], tail[two]
    parent[lower] = upper
    weight[upper] += weight[lower]
    head[upper], tail[upper] = first, last


@compiled
def _count_same(order: Array, label: Array, start: int, following: Array, latest: Array, pairs: Array) -> None:
    """Count the pairs of one label along the chain, at the pixel that entered at the latest link between them.

    `late` and `where` are a stack of links, each earlier than all before it, so that the latest since a place is found
    by bisection. Every label has a stack of its own, of which `below` leads from each group of its pixels to the one
    before: `gap` is the link between the two groups, and `size` the number of pixels in the one before.
    """
    count = label.max() + 1
    late, where, depth = np.empty(label.size, I64), np.empty(label.size, I64), 0
    seen, top, run = np.full(count, END), np.full(count, END), np.zeros(count, I64)
    gap, size, below = np.empty(label.size, I64), np.empty(label.size, I64), np.empty(label.size, I64)
    pixel, place = start, 0
    while pixel != END:
        own = label[pixel]
        if own > 0:
            if seen[own] != END:
                link = late[np.searchsorted(where[:depth], seen[own])]
                group = top[own]
                while group != END and gap[group] <= link:
                    pairs[order[gap[group]]] += size[group] * run[own]
                    run[own] += size[group]
                    group = below[group]
                gap[place], size[place], below[place] = link, run[own], group
                top[own] = place
            seen[own], run[own] = place, 1
        if following[pixel] != END:
            while depth > 0 and late[depth - 1] <= latest[pixel]:
                depth -= 1
            late[depth], where[depth] = latest[pixel], place
            depth += 1
        pixel, place = following[pixel], place + 1
    for own in range(1, count):
        group = top[own]
        while group != END:
            pairs[order[gap[group]]] += size[group] * run[own]
            run[own] += size[group]
            group = below[group]


@compiled
def _root(parent: Array, pixel: int) -> Any:
    """Return the root of a pixel's tree, and halve the path to it."""
    while parent[pixel] != pixel:
        parent[pixel] = parent[parent[pixel]]
        pixel = parent[pixel]
    return pixel
