"""All signed permutations of its indices that leave a tensor unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..decomposition.symmetry import SignedPermutation

PRIME = 2_147_483_647
"""Components are compared by their values at one point modulo this prime, before any proof."""

LISTED = 6000
"""Elements up to which a group is listed to find few and simple generators."""


def signed_symmetries(
    values: NDArray[np.int64], proved: Callable[[SignedPermutation], bool]
) -> tuple[SignedPermutation, ...]:
    """Return generators of the group of signed permutations that leave a tensor unchanged.

    A stabilizer chain (Sims 1970): for each slot, from the last to the first, one permutation for
    every slot it can go to while those before it stay. Candidates are built slot by slot; pairs of
    slots must carry the same values, up to sign and order, as the pairs they go to.

    Args:
        values: the components modulo `PRIME`, at one point; not all zero. Shape ``(3,)*rank``.
        proved: says of a signed permutation, exactly, whether it is a symmetry.

    Raises:
        ArithmeticError: when the values show a symmetry that cannot be proved.
    """
    rank = values.ndim
    signatures = _signatures(values)
    generators: list[SignedPermutation] = []
    for base in range(rank - 2, -1, -1):
        for goal in range(base + 1, rank):
            if goal in _orbit(base, generators):
                continue
            element = _first(values, signatures, base, goal)
            if element is not None:
                if not proved(element):
                    raise ArithmeticError(f"{element} holds modulo {PRIME} but not exactly")
                generators.append(element)
    return simple_generators(generators)


def _signatures(values: NDArray[np.int64]) -> dict[tuple[int, int], bytes]:
    """Return for each ordered pair of slots the values there, whatever their order and sign."""
    sizes = np.minimum(values, (PRIME - values) % PRIME)
    signatures = {}
    for a in range(values.ndim):
        for b in range(values.ndim):
            if a != b:
                table = np.moveaxis(sizes, (a, b), (0, 1)).reshape(9, -1)
                signatures[a, b] = np.sort(table, axis=1).tobytes()
    return signatures


def _orbit(slot: int, generators: Sequence[SignedPermutation]) -> set[int]:
    reached = {slot}
    frontier = [slot]
    while frontier:
        fresh = {g.slots[x] for g in generators for x in frontier} - reached
        reached |= fresh
        frontier = list(fresh)
    return reached


def _first(
    values: NDArray[np.int64], signatures: dict[tuple[int, int], bytes], base: int, goal: int
) -> SignedPermutation | None:
    """Return a symmetry that keeps the slots before ``base`` and takes ``base`` to ``goal``."""
    rank = values.ndim

    def extended(slots: list[int]) -> Iterator[tuple[int, ...]]:
        place = len(slots)
        if place == rank:
            yield tuple(slots)
            return
        choices = [goal] if place == base else [x for x in range(rank) if x not in slots]
        for choice in choices:
            if all(
                signatures[other, place] == signatures[image, choice]
                for other, image in enumerate(slots)
            ):
                yield from extended([*slots, choice])

    flat = values.reshape(-1)
    for slots in extended(list(range(base))):
        moved = flat[SignedPermutation(slots, 1).component_map()]
        if np.array_equal(moved, flat):
            return SignedPermutation(slots, 1)
        if np.array_equal(moved, (PRIME - flat) % PRIME):
            return SignedPermutation(slots, -1)
    return None


def simple_generators(generators: Sequence[SignedPermutation]) -> tuple[SignedPermutation, ...]:
    """Return few generators of the same group: those that move the fewest slots, none in excess."""
    group = closure(generators)
    if group is None:
        return tuple(generators)
    ordered = sorted(group, key=_simplicity)[1:]
    chosen: list[SignedPermutation] = []
    reached = set(ordered[:0])
    for element in ordered:
        if len(reached) < len(group) and element not in reached:
            chosen.append(element)
            reached = closure(chosen) or set()
    for element in reversed(chosen[:]):
        rest = [other for other in chosen if other is not element]
        if rest and len(closure(rest) or ()) == len(group):
            chosen = rest
    return tuple(chosen)


def _simplicity(element: SignedPermutation) -> tuple[int, list[bool], tuple[int, ...]]:
    """Order elements: the identity, those that move few slots, those that move early ones."""
    stays = [slot == place for place, slot in enumerate(element.slots)]
    return stays.count(False), stays, element.slots


def closure(generators: Sequence[SignedPermutation]) -> set[SignedPermutation] | None:
    """Return the group that some elements generate; None beyond `LISTED` elements."""
    if not generators:
        return set()  # the identity, of unknown rank
    identity = SignedPermutation(tuple(range(len(generators[0].slots))), 1)
    members = {identity}
    frontier = [identity]
    while frontier:
        fresh = {a.then(g) for a in frontier for g in generators} - members
        members |= fresh
        frontier = list(fresh)
        if len(members) > LISTED:
            return None
    return members
