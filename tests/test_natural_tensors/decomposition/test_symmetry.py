"""Index symmetries: what is read, what is refused, and which group they generate."""

from __future__ import annotations

import itertools
import pickle
import re
from collections.abc import Iterable
from math import factorial
from random import Random

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from natural_tensors import (
    IndexSymmetry,
    SignedPermutation,
    SymmetryError,
    UnknownTensorError,
    catalog,
    reduction,
)
from tests.helpers.oracles import EVERY, Case, Element, closure, cycles, group_of, signed_strings

parse = IndexSymmetry.parse


def as_pairs(elements: Iterable[SignedPermutation]) -> set[Element]:
    return {(element.slots, element.sign) for element in elements}


# --- what is read -------------------------------------------------------------------------------


def test_first_term_names_the_slots_and_further_terms_are_generators() -> None:
    symmetry = parse("ijkl=jikl=klij")
    assert symmetry.letters == "ijkl"
    assert symmetry.rank == 4
    assert not symmetry.axial
    assert symmetry.generators == (
        SignedPermutation((1, 0, 2, 3), 1),
        SignedPermutation((2, 3, 0, 1), 1),
    )


def test_no_relation_is_a_general_tensor() -> None:
    symmetry = parse("ijk")
    assert (symmetry.letters, symmetry.generators, symmetry.order) == ("ijk", (), 1)
    assert symmetry.elements == (SignedPermutation((0, 1, 2), 1),)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  i j k l =jikl = kl ij ", "ijkl=jikl=klij"),
        ("ij = - ji", "ij=-ji"),
        ("ij = -ji", "ij=-ji"),
        ("\tij=ji\n", "ij=ji"),
    ],
)
def test_spaces_are_ignored(text: str, plain: str) -> None:
    assert parse(text) == parse(plain)


@pytest.mark.parametrize("text", ["αβ=βα", "μν=-νμ", "Ij=jI", "åß=ßå", "xyz=xzy", "дж=жд"])
def test_any_letters_will_do(text: str) -> None:
    first, _, second = text.partition("=")
    symmetry = parse(text)
    assert symmetry.letters == first
    [generator] = symmetry.generators
    moved = "".join(first[slot] for slot in generator.slots)
    assert moved == second.lstrip("-")
    assert generator.sign == (-1 if "-" in second else 1)


def test_relation_reads_components_in_the_order_written() -> None:
    # T_ijk = T_kij: the component (0, 1, 2) equals the component (2, 0, 1)
    [cyclic] = parse("ijk=kij").generators
    assert cyclic.slots == (2, 0, 1)
    assert cyclic.component_map()[0 * 9 + 1 * 3 + 2] == 2 * 9 + 0 * 3 + 1


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("-ij=ji", "ij=-ji"),
        ("-ij=-ji", "ij=ji"),
        ("+ij=+ji", "ij=ji"),
        ("- ijkl = -jikl = ijlk", "ijkl=jikl=-ijlk"),
    ],
)
def test_signs_on_the_first_term_count(text: str, same: str) -> None:
    assert parse(text) == parse(same)


def test_repeated_and_trivial_terms_add_nothing() -> None:
    assert parse("ij=ji=ji=ij") == parse("ij=ji")


def test_sign_is_part_of_the_relation() -> None:
    assert parse("ij=ji") != parse("ij=-ji")
    assert parse("ij=-ji").generators == (SignedPermutation((1, 0), -1),)


@pytest.mark.parametrize("case", EVERY, ids=repr)
def test_text_of_a_symmetry_reads_back(case: Case) -> None:
    symmetry = parse(case.symmetry)
    assert str(symmetry) == case.symmetry
    assert parse(str(symmetry)) == symmetry


@pytest.mark.parametrize(
    ("rank", "axial", "parity"),
    [(2, False, 1), (2, True, -1), (3, False, -1), (3, True, 1), (0, False, 1), (0, True, -1)],
)
def test_parity_is_that_of_the_rank_and_reversed_when_axial(
    rank: int, axial: bool, parity: int
) -> None:
    assert IndexSymmetry.general(rank, axial=axial).parity == parity


def test_axial_is_kept_by_parse_and_distinguishes() -> None:
    axial = parse("ij=ji", axial=True)
    assert axial.axial
    assert axial.parity == -1
    assert axial != parse("ij=ji")
    assert axial == parse("ij=ji", axial=True)


def test_general_has_distinct_letters_for_every_rank() -> None:
    for rank in range(15):
        symmetry = IndexSymmetry.general(rank)
        assert symmetry.rank == rank == len(set(symmetry.letters))
        assert symmetry.generators == ()


@pytest.mark.parametrize("rank", [-1, 15])
def test_general_refuses_ranks_it_has_no_letters_for(rank: int) -> None:
    with pytest.raises(SymmetryError, match=f"rank {rank} is not between 0 and 14"):
        IndexSymmetry.general(rank)


# --- what is refused ---------------------------------------------------------------------------

# text, what the message says first, what the caret line marks (start, length), the remedy
MISTAKES = [
    ("-", "term 1 names no index", (0, 1), "the empty string is a scalar"),
    ("ij=", "term 2 names no index", (3, 1), "write it like"),
    ("ij==ji", "term 2 names no index", (3, 1), "write it like"),
    ("ij=-", "term 2 names no index", (3, 1), "write it like"),
    ("ij1=ji1", "'1' is not a letter", (2, 1), "write it like"),
    ("ij=j,i", "',' is not a letter", (4, 1), "write it like"),
    ("ij=--ji", "'-' is not a letter", (4, 1), "write it like"),
    ("i-j", "'-' is not a letter", (1, 1), "write it like"),
    ("iij", "index 'i' occurs 2 times in 'iij'", (1, 1), "letter of its own"),
    ("ijk=ijj", "index 'j' occurs 2 times in 'ijj'", (6, 1), "letter of its own"),
    (" i j = j j", "index 'j' occurs 2 times in 'jj'", (9, 1), "letter of its own"),
    ("ijk=ikl", "index 'l' is not in the first term 'ijk'", (6, 1), "rearranges the letters 'ijk'"),
    ("ij = - jk", "index 'k' is not in the first term 'ij'", (8, 1), "rearranges"),
    ("ijk=ij", "'ij' has 2 indices, 'ijk' has 3: missing k", (4, 2), "rearranges"),
    ("ijkl= kj", "missing i, l", (6, 2), "rearranges the letters 'ijkl'"),
    ("ij=ijk", "index 'k' is not in the first term 'ij'", (5, 1), "rearranges"),
    ("ij=-ij", "T_ij = -T_ij forces the tensor to be zero", (3, 3), "change its sign"),
    ("-ij=ij", "T_ij = -T_ij forces the tensor to be zero", (4, 2), "change its sign"),
    ("ij=ji=-ji", "every component is forced to be zero", (6, 3), "contradicts"),
    ("ijk=jik= - ikj", "every component is forced to be zero", (9, 5), "contradicts"),
    ("ijk=-jki", "every component is forced to be zero", (4, 4), "contradicts"),
    ("ijkl=-jikl=-ikjl=-ijlk", "every component is forced to be zero", (17, 5), "antisymmetric"),
]


@pytest.mark.parametrize(("text", "reason", "mark", "remedy"), MISTAKES, ids=repr)
def test_mistake_is_named_marked_and_remedied(
    text: str, reason: str, mark: tuple[int, int], remedy: str
) -> None:
    with pytest.raises(SymmetryError) as caught:
        parse(text)
    first, shown, carets, last = str(caught.value).split("\n")
    assert reason in first
    assert shown == "    " + text
    start, length = mark
    assert carets == "    " + " " * start + "^" * length
    assert remedy in last


def test_too_many_indices_are_refused() -> None:
    with pytest.raises(SymmetryError, match="rank 27 is not between 0 and 14"):
        parse("abcdefghijklmnopqrstuvwxyzα")


@pytest.mark.parametrize("value", [None, 4, ["ij", "ji"], b"ij=ji"])
def test_only_a_string_is_read(value: object) -> None:
    with pytest.raises(TypeError, match=r"is a string such as .* got .*" + type(value).__name__):
        parse(value)  # type: ignore[arg-type]


def test_symmetry_error_is_a_value_error() -> None:
    assert issubclass(SymmetryError, ValueError)


def test_reduction_reports_the_same_error() -> None:
    with pytest.raises(SymmetryError, match=re.escape("T_ij = -T_ij forces")):
        reduction("ij=-ij")


# --- the group ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", EVERY, ids=repr)
def test_elements_are_the_closure_of_the_generators(case: Case) -> None:
    elements = parse(case.symmetry).elements
    assert elements[0] == SignedPermutation(tuple(range(case.rank)), 1)
    assert len(elements) == len(set(elements))
    assert as_pairs(elements) == group_of(case.symmetry)


@pytest.mark.parametrize("case", EVERY, ids=repr)
def test_order_is_the_number_of_elements(case: Case) -> None:
    symmetry = parse(case.symmetry)
    assert symmetry.order == len(symmetry.elements)


def test_orders_known_from_combinatorics() -> None:
    pairs = {case.name: parse(case.symmetry).order for case in EVERY}
    assert pairs["elastic"] == 2**2 * factorial(2)
    assert pairs["elastic-3"] == 2**3 * factorial(3)
    assert pairs["elastic-4"] == 2**4 * factorial(4)
    assert pairs["elastic-5"] == 2**5 * factorial(5) == 3840
    assert parse("ijkl=jikl=ikjl=ijlk").order == factorial(4)
    assert parse("ijk=-jik=-ikj").order == factorial(3)


def test_signed_elements_by_hand() -> None:
    # totally antisymmetric in three indices: each permutation with its own sign
    elements = as_pairs(parse("ijk=-jik=-ikj").elements)
    expected = set()
    for slots in itertools.permutations(range(3)):
        i, j, k = slots
        even = (i - j) * (j - k) * (k - i) > 0
        expected.add((slots, 1 if even else -1))
    assert elements == expected


def test_then_composes_relations() -> None:
    a = SignedPermutation((1, 2, 0), -1)
    b = SignedPermutation((0, 2, 1), -1)
    both = a.then(b)
    assert both.sign == 1
    # applying the maps of components one after the other is the map of the product
    assert (both.component_map() == b.component_map()[a.component_map()]).all()
    assert (both.component_map() != a.component_map()[b.component_map()]).any()
    # T_i = -T_{a(i)}, T_j = -T_{b(j)} with j = a(i): by explicit indices
    index = (0, 1, 2)
    j = tuple(index[slot] for slot in a.slots)
    k = tuple(j[slot] for slot in b.slots)
    assert tuple(index[slot] for slot in both.slots) == k


def test_equality_hash_and_pickle() -> None:
    one, two = parse("i j = j i"), parse("ij=ji")
    assert one == two
    assert hash(one) == hash(two)
    assert len({one, two, parse("kl=lk"), parse("ij=ji", axial=True)}) == 3
    for symmetry in (one, parse("ijk=-jik", axial=True), IndexSymmetry.general(0)):
        back = pickle.loads(pickle.dumps(symmetry))
        assert back == symmetry
        assert hash(back) == hash(symmetry)
        assert back.elements == symmetry.elements


def test_symmetry_is_frozen() -> None:
    with pytest.raises(AttributeError):
        parse("ij=ji").axial = True  # type: ignore[misc]


# --- at random ----------------------------------------------------------------------------------


@given(signed_strings())
def test_dimension_is_the_trace_formula_or_the_symmetry_is_refused(text: str) -> None:
    rank = len(text.partition("=")[0])
    group = group_of(text)
    total = sum(sign * 3 ** len(cycles(slots)) for slots, sign in group)
    assert total % len(group) == 0
    dimension = total // len(group)
    event("refused" if dimension == 0 else "accepted")
    if dimension == 0:
        with pytest.raises(SymmetryError, match="zero"):
            parse(text)
        return
    symmetry = parse(text)
    assert reduction(symmetry).dimension == dimension
    assert as_pairs(symmetry.elements) == group
    assert symmetry.order == len(group)
    assert closure(rank, [(g.slots, g.sign) for g in symmetry.generators]) == group


@given(signed_strings(), st.randoms(use_true_random=False))
def test_order_of_the_terms_and_spaces_do_not_matter_to_the_group(
    text: str, random: Random
) -> None:
    first, *others = text.split("=")
    assume(others)
    random.shuffle(others)
    spaced = " = ".join([first, *others])
    try:
        group = as_pairs(parse(text).elements)
    except SymmetryError:
        with pytest.raises(SymmetryError):
            parse(spaced)
    else:
        assert as_pairs(parse(spaced).elements) == group


def test_empty_text_is_a_scalar_and_reads_its_own_print() -> None:
    scalar = IndexSymmetry.parse("")
    assert scalar == IndexSymmetry.general(0)
    assert IndexSymmetry.parse(str(scalar)) == scalar


def test_a_printed_minus_sign_is_read() -> None:
    assert IndexSymmetry.parse("ij=\u2212ji") == IndexSymmetry.parse("ij=-ji")


def test_every_entry_of_the_catalogue_reads_by_name_and_by_symmetry() -> None:
    for name, entry in catalog.items():
        by_name = reduction(name, axial=False)
        by_text = reduction(entry.symmetry, axial=entry.axial)
        assert by_name.irreps == by_text.irreps
        assert by_name.symmetry.axial == entry.axial


@pytest.mark.parametrize("word", ["elastik", "nmr", "polar", "Kerr effect", "dipol"])
def test_words_that_mean_a_name_are_not_read_as_indices(word: str) -> None:
    with pytest.raises(UnknownTensorError, match="The nearest: "):
        reduction(word)


@pytest.mark.parametrize("letters", ["abc", "xyz", "abcd", "pqrs", "αβγ", "klmn", "uvw"])
def test_letters_in_a_row_are_indices(letters: str) -> None:
    assert reduction(letters).rank == len(letters)
