"""The persistence kernel: both dimensions with all pixels in one go, compiled by numba, one image after another.

Pixels enter from the highest value to the lowest, the first in row-major order first among equals. So each pixel
enters strictly before or after each of its neighbours, and the byte that says which (see `links`) tells critical
pixels from regular ones. Only the critical ones, less than one in ten of a smooth image, are looked at again:

1. `_surround` copies the image into a border one pixel wide. From there on a pixel is its *place*, its index in the
   bordered image; place 0, a corner of the border, stands for "no pixel".
2. `_compare`, `_frame_border`, `_gather` and `_close_border` find the byte of every pixel, and whether it is critical,
   over whole images in loops without branches, which become vector instructions.
3. `_criticals` and `_kinds` list peaks, pits and saddles; `_edges` makes of each saddle the pairs it brings together.
4. Dimension 0: `_arrive` lets each end of an edge climb to a peak, and `_merge` joins the two in a union-find over
   the peaks, in the order in which the saddles enter. By the elder rule the peak that entered later dies.
5. Dimension 1: an edge that joined nothing closed a hole. By duality, holes are the components of what has not entered
   yet, joined as the film runs backwards: `_arrive` and `_merge` again, with pits for peaks and down for up. What lies
   outside the image, or outside its frame, is the elder of all.

All of it stands in one file because numba's cache on disk notices changes of one file only.

References
----------
Edelsbrunner and Harer, *Computational Topology*, 2010, chapter VII (elder rule); Banchoff, "Critical points and
curvature for embedded polyhedral surfaces", 1970, doi:10.2307/2317380 (the link tells critical points); Garin et al.,
"Duality in persistent homology of images", 2020, arXiv:2005.04597.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from topobench.topology.compiled import compiled
from topobench.topology.links import PEAK, PIT, SADDLE

__all__ = ["persistence"]

U8, U32, U64 = np.uint8, np.uint32, np.uint64  # numba computes in int64 unless told otherwise
EAST, SOUTH_EAST, SOUTH, SOUTH_WEST = U8(1 << 2), U8(1 << 3), U8(1 << 4), U8(1 << 5)
AHEAD = U8(0b00111100)  # all four of them
SIDES = U8(0b01010101)  # north, east, south and west
STEPS = 4  # of a walker before it is asked whether it has arrived
GENEROUS = 2**20  # pairs for which room is made ahead of need; untouched, it takes no memory
ROUNDS = 16  # of so many steps that walkers walk abreast
Array = NDArray[Any]


class Forest(NamedTuple):
    """A union-find over peaks or pits. Node 0 is the frame or what lies outside: at place 0, the elder of all."""

    place: Array  # of each node
    parent: Array
    height: Array  # the higher is the elder, among equals the one of lesser number


class Origin(NamedTuple):
    """Where pairs come from: the image's index, the dimension, places a row, whether there is a frame."""

    image: int
    dimension: int
    stride: int
    frame: bool


class Pairs(NamedTuple):
    """Room for pairs: `numbers` (4, N) = image, dimension, birth pixel, death pixel; `values` (2, N) = birth, death."""

    numbers: Array
    values: Array


@compiled
def persistence(
    images: Array, values: Array, bits: Array, links: Any, flip: Any, frame: bool, wanted: tuple[bool, bool]
) -> Any:
    """Return the persistence pairs of images.

    Parameters
    ----------
    images : float32 or float64 (B, H, W), C-contiguous
    values, bits : ((H + 2) * (W + 2),)
        Room for one bordered image, of the images' dtype; and the same memory as unsigned integers.
    links : Links
        Tables for the connectivity and rows W + 2 places apart.
    flip : uint8
        0 for connectivity 8, 255 for 4.
    frame : bool
        Whether there is one.
    wanted : (bool, bool)
        Which dimensions are.

    Returns
    -------
    numbers : int64 (4, N)
        Image, dimension, birth pixel and death pixel of each pair.
    values : float64 (2, N)
        Birth and death.
    clean : bool
        False if an image holds NaN; then the pairs are of those before it.
    """
    stride = images.shape[2] + 2
    masks = np.zeros(values.size, U8), np.zeros(values.size, U8), np.zeros(values.size, U8)
    room, node_at = np.empty(values.size + 8, U32), np.zeros(values.size, U32)
    pairs, used = Pairs(np.empty((4, 0), np.int64), np.empty((2, 0), np.float64)), np.int64(0)
    for number in range(len(images)):
        if not _surround(images[number], values):
            return pairs.numbers[:, :used], pairs.values[:, :used], False
        earlier, peaks, pits, edges, turns = _survey(values, stride, flip, frame, links, masks, room)
        pairs = _with_room(pairs, used, edges.size + 2, len(images) - number)  # an edge joins in one dimension only
        waiting = _order_of_entry(edges, bits)
        for dimension in range(2):
            if dimension == 1:
                waiting = _reversed(waiting)
            if wanted[dimension]:
                forest = _forest((peaks, pits)[dimension], values, dimension == 0, node_at)
                ends = _ends(edges, turns, earlier, links.neighbour[dimension])
                _arrive(ends, waiting, earlier, links.step[dimension], node_at)
                joined, lost, waiting = _merge(waiting, ends, forest)
                origin = Origin(number, dimension, stride, frame)
                used = _record(pairs, used, origin, edges, joined, lost, forest, values)
    pairs = _trimmed(pairs, used)
    return pairs.numbers[:, :used], pairs.values[:, :used], True


@compiled
def _survey(values: Array, stride: int, flip: Any, frame: bool, links: Any, masks: Any, room: Array) -> Any:
    """Return the byte of each place, the peaks, the pits, and the edges with their turns."""
    later, earlier, critical = masks
    _compare(values, stride, later)
    _frame_border(later, stride, frame)
    _gather(later, stride, flip, earlier, critical)
    _close_border(earlier, critical, stride, frame)
    peaks, pits, saddles = _kinds(_criticals(critical, room), earlier, links.kind)
    edges, turns = _edges(saddles, earlier, links.joins)
    return earlier, peaks, pits, edges, turns


@compiled
def _surround(image: Array, values: Array) -> Any:
    """Copy an image into its border; return whether it is free of NaN."""
    height, width = image.shape
    nans = U64(0)
    for row in range(height):
        line = values[(row + 1) * (width + 2) + 1 :][:width]
        for column in range(width):
            value = image[row, column]
            line[column] = value
            nans += U64(value != value)
    return nans == U64(0)


@compiled
def _compare(values: Array, stride: int, later: Array) -> None:
    """Write for each place which of the four neighbours after it in memory enter before it: those strictly higher."""
    count = values.size - stride - 1
    here, east, south_west = values[:count], values[1:], values[stride - 1 :]
    south, south_east = values[stride:], values[stride + 1 :]
    for place in range(count):
        value = here[place]
        later[place] = (
            (U8(east[place] > value) * EAST)
            | (U8(south_east[place] > value) * SOUTH_EAST)
            | (U8(south[place] > value) * SOUTH)
            | (U8(south_west[place] > value) * SOUTH_WEST)
        )


@compiled
def _frame_border(later: Array, stride: int, frame: bool) -> None:
    """Make the border enter before every pixel (a frame) or after all, whatever values it holds."""
    last = later.size - 2 * stride
    seen = AHEAD if frame else U8(0)  # how a pixel sees the border
    for place in range(stride):
        later[place] = ~seen
        later[last + place] = (later[last + place] & EAST) | (seen & ~EAST)
    for place in range(stride, last + stride, stride):
        later[place] = later[place + stride - 1] = ~seen
        later[place + 1] = (later[place + 1] & ~SOUTH_WEST) | (seen & SOUTH_WEST)
        later[place + stride - 2] = (later[place + stride - 2] & ~(EAST | SOUTH_EAST)) | (seen & (EAST | SOUTH_EAST))


@compiled
def _gather(later: Array, stride: int, flip: Any, earlier: Array, critical: Array) -> None:
    """Write for each pixel the byte of its earlier neighbours, and whether it is critical.

    A neighbour before it in memory is earlier unless the pixel is earlier as seen from there. The 8-connected
    components of a link are as many as its absent sides that are followed by one of the next two (Hilditch 1969), with
    none both where all sides are there and where nothing is; a pixel is regular if there is one. The 4-connected
    components are those of the complement under 8, hence `flip`.
    """
    first, count = stride + 1, later.size - 2 * stride - 2
    here, west, north_west = later[first:], later[first - 1 :], later[first - stride - 1 :]
    north, north_east = later[first - stride :], later[first - stride + 1 :]
    byte_of, is_critical = earlier[first:], critical[first:]
    for place in range(count):
        byte = U8(
            here[place]
            | (~west[place] & EAST) << U8(4)
            | (~north_west[place] & SOUTH_EAST) << U8(4)
            | (~north[place] & SOUTH) >> U8(4)
            | (~north_east[place] & SOUTH_WEST) >> U8(4)
        )
        byte_of[place] = byte
        link = U8(byte ^ flip)
        followed = U8(link >> U8(1) | link << U8(7)) | U8(link >> U8(2) | link << U8(6))
        starts = U8(~link & followed & SIDES)
        is_critical[place] = U8(starts == U8(0)) | U8((starts & U8(starts - U8(1))) != U8(0))


@compiled
def _close_border(earlier: Array, critical: Array, stride: int, frame: bool) -> None:
    """Let walks end at the border, and let none of it be critical."""
    last = earlier.size - stride
    byte = U8(0) if frame else U8(0xFF)  # no way up, no way down
    for place in range(stride):
        earlier[place] = earlier[last + place] = byte
    for place in range(stride, last, stride):
        earlier[place] = earlier[place + stride - 1] = byte
        critical[place] = critical[place + stride - 1] = U8(0)


@compiled
def _criticals(critical: Array, room: Array) -> Array:
    """Return the critical places, ascending: eight at a time, for most eights have none."""
    eights = critical[: critical.size // 8 * 8].view(U64)
    found = U64(0)
    some = np.empty(eights.size + 1, U32)
    count = U64(0)
    for eight in range(eights.size):
        some[count] = eight
        count += U64(eights[eight] != U64(0))
    for k in range(count):
        first = U64(8) * U64(some[k])
        for place in range(first, first + U64(8)):
            room[found] = place
            found += U64(critical[place])
    for place in range(U64(8 * eights.size), U64(critical.size)):
        room[found] = place
        found += U64(critical[place])
    return room[:found]


@compiled
def _kinds(places: Array, earlier: Array, kind: Array) -> Any:
    """Return peaks, pits and saddles among the critical places."""
    lists = np.empty((3, places.size + 1), U32)
    peaks, pits, saddles = U64(0), U64(0), U64(0)
    for place in places:
        what = kind[earlier[U64(place)]]
        lists[0, peaks] = lists[1, pits] = lists[2, saddles] = place
        peaks += U64(what == PEAK)
        pits += U64(what == PIT)
        saddles += U64(what == SADDLE)
    return lists[0, :peaks], lists[1, :pits], lists[2, :saddles]


@compiled
def _edges(saddles: Array, earlier: Array, joins: Array) -> Any:
    """Return edges: a saddle of k components brings together the first and the second, the second and the third ..."""
    edges, turns = np.empty(3 * saddles.size, U32), np.empty(3 * saddles.size, U8)
    count = U64(0)
    for saddle in saddles:
        for turn in range(U64(3)):
            edges[count + turn], turns[count + turn] = saddle, turn
        count += U64(joins[earlier[U64(saddle)]])
    return edges[:count], turns[:count]


@compiled
def _order_of_entry(edges: Array, bits: Array) -> Any:
    """Return the numbers of the edges in the order in which their saddles enter: a stable radix sort, byte by byte."""
    digits = bits.itemsize
    keys, order = np.empty((2, edges.size), U64), np.empty((2, edges.size), U32)
    counts = np.zeros((digits, 256), U32)
    for edge in range(edges.size):
        key = _key(U64(bits[edges[edge]]), U64(8 * digits - 1))
        keys[0, edge], order[0, edge] = key, edge
        for digit in range(digits):
            counts[digit, (key >> U64(8 * digit)) & U64(255)] += U32(1)
    now = 0
    for digit in range(digits):
        if not _is_shared(counts[digit], edges.size):
            _scatter(keys[now], order[now], counts[digit], U64(8 * digit), keys[1 - now], order[1 - now])
            now = 1 - now
    return order[now]


@compiled
def _key(bits: Any, sign: Any) -> Any:
    """Return a number that is the lesser the earlier a float of these bits enters; both zeros enter together."""
    one = U64(1)
    if bits >> sign == one:
        return bits if bits != one << sign else (one << sign) - one
    return ~bits & ((one << sign) - one)


@compiled
def _is_shared(counts: Array, total: int) -> Any:
    """Return whether all keys have the same digit, so that there is nothing to sort by."""
    for count in counts:
        if count:
            return count == total
    return True


@compiled
def _scatter(keys: Array, order: Array, counts: Array, shift: Any, sorted_keys: Array, sorted_order: Array) -> None:
    """Sort keys and order by one digit of the keys, stably; `counts` holds how often each digit occurs."""
    before = U32(0)
    for digit in range(256):
        counts[digit], before = before, before + counts[digit]
    for place in range(keys.size):
        digit = (keys[place] >> shift) & U64(255)
        sorted_keys[counts[digit]], sorted_order[counts[digit]] = keys[place], order[place]
        counts[digit] += U32(1)


@compiled
def _forest(extrema: Array, values: Array, up: bool, node_at: Array) -> Forest:
    """Return a forest of single trees over the extrema, the earliest place first if `up`, else the last place first."""
    count = extrema.size + 1
    forest = Forest(np.zeros(count, U32), np.arange(count).astype(U32), np.empty(count, values.dtype))
    forest.height[0] = np.inf
    for node in range(1, count):
        place = extrema[node - 1] if up else extrema[count - 1 - node]
        forest.place[node] = place
        forest.height[node] = values[place] if up else -values[place]
        node_at[place] = node
    return forest


@compiled
def _ends(edges: Array, turns: Array, earlier: Array, neighbours: Array) -> Array:
    """Return the places of two neighbours of each saddle, one in each of the components that its edge joins."""
    ends = np.empty(2 * edges.size, U32)
    for edge in range(edges.size):
        place, turn = U64(edges[edge]), U64(turns[edge])
        steps = neighbours[earlier[place]]
        ends[2 * edge] = place + steps[turn]
        ends[2 * edge + 1] = place + steps[turn + U64(1)]
    return ends


@compiled
def _arrive(ends: Array, waiting: Array, earlier: Array, step: Array, node_at: Array) -> None:
    """Let the ends of the waiting edges walk until there is no step any more; then write the node there.

    All walk abreast, some steps at a time, so that the processor has many independent loads under way. In a natural
    image all arrive after a few rounds; those who do not are on a long way, which many of them may share.
    """
    walkers, walking = np.empty(2 * waiting.size + 1, U32), U64(0)
    awaited = np.zeros(ends.size // 2, np.bool_)
    for edge in waiting:
        awaited[edge] = True
    for end in range(U64(ends.size)):  # in the order of places, so that neighbours in memory walk together
        walkers[walking] = end
        walking += U64(awaited[end >> U64(1)])
    everyone = walkers[:walking].copy()
    for _ in range(ROUNDS):
        still = U64(0)
        for walker in range(walking):
            end = walkers[walker]
            place = U64(ends[end])
            for _ in range(STEPS):
                place += step[earlier[place]]
            ends[end] = place
            walkers[still] = end
            still += U64(step[earlier[place]] != U64(0))
        walking = still
        if walking == U64(0):
            break
    else:
        _follow_trails(walkers[:walking], ends, earlier, step)
    for end in everyone:
        ends[end] = node_at[ends[end]]


@compiled
def _follow_trails(walkers: Array, ends: Array, earlier: Array, step: Array) -> None:
    """Let walkers walk to the end one by one, each leaving a trail of where its way ends, for the next to follow."""
    goals = np.zeros(earlier.size, U32)  # one more than where the way from a place ends, 0 where nobody came by yet
    for walker in walkers:
        place = U64(ends[walker])
        while goals[place] == U32(0) and step[earlier[place]] != U64(0):
            place += step[earlier[place]]
        goal = goals[place] if goals[place] else U32(place + U64(1))
        place, ends[walker] = U64(ends[walker]), goal - U32(1)
        while goals[place] == U32(0):
            goals[place] = goal
            place += step[earlier[place]]


@compiled
def _root(parent: Array, node: Any) -> Any:
    """Return the root of a node's tree, and halve the path to it."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@compiled
def _merge(waiting: Array, ends: Array, forest: Forest) -> Any:
    """Join the ends of edges in turn.

    Returns the edges that joined two trees; the younger root of the two, which ends there; the edges that joined
    nothing.
    """
    parent, height = forest.parent, forest.height
    joined, lost, idle = np.empty(waiting.size, U32), np.empty(waiting.size, U32), np.empty(waiting.size, U32)
    joins, idles = U64(0), U64(0)
    for edge in waiting:
        elder, younger = _root(parent, ends[2 * U64(edge)]), _root(parent, ends[2 * U64(edge) + U64(1)])
        if elder == younger:
            idle[idles] = edge
            idles += U64(1)
            continue
        if height[elder] < height[younger] or (height[elder] == height[younger] and elder > younger):
            elder, younger = younger, elder
        parent[younger] = elder
        joined[joins], lost[joins] = edge, younger
        joins += U64(1)
    return joined[:joins], lost[:joins], idle[:idles]


@compiled
def _reversed(numbers: Array) -> Array:
    """Return the numbers from last to first."""
    turned = np.empty_like(numbers)
    for k in range(numbers.size):
        turned[k] = numbers[numbers.size - 1 - k]
    return turned


@compiled
def _with_room(pairs: Pairs, used: int, more: int, images: int) -> Any:
    """Return pairs with room for `more`, and for as many an image from then on, within GENEROUS or twice the need."""
    needed = used + more
    if needed <= pairs.values.shape[1]:
        return pairs
    return _moved(pairs, used, needed + min(more * (images - 1), max(needed, GENEROUS)))


@compiled
def _trimmed(pairs: Pairs, used: int) -> Pairs:
    """Return the pairs, moved where they would hold on to more than twice their memory."""
    return _moved(pairs, used, used) if 2 * used < pairs.values.shape[1] else pairs


@compiled
def _moved(pairs: Pairs, used: int, room: int) -> Pairs:
    """Return a copy of the pairs in so much room."""
    longer = Pairs(np.empty((4, room), np.int64), np.empty((2, room), np.float64))
    for pair in range(used):
        for row in range(4):
            longer.numbers[row, pair] = pairs.numbers[row, pair]
        for row in range(2):
            longer.values[row, pair] = pairs.values[row, pair]
    return longer


@compiled
def _record(
    pairs: Pairs, used: int, origin: Origin, edges: Array, joined: Array, lost: Array, forest: Forest, values: Array
) -> int:
    """Append the pairs of one dimension of one image; return how many there are now."""
    stride = origin.stride
    for pair in range(joined.size):
        saddle, extremum = edges[joined[pair]], forest.place[lost[pair]]
        born, died = (extremum, saddle) if origin.dimension == 0 else (saddle, extremum)
        birth, death = values[born], values[died]
        _write(pairs, used, origin, birth, death, _pixel(born, stride), _pixel(died, stride))
        used += birth > death
    elder = forest.place[_root(forest.parent, U32(forest.parent.size - 1))]
    if origin.dimension == 0:  # the essential component
        birth, pixel = (values[elder], _pixel(elder, stride)) if elder else (values.dtype.type(np.inf), -1)
        _write(pairs, used, origin, birth, -np.inf, pixel, -1)
        used += 1
    elif origin.frame:  # the hole of the ring itself, which the last pit fills
        _write(pairs, used, origin, np.inf, values[elder], -1, _pixel(elder, stride))
        used += values[elder] < np.inf
    return used


@compiled
def _write(pairs: Pairs, used: int, origin: Origin, birth: Any, death: Any, birth_pixel: int, death_pixel: int) -> None:
    """Write a pair behind those that there are."""
    pairs.numbers[0, used], pairs.numbers[1, used] = origin.image, origin.dimension
    pairs.numbers[2, used], pairs.numbers[3, used] = birth_pixel, death_pixel
    pairs.values[0, used], pairs.values[1, used] = birth, death


@compiled
def _pixel(place: Any, stride: int) -> Any:
    """Return the flat index of a place in the image without its border."""
    row = place // U32(stride) - 1
    return np.int64(place) - stride - 1 - 2 * row
