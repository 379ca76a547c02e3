"""Randomness, always from a stream found by its name.

Two kinds. :func:`stream` is a numpy generator for whole arrays. :class:`CounterStream` is a pure
function of (name, counters): asking in another order, or not at all, changes no other value, so
two protocols compared on one seed meet the same channel, think times and prompts.
"""

from math import cos, log1p, sqrt, tau

import numpy as np
from numpy.typing import NDArray

_MASK = 0xFFFFFFFFFFFFFFFF
_GOLDEN = 0x9E3779B97F4A7C15
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB
_UNIT = 2.0**-53


def _seed_sequence(seed: int, replication: int, name: tuple[str, ...]) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(replication, *"/".join(name).encode()))


def stream(seed: int, replication: int, *name: str) -> np.random.Generator:
    """Generator of the stream ``name`` in one replication.

    Adding a stream, or drawing more from one, changes no other stream.
    """
    return np.random.Generator(np.random.PCG64DXSM(_seed_sequence(seed, replication, name)))


def uniforms_of(keys: NDArray[np.uint64], counters: NDArray[np.integer]) -> NDArray[np.float64]:
    """Uniform numbers of streams, by their keys, and counters, bit for bit; shapes broadcast."""
    z = keys + counters.astype(np.uint64) * np.uint64(_GOLDEN)
    z ^= z >> 30
    z *= np.uint64(_MIX_1)
    z ^= z >> 27
    z *= np.uint64(_MIX_2)
    z ^= z >> 31
    z >>= 11
    return np.asarray(z * _UNIT, dtype=np.float64)


def uniform_table(keys: NDArray[np.uint64], first: int, count: int) -> NDArray[np.float64]:
    """Uniform numbers of the counters ``first`` ... of many streams, bit for bit; (count, keys)."""
    return uniforms_of(keys, np.arange(first, first + count)[:, None])


class CounterStream:
    """Uniform numbers as a pure function of a counter (SplitMix64 on a keyed Weyl sequence).

    Parameters
    ----------
    seed, replication, *name
        As in :func:`stream`; they make the 64-bit key.

    References
    ----------
    G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014.
    """

    __slots__ = ("key",)

    def __init__(self, seed: int, replication: int, *name: str) -> None:
        self.key = int(_seed_sequence(seed, replication, name).generate_state(1, np.uint64)[0])

    def uniform(self, counter: int) -> float:
        """Uniform number in [0, 1) of ``counter`` (any non-negative int below 2**63)."""
        z = (self.key + counter * _GOLDEN) & _MASK
        z = ((z ^ (z >> 30)) * _MIX_1) & _MASK
        z = ((z ^ (z >> 27)) * _MIX_2) & _MASK
        return ((z ^ (z >> 31)) >> 11) * _UNIT

    def uniforms(self, first: int, count: int) -> NDArray[np.float64]:
        """Uniform numbers of the counters ``first`` ... ``first + count - 1``, bit for bit."""
        return uniforms_of(self._keys, np.arange(first, first + count))

    def exponentials(self, counters: NDArray[np.int64]) -> NDArray[np.float64]:
        """Exponential numbers of many counters; equal to the one-by-one ones up to rounding."""
        return -np.log1p(-uniforms_of(self._keys, counters))

    @property
    def _keys(self) -> NDArray[np.uint64]:
        return np.array(self.key, dtype=np.uint64)

    def exponential(self, counter: int) -> float:
        """Exponential number of mean 1 of ``counter``: ``-ln(1 - uniform)``."""
        # NOTE: uniform() is inlined, for this is called once per fading block
        z = (self.key + counter * _GOLDEN) & _MASK
        z = ((z ^ (z >> 30)) * _MIX_1) & _MASK
        z = ((z ^ (z >> 27)) * _MIX_2) & _MASK
        return -log1p(((z ^ (z >> 31)) >> 11) * -_UNIT)

    def normal(self, counter: int) -> float:
        """Standard normal number of ``counter``, from the uniform numbers 2c and 2c + 1."""
        radius = sqrt(-2.0 * log1p(-self.uniform(2 * counter)))
        return radius * cos(tau * self.uniform(2 * counter + 1))

    def child(self, index: int) -> "CounterStream":
        """Stream of member ``index`` of a population (a device, a link)."""
        z = (self.key ^ ((index + 1) * _MIX_2)) & _MASK
        z = ((z ^ (z >> 30)) * _MIX_1) & _MASK
        z = ((z ^ (z >> 27)) * _MIX_2) & _MASK
        made = CounterStream.__new__(CounterStream)
        made.key = z ^ (z >> 31)
        return made


class Crowd:
    """The children of one stream, which are asked for about the same counters at about one time.

    The exponential numbers of all children over a window of counters are prepared together wherever
    enough of them were wanted of the window before, else each is computed when it is asked for.
    Both ways give the same bits.

    Parameters
    ----------
    stream : CounterStream
        Their parent.
    size : int
        How many there are.
    """

    FEWEST = 16
    """Counters of a window, at least, and of one that is not prepared."""

    __slots__ = ("_keys", "_length", "asked", "end", "first", "numbers", "size")

    def __init__(self, stream: CounterStream, size: int) -> None:
        self._keys = np.array([stream.child(i).key for i in range(size)], dtype=np.uint64)
        # as many numbers as a cache near by holds
        self._length = min(max(8_192 // size, self.FEWEST), 256)
        self.size = size
        self.first = self.end = 0
        """The window."""
        self.asked = 0
        """How often a number of the window was wanted."""
        self.numbers: memoryview | None = None
        """The uniform numbers of the window, all children of a counter in a row."""

    def member(self, index: int) -> "CrowdMember":
        """Child ``index`` of the stream."""
        made = CrowdMember.__new__(CrowdMember)
        made.key = int(self._keys[index])
        made._crowd, made._index = self, index
        return made

    def move(self, counter: int) -> None:
        """Let the window begin with ``counter``; it is short as long as none is prepared."""
        # a window takes 12 us and 2.5 ns a number; a number on its own 300 ns more
        length = self.end - self.first
        pays = self.asked * 300 * self._length > length * (12_000 + 2.5 * self._length * self.size)
        self.first, self.asked, self.numbers = counter, 0, None
        self.end = counter + (self._length if pays else self.FEWEST)
        if pays:
            self.numbers = uniform_table(self._keys, counter, self._length).ravel().data


class CrowdMember(CounterStream):
    """One child of a crowd: the stream that :meth:`CounterStream.child` gives, and faster."""

    __slots__ = ("_crowd", "_index")
    _crowd: Crowd
    _index: int

    def exponential(self, counter: int) -> float:
        """Exponential number of mean 1 of ``counter``; windows move on, never back."""
        crowd = self._crowd
        if counter >= crowd.first:
            if counter >= crowd.end:
                crowd.move(counter)
            crowd.asked += 1
            numbers = crowd.numbers
            if numbers is not None:
                return -log1p(-numbers[(counter - crowd.first) * crowd.size + self._index])
        return CounterStream.exponential(self, counter)
