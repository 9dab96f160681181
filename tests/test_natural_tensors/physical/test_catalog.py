"""The catalogue of physical tensors against its own Jahn symbols and the literature.

The Jahn symbol is read here, by a parser of its own, into the list of all signed permutations it
states; the group that `symmetry` generates must be that list, element for element.
"""

from __future__ import annotations

import copy
import pickle
import re
from fractions import Fraction
from functools import cache
from itertools import permutations, product
from math import prod
from string import ascii_lowercase

import pytest

from natural_tensors.errors import UnknownTensorError
from natural_tensors.physical.catalog import Catalog, catalog
from natural_tensors.physical.entry import PhysicalTensor

SLOTS = ascii_lowercase[ascii_lowercase.index("i") :]

Element = tuple[tuple[int, ...], int]  # images of the slots, sign
Group = frozenset[Element]
each = pytest.mark.parametrize("entry", catalog.values(), ids=list(catalog))


# The group that the index symmetry generates.


@cache
def generated(symmetry: str) -> Group:
    slots, *terms = symmetry.split("=")
    generators = [
        (tuple(slots.index(letter) for letter in term.lstrip("-")), -1 if term[0] == "-" else 1)
        for term in terms
    ]
    identity = (tuple(range(len(slots))), 1)
    found = {identity}
    frontier = [identity]
    while frontier:
        products = {
            (tuple(images[slot] for slot in step), sign * flip)
            for images, sign in frontier
            for step, flip in generators
        }
        frontier = list(products - found)
        found.update(frontier)
    return frozenset(found)


# The group that the Jahn symbol states.


def permutation_sign(images: tuple[int, ...]) -> int:
    pairs = ((i, j) for j in range(len(images)) for i in range(j))
    return prod(-1 if images[i] > images[j] else 1 for i, j in pairs)


def side_by_side(groups: list[Group], order: tuple[int, ...], sign: int) -> Group:
    """Return one element of each group on its own slots, the blocks then put in this order."""
    starts = [sum(len(next(iter(group))[0]) for group in groups[:block]) for block in order]
    return frozenset(
        (
            tuple(
                start + slot
                for start, block in zip(starts, order, strict=True)
                for slot in chosen[block][0]
            ),
            sign * prod(flip for _, flip in chosen),
        )
        for chosen in product(*groups)
    )


def product_of(groups: list[Group]) -> Group:
    return side_by_side(groups, tuple(range(len(groups))), 1)


def exchanges_of(groups: list[Group], antisymmetric: bool) -> Group:
    assert len(groups) > 1, "nothing to exchange"
    assert len(set(groups)) == 1, "only like factors can be exchanged"
    return frozenset().union(
        *(
            side_by_side(groups, order, permutation_sign(order) if antisymmetric else 1)
            for order in permutations(range(len(groups)))
        )
    )


def read_product(text: str, closing: str) -> tuple[list[Group], str]:
    """Return the groups of the factors up to the closing bracket, and the text after it."""
    vector: Group = frozenset({((0,), 1)})
    factors: list[Group] = []
    while text and text[0] not in ")]}":
        opening, text = text[0], text[1:]
        if opening == "V":
            digits = re.match(r"\d*", text)
            assert digits is not None
            factors += [vector] * int(digits.group() or 1)
            text = text[digits.end() :]
        else:
            inner, text = read_product(text, {"[": "]", "{": "}", "(": ")"}[opening])
            factors.append(
                product_of(inner) if opening == "(" else exchanges_of(inner, opening == "{")
            )
    assert factors, "a product without factors"
    assert text[:1] == closing, f"{closing!r} expected before {text!r}"
    return factors, text[1:]


@cache
def stated(jahn: str) -> tuple[bool, int, Group]:
    """Return whether axial, the sign under time reversal, and the group of the indices."""
    match = re.fullmatch(r"(a?)(e?)(.+)", jahn)
    assert match is not None, jahn
    odd, axial, body = match.groups()
    if body == "1":
        group: Group = frozenset({((), 1)})
    else:
        factors, rest = read_product(body, "")
        assert rest == "", jahn
        group = product_of(factors)
    return bool(axial), -1 if odd else 1, group


def test_the_oracle_itself_reads_jahn_symbols() -> None:
    assert stated("{V2}") == (False, 1, frozenset({((0, 1), 1), ((1, 0), -1)}))
    assert stated("aeV") == (True, -1, frozenset({((0,), 1)}))
    assert stated("V[V2]")[2] == {((0, 1, 2), 1), ((0, 2, 1), 1)}
    assert stated("[([V2]V)([V2]V)]")[2] >= {((3, 4, 5, 0, 1, 2), 1), ((1, 0, 2, 3, 4, 5), 1)}
    assert ((2, 3, 1, 0), -1) in stated("{[V2][V2]}")[2]
    assert len(stated("{V3}")[2]) == 6
    for wrong in ("[V2", "V2]", "[V]", "[V[V2]]", "W", ""):
        with pytest.raises((AssertionError, KeyError)):
            stated(wrong)


# The entries.


def test_there_are_enough() -> None:
    assert len(catalog) >= 100
    assert len(list(catalog)) == len(catalog)


@each
def test_the_symmetry_is_well_formed(entry: PhysicalTensor) -> None:
    slots, *terms = entry.symmetry.split("=")
    assert slots == SLOTS[: entry.rank]
    assert len(set(terms)) == len(terms)
    for term in terms:
        assert re.fullmatch(r"-?[a-z]+", term)
        assert sorted(term.lstrip("-")) == sorted(slots)
        assert term.lstrip("-") != slots


@each
def test_the_symmetry_generates_the_group_of_the_jahn_symbol(entry: PhysicalTensor) -> None:
    axial, time_reversal, group = stated(entry.jahn)
    assert generated(entry.symmetry) == group
    assert (entry.axial, entry.time_reversal) == (axial, time_reversal)


@each
def test_no_term_of_the_symmetry_is_idle(entry: PhysicalTensor) -> None:
    slots, *terms = entry.symmetry.split("=")
    for term in terms:
        rest = "=".join([slots, *(other for other in terms if other != term)])
        assert len(generated(rest)) < len(generated(entry.symmetry))


@each
def test_the_facts_are_filled_in(entry: PhysicalTensor) -> None:
    for text in (entry.title, entry.symbol, entry.unit, entry.relation, entry.source):
        assert text == text.strip()
        assert text
    assert re.search(r"Nye 1985|[A-Z].*\b(19|20)\d\d|Landau and Lifshitz|Boyd", entry.source)
    if entry.rank:
        # the relation fixes which slot is which
        assert re.search(
            rf"(?<!\w){re.escape(entry.symbol)}_{SLOTS[: entry.rank]}(?![a-z])", entry.relation
        )


# Independent components: the average over the group of sign * 3**cycles is the trace of the
# projector on the class.


def cycles(images: tuple[int, ...]) -> int:
    left = set(range(len(images)))
    count = 0
    while left:
        count += 1
        slot = left.pop()
        while images[slot] in left:
            slot = images[slot]
            left.remove(slot)
    return count


def components(entry: PhysicalTensor) -> int:
    group = generated(entry.symmetry)
    total = Fraction(sum(sign * 3 ** cycles(images) for images, sign in group), len(group))
    assert total.denominator == 1
    return int(total)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("energy", 1),
        ("force", 3),
        ("strain", 6),
        ("rotation", 3),
        ("nmr-shielding", 9),
        ("magnetoelectric", 9),
        ("hall", 9),
        ("nernst", 27),
        ("hyperpolarizability", 10),
        ("shg-kleinman", 10),
        ("piezoelectric", 18),
        ("electro-optic", 18),
        ("shg", 18),
        ("second-hyperpolarizability", 15),
        ("elastic", 21),
        ("compliance", 21),
        ("thg", 30),
        ("photoelastic", 36),
        ("electrostriction", 36),
        ("acoustic-activity", 45),
        ("micropolar-elastic", 45),
        ("flexoelectric", 54),
        ("third-order-elastic", 56),
        ("second-order-piezoelectric", 63),
        ("four-wave-mixing", 81),
        ("strain-gradient-coupling", 108),
        ("fourth-order-elastic", 126),
        ("strain-gradient", 171),
        ("fifth-order-elastic", 252),
    ],
)
def test_independent_components_are_those_of_the_literature(name: str, count: int) -> None:
    assert components(catalog[name]) == count


@each
def test_no_class_is_empty(entry: PhysicalTensor) -> None:
    assert components(entry) > 0


# Rank, axial and time reversal once more, from the quantities each tensor relates.

QUANTITIES = {  # rank, axial, time reversal
    "scalar": (0, False, 1),
    "stress": (2, False, 1),
    "strain": (2, False, 1),
    "gradient": (1, False, 1),
    "displacement": (1, False, 1),
    "force": (1, False, 1),
    "P": (1, False, 1),
    "E": (1, False, 1),
    "H": (1, True, -1),
    "B": (1, True, -1),
    "M": (1, True, -1),
    "spin": (1, True, -1),
    "permittivity": (2, False, 1),
    "gyration": (2, True, 1),
}

EQUILIBRIUM = {
    "thermal-expansion": "strain scalar",
    "elastic": "stress strain",
    "third-order-elastic": "stress strain strain",
    "fourth-order-elastic": "stress strain strain strain",
    "fifth-order-elastic": "stress strain strain strain strain",
    "compliance": "strain stress",
    "strain-gradient": "strain gradient strain gradient",
    "strain-gradient-coupling": "strain strain gradient",
    "acoustic-activity": "stress strain gradient",
    "force-constants": "force displacement",
    "internal-strain": "force strain",
    "anisotropic-displacement": "displacement displacement",
    "polarization": "P",
    "pyroelectric": "P scalar",
    "dielectric": "P E",
    "dielectric-susceptibility": "P E",
    "impermeability": "E P",
    "piezoelectric": "P stress",
    "piezoelectric-stress": "P strain",
    "piezoelectric-voltage": "E stress",
    "second-order-piezoelectric": "P strain strain",
    "electrostriction": "strain P P",
    "flexoelectric": "P strain gradient",
    "born-charge": "P displacement",
    "photoelastic": "permittivity strain",
    "piezo-optic": "permittivity stress",
    "electro-optic": "permittivity E",
    "kerr": "permittivity E E",
    "shg": "P E E",
    "shg-kleinman": "P E E",
    "thg": "P E E E",
    "thg-kleinman": "P E E E",
    "four-wave-mixing": "P E E E",
    "gyration": "gyration",
    "spatial-dispersion": "permittivity gradient",
    "electrogyration": "gyration E",
    "piezogyration": "gyration stress",
    "cotton-mouton": "permittivity B B",
    "atomic-raman": "permittivity displacement",
    "magnetization": "M",
    "magnetic-moment": "M",
    "magnetic-susceptibility": "M H",
    "magnetic-permeability": "B H",
    "magnetic-anisotropy": "M M",
    "fourth-order-magnetic-anisotropy": "M M M M",
    "magnetostriction": "strain M M",
    "piezomagnetic": "M stress",
    "magnetoelectric": "P H",
    "magnetoelectric-beta": "P H H",
    "magnetoelectric-gamma": "M E E",
    "magnetic-quadrupole": "displacement M",
    "exchange-interaction": "spin spin",
    "dipole": "P",
    "quadrupole": "displacement displacement",
    "octupole": "displacement displacement displacement",
    "polarizability": "P E",
    "hyperpolarizability": "P E E",
    "second-hyperpolarizability": "P E E E",
    "dipole-quadrupole-polarizability": "P E gradient",
    "magnetizability": "M B",
    "moment-of-inertia": "displacement displacement",
    "nmr-shielding": "B B",
    "spin-spin-coupling": "spin spin",
    "dipolar-coupling": "spin spin",
    "electric-field-gradient": "E gradient",
    "g-tensor": "B spin",
    "hyperfine": "spin spin",
    "zero-field-splitting": "spin spin",
    "force": "force",
    "displacement": "displacement",
}


@pytest.mark.parametrize("name", EQUILIBRIUM)
def test_an_equilibrium_property_transforms_as_what_it_relates(name: str) -> None:
    related = [QUANTITIES[quantity] for quantity in EQUILIBRIUM[name].split()]
    entry = catalog[name]
    assert entry.rank == sum(rank for rank, _, _ in related)
    assert entry.axial == (sum(axial for _, axial, _ in related) % 2 == 1)
    assert entry.time_reversal == prod(sign for _, _, sign in related)


def test_the_traps_of_axial_and_time_reversal() -> None:
    signs = {name: (entry.axial, entry.time_reversal) for name, entry in catalog.items()}
    assert signs["toroidal-moment"] == (False, -1)  # polar x axial = polar
    assert signs["magnetoelectric-monopole"] == (True, -1)
    assert signs["dzyaloshinskii-moriya"] == (True, 1)  # spin x spin
    assert signs["torque"] == (True, 1)  # polar x polar
    assert signs["rotational-strength"] == (True, 1)
    assert signs["optical-rotation"] == (True, 1)
    # Onsager: present in non-magnetic crystals, though linear in B
    for name in ("hall", "nernst", "righi-leduc", "faraday"):
        assert signs[name] == (True, 1)
    assert signs["anomalous-hall"] == (False, -1)


# The mapping.


def test_iteration_is_grouped_by_field() -> None:
    assert list(catalog) == [name for _, names in catalog.fields for name in names]
    assert [field for field, _ in catalog.fields] == [
        "mechanics",
        "dielectric and electromechanical",
        "optics",
        "magnetism",
        "transport",
        "molecules and magnetic resonance",
        "scalars and vectors",
    ]
    for field, names in catalog.fields:
        assert f"{len(names)} {field}" in repr(catalog)


def test_keys_are_names_and_no_two_names_meet() -> None:
    assert all(name == entry.name for name, entry in catalog.items())
    names = [name for entry in catalog.values() for name in (entry.name, *entry.aliases)]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)


def test_every_alias_finds_its_tensor() -> None:
    for entry in catalog.values():
        for alias in entry.aliases:
            assert catalog[alias] is entry


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Elastic", "elastic"),
        ("third_order elastic", "third-order-elastic"),
        ("  SHG   Kleinman ", "shg-kleinman"),
        ("Piezoelectric Strain", "piezoelectric"),
        ("EFG", "electric-field-gradient"),
        ("born_effective_charge", "born-charge"),
        ("Pockels", "electro-optic"),
        ("permittivity", "dielectric"),
        ("photo-elastic", "photoelastic"),
        ("piezooptic", "piezo-optic"),
        ("BandGap", "band-gap"),
    ],
)
def test_lookup_is_tolerant(spelling: str, name: str) -> None:
    assert catalog[spelling].name == name
    assert spelling in catalog


def test_an_unknown_name_is_told_the_nearest_and_the_remedy() -> None:
    with pytest.raises(UnknownTensorError) as caught:
        catalog["Piezo_electrik"]
    message = str(caught.value)
    assert message.startswith("there is no physical tensor 'Piezo_electrik'. The nearest: ")
    assert re.search(r"The nearest: [a-z, -]*\bpiezoelectric\b", message)
    assert message.endswith(f"Run `natural-tensors list` to see all {len(catalog)} names.")
    assert isinstance(caught.value, KeyError)
    assert caught.value.__cause__ is None


def test_an_unknown_name_without_neighbours() -> None:
    with pytest.raises(UnknownTensorError) as caught:
        catalog["zzz"]
    assert str(caught.value) == (
        "there is no physical tensor 'zzz'. "
        f"Run `natural-tensors list` to see all {len(catalog)} names."
    )
    assert "zzz" not in catalog
    assert 3 not in catalog  # type: ignore[comparison-overlap]
    assert catalog.get("zzz") is None


def test_nearest_names_are_given_once() -> None:
    with pytest.raises(UnknownTensorError) as caught:
        catalog["elastik"]
    match = re.search(r"The nearest: ([a-z, -]+)\.", str(caught.value))
    assert match is not None
    nearest = match.group(1).split(", ")
    assert nearest[0] == "elastic"
    assert len(set(nearest)) == len(nearest)
    assert set(nearest) <= set(catalog)


def test_pickling_and_copying() -> None:
    for twin in (pickle.loads(pickle.dumps(catalog)), copy.deepcopy(catalog)):
        assert isinstance(twin, Catalog)
        assert list(twin) == list(catalog)
        assert twin == catalog
        assert twin["efg"] == catalog["efg"]
    error = UnknownTensorError("a plain sentence")
    assert str(pickle.loads(pickle.dumps(error))) == "a plain sentence"


def test_entries_and_catalogue_are_immutable() -> None:
    with pytest.raises(AttributeError):
        catalog["elastic"].unit = "GPa"  # type: ignore[misc]
    with pytest.raises(TypeError):
        catalog["elastic"] = catalog["strain"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        catalog.extra = 1  # type: ignore[attr-defined]


def entry_named(name: str, *aliases: str) -> PhysicalTensor:
    return PhysicalTensor(name, "T", "T", "", False, 1, "1", "1", "T", "nowhere", aliases)


def test_a_catalogue_refuses_names_that_meet() -> None:
    with pytest.raises(ValueError, match="'b' names both 'a' and 'c'; rename one of them"):
        Catalog({"field": (entry_named("a", "b"), entry_named("c", "b"))})
    with pytest.raises(ValueError, match="'a' names both 'a' and 'a'"):
        Catalog({"field": (entry_named("a"),), "other": (entry_named("a"),)})
    with pytest.raises(ValueError, match="'ab' names both 'a-b' and 'c'"):
        Catalog({"field": (entry_named("a-b"), entry_named("c", "ab"))})
    with pytest.raises(ValueError, match="'A_b' is no catalogue name; write it 'a-b'"):
        Catalog({"field": (entry_named("A_b"),)})
