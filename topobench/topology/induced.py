"""The partners of two images' persistence pairs, compiled by numba; `barcodes` says what they are and why so found.

Pixels are sorted once (`_sort`), those of the prediction P, of the truth T and of their union C = max(P, T). From there
on only *ages* count: 1 for the pixel that enters first, 2 for the next. The border of the image enters before all of
them, at age 0, where there is a frame, and never where there is none. Backwards (`_turn`) it is the other way round.

1. `_mergers` shows such a film, in which components grow and meet. Each knows the eldest of its pixels by two orders of
   entry. Where some meet, only one elder of each order survives; the eldest of the dead of one order goes together with
   the eldest of the dead of the other, the second with the second.
2. Dimension 0: the film of C, with the orders of P and of T, says which components are partners.
3. Dimension 1: holes are components of the film that runs backwards. That of P, with the orders of P and of C, says
   which hole of C is P's, the film of T which is T's; two holes that have the same one are partners.

As in `kernels`, a pixel is its place in the image with a border one pixel wide, place 0 stands for the border, and the
links (see there) name one neighbour in each component around a pixel. All of it stands in one file because numba's
cache on disk notices changes of one file only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from topobench.topology.compiled import compiled

__all__ = ["Keys", "find_partners"]

U8, U32, U64 = np.uint8, np.uint32, np.uint64  # numba computes in int64 unless told otherwise
DIGIT = U64(11)  # bits that are sorted by at a time: three times for float32
NOBODY = U32(0xFFFFFFFF)
Array = NDArray[Any]


class Keys(NamedTuple):
    """The pairs of a batch, each by its pixel: that of birth for a component, that of death for a hole.

    No two pairs of one image and dimension have the same.
    """

    first: Array  # (B + 1,): of each image the index of its first pair, and after the last one
    dimension: Array
    pixel: Array  # -1 for the frame


class Film(NamedTuple):
    """An order of entry."""

    order: Array  # the place of each age; place 0, the border, at index 0
    age: Array  # of each place


class Mergers(NamedTuple):
    """Who dies together and where, by age in either order; last the two elders of all, at place 0."""

    first: Array
    second: Array
    place: Array


@compiled
def find_partners(
    images: Array, values: Array, bits: Array, links: Any, frame: bool, wanted: tuple[bool, bool],
    ours: Keys, theirs: Keys, partner: Array,
) -> None:  # fmt: skip
    """Write for each of our pairs the index of its partner among theirs, -1 for none.

    Parameters
    ----------
    images : float32 or float64 (2, B, H, W), C-contiguous
        Predictions and truths, without NaN.
    values, bits : (3, (H + 2) * (W + 2))
        Room for bordered images of that dtype; and the same memory as unsigned integers.
    links : (Links, Links)
        Tables for the structure and for its background.
    frame : bool
        Whether there is one.
    wanted : (bool, bool)
        Which dimensions are.
    ours, theirs : Keys
        Of the predictions' pairs and of the truths'.
    partner : int64
        Written to.
    """
    stride = images.shape[3] + 2
    mates, index = np.empty((2, values.shape[1]), U32), np.empty((2, values.shape[1]), np.int64)
    for number in range(images.shape[1]):
        _surround(images[0, number], images[1, number], values)
        p = _sort(values[0], bits[0], stride, frame)
        t = _sort(values[1], bits[1], stride, frame)
        c = _sort(values[2], bits[2], stride, frame)
        mates[...] = NOBODY
        if wanted[0]:
            _match_components(p, t, c, values, stride, links[0], mates[0])
        if wanted[1]:
            _match_holes(_turn(p), _turn(t), _turn(c), values, stride, links[1], mates[1])
        _look_up(number, ours, theirs, stride, mates, index, partner)


@compiled
def _surround(prediction: Array, truth: Array, values: Array) -> None:
    """Copy prediction, truth and their union into their borders, of which place 0 enters before every pixel."""
    height, width = prediction.shape
    values[:, 0] = np.inf
    for row in range(height):
        first = (row + 1) * (width + 2) + 1
        ours, theirs, both = values[0, first:], values[1, first:], values[2, first:]
        for column in range(width):
            ours[column], theirs[column] = prediction[row, column], truth[row, column]
            both[column] = max(prediction[row, column], truth[row, column])


@compiled
def _sort(values: Array, bits: Array, stride: int, frame: bool) -> Film:
    """Return the film of an image: the highest value first, among equals the first place."""
    width, height = stride - 2, values.size // stride - 2
    count = width * height
    keys, order = np.empty((2, count), bits.dtype), np.empty((2, count), U32)
    now = _radix_sort(bits, stride, keys, order)
    film = Film(np.empty(count + 1, U32), np.empty(values.size, U32))
    film.age[:] = U32(0 if frame else count + 1)
    film.order[0] = 0
    for age in range(count):
        film.order[age + 1] = order[now, age]
        film.age[order[now, age]] = age + 1
    return film


@compiled
def _radix_sort(bits: Array, stride: int, keys: Array, order: Array) -> Any:
    """Sort the places inside the border, stably, digit by digit; return which row of `order` holds them in the end."""
    size = U64(8 * bits.itemsize)
    digits = (size + DIGIT - U64(1)) // DIGIT
    counts = np.zeros((digits, U64(1) << DIGIT), U32)
    found = U64(0)
    for row in range(stride, bits.size - stride, stride):
        for place in range(row + 1, row + stride - 1):
            key = _key(U64(bits[place]), size - U64(1))
            keys[0, found], order[0, found] = key, place
            found += U64(1)
            for digit in range(digits):
                counts[digit, (key >> (DIGIT * digit)) & ((U64(1) << DIGIT) - U64(1))] += U32(1)
    now = 0
    for digit in range(digits):
        if not _is_shared(counts[digit], found):
            _scatter(keys[now], order[now], counts[digit], DIGIT * digit, keys[1 - now], order[1 - now])
            now = 1 - now
    return now


@compiled
def _key(bits: Any, sign: Any) -> Any:
    """Return a number that is the lesser the earlier a float of these bits enters; both zeros enter together."""
    one = U64(1)
    if bits >> sign == one:
        return bits if bits != one << sign else (one << sign) - one
    return ~bits & ((one << sign) - one)


@compiled
def _is_shared(counts: Array, total: Any) -> Any:
    """Return whether all keys have the same digit, so that there is nothing to sort by."""
    for count in counts:
        if count:
            return count == total
    return True


@compiled
def _scatter(keys: Array, order: Array, counts: Array, shift: Any, sorted_keys: Array, sorted_order: Array) -> None:
    """Sort keys and order by one digit of the keys, stably; `counts` holds how often each digit occurs."""
    before = U32(0)
    for digit in range(counts.size):
        counts[digit], before = before, before + counts[digit]
    for place in range(keys.size):
        digit = (U64(keys[place]) >> shift) & U64(counts.size - 1)
        to = U64(counts[digit])
        sorted_keys[to], sorted_order[to] = keys[place], order[place]
        counts[digit] += U32(1)


@compiled
def _turn(film: Film) -> Film:
    """Return the film run backwards; a border that entered first enters last, and the other way round."""
    turned = Film(np.empty_like(film.order), U32(film.order.size) - film.age)
    turned.order[0] = 0
    turned.order[1:] = film.order[:0:-1]
    return turned


@compiled
def _match_components(p: Film, t: Film, c: Film, values: Array, stride: int, links: Any, mates: Array) -> None:
    """Write to the places where components of P are born those where their partners are."""
    mergers = _mergers(c, p.age, t.age, stride, links)
    for k in range(mergers.place.size):
        ours, theirs, place = p.order[mergers.first[k]], t.order[mergers.second[k]], mergers.place[k]
        lives = values[0, ours] > values[2, place] and values[1, theirs] > values[2, place]
        if lives or place == U32(0):
            mates[ours] = theirs


@compiled
def _match_holes(p: Film, t: Film, c: Film, values: Array, stride: int, links: Any, mates: Array) -> None:
    """Write to the places where holes of P die those where their partners do; the films run backwards."""
    owner = np.full(mates.size, NOBODY)  # of a hole of C, named by where it dies: the hole of P
    mergers = _mergers(p, p.age, c.age, stride, links)
    for k in range(mergers.place.size):
        hole = c.order[mergers.second[k]]
        if values[2, hole] < values[0, mergers.place[k]]:
            owner[hole] = p.order[mergers.first[k]]
    mergers = _mergers(t, t.age, c.age, stride, links)
    for k in range(mergers.place.size):
        hole = c.order[mergers.second[k]]
        if values[2, hole] < values[1, mergers.place[k]] and owner[hole] != NOBODY:
            mates[owner[hole]] = t.order[mergers.first[k]]


@compiled
def _mergers(film: Film, first: Array, second: Array, stride: int, links: Any) -> Mergers:
    """Show a film; return who dies where components meet, by either of two ages of places."""
    earlier = _earlier(film.age, stride)
    parent = np.arange(earlier.size).astype(U32) * (film.age > U32(0))
    firsts, seconds = first.copy(), second.copy()  # of the tree of each root
    room = np.empty((3, film.order.size), U32)
    deaths = Mergers(room[0], room[1], room[2])
    used = U64(0)
    for k in range(1, film.order.size):
        place = U64(film.order[k])
        byte = earlier[place]
        if links.joins[byte] == U8(0):
            root = _root(parent, place + links.step[0, byte])  # itself where no neighbour is earlier
            parent[place] = root
        else:
            root, used = _meet(place, byte, links, parent, firsts, seconds, deaths, used)
        firsts[root], seconds[root] = min(firsts[root], first[place]), min(seconds[root], second[place])
    root = _root(parent, U64(film.order[film.order.size - 1]))
    deaths.first[used], deaths.second[used], deaths.place[used] = firsts[root], seconds[root], 0
    return Mergers(deaths.first[: used + 1], deaths.second[: used + 1], deaths.place[: used + 1])


@compiled
def _earlier(age: Array, stride: int) -> Array:
    """Return the byte of earlier neighbours of each place, bit k for neighbour k of the ring (see `links`)."""
    earlier = np.zeros(age.size, U8)
    first, count = stride + 1, age.size - 2 * stride - 2
    byte_of, here = earlier[first:], age[first:]
    north_west, north, north_east = age, age[1:], age[2:]
    west, east = age[stride:], age[stride + 2 :]
    south_west, south, south_east = age[2 * stride :], age[2 * stride + 1 :], age[2 * stride + 2 :]
    for place in range(count):
        byte_of[place] = (
            (U8(north[place] < here[place]) << U8(0))
            | (U8(north_east[place] < here[place]) << U8(1))
            | (U8(east[place] < here[place]) << U8(2))
            | (U8(south_east[place] < here[place]) << U8(3))
            | (U8(south[place] < here[place]) << U8(4))
            | (U8(south_west[place] < here[place]) << U8(5))
            | (U8(west[place] < here[place]) << U8(6))
            | (U8(north_west[place] < here[place]) << U8(7))
        )
    return earlier


@compiled
def _meet(
    place: Any, byte: Any, links: Any, parent: Array, firsts: Array, seconds: Array, deaths: Mergers, used: Any
) -> Any:
    """Let a pixel join the components around it; return their root, and how many deaths there are now."""
    steps, since = links.neighbour[0, byte], used
    root = _root(parent, place + steps[0])
    for turn in range(U64(1), U64(links.joins[byte]) + U64(1)):
        other = _root(parent, place + steps[turn])
        if other != root:
            _insert(deaths.first, since, used, max(firsts[root], firsts[other]))
            _insert(deaths.second, since, used, max(seconds[root], seconds[other]))
            firsts[root] = min(firsts[root], firsts[other])
            seconds[root] = min(seconds[root], seconds[other])
            deaths.place[used] = place
            used += U64(1)
            parent[other] = root
    parent[place] = root
    return root, used


@compiled
def _insert(ages: Array, first: Any, last: Any, age: Any) -> None:
    """Put an age among those from first to last, which ascend."""
    while last > first and ages[last - U64(1)] > age:
        ages[last] = ages[last - U64(1)]
        last -= U64(1)
    ages[last] = age


@compiled
def _root(parent: Array, place: Any) -> Any:
    """Return the root of a place's tree, and halve the path to it."""
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place


@compiled
def _look_up(number: int, ours: Keys, theirs: Keys, stride: int, mates: Array, index: Array, partner: Array) -> None:
    """Write for each of our pairs of one image the index of its partner, by where the two are born or die."""
    for pair in range(theirs.first[number], theirs.first[number + 1]):
        index[theirs.dimension[pair], _place(theirs.pixel[pair], stride)] = pair
    for pair in range(ours.first[number], ours.first[number + 1]):
        dimension = ours.dimension[pair]
        mate = mates[dimension, _place(ours.pixel[pair], stride)]
        partner[pair] = index[dimension, mate] if mate != NOBODY else -1


@compiled
def _place(pixel: Any, stride: int) -> Any:
    """Return the place of a pixel in the bordered image; that of the frame is 0."""
    return pixel + stride + 1 + 2 * (pixel // (stride - 2)) if pixel >= 0 else 0
