"""The catalogue of physical tensors: what each one is, and how it transforms.

Index symmetry. `symmetry` names the slots in its first term, `i j k ...` in order; every further
`=term` states one equal component, with a sign: `"ijkl=jikl=klij"` reads T_ijkl = T_jikl = T_klij,
and `"ij=-ji"` is antisymmetric. The terms generate the whole group; rank 0 is the empty string.
A trace that vanishes is no index symmetry: `relation` says so where it applies.

Axial. Under a rotation or rotation-inversion R a tensor takes one factor R per index; an axial
tensor (pseudo-tensor) takes det R besides. The parity under inversion is thus (-1)**rank, times -1
if axial.

Time reversal. `time_reversal` is the sign the static property tensor of the crystal takes when all
its moments and currents are reversed: -1 means that it vanishes in every non-magnetic crystal. For
an equilibrium property it is the product of the signs of the quantities it relates (E, P, stress,
strain, temperature: +1; H, B, M: -1). A dissipative coefficient (transport, viscosity, Hall,
Nernst, photocurrent) is not restricted that way, for the current it drives breaks the symmetry
itself. There Onsager's relation L_ij(B) = L_ji(-B) takes its place: it is written into the index
symmetry, and the sign is +1 for the part that a non-magnetic crystal shows, -1 for the part that
needs magnetic order (Kleiner 1966, Phys. Rev. 142, 318; Grimmer 1993, Acta Cryst. A49, 763). An
optical tensor is that of a lossless crystal away from resonance, and follows the same two rules.

Jahn symbol. The same facts in the letters of Jahn (1949, Acta Cryst. 2, 30) as the Bilbao
Crystallographic Server prints them (Gallego et al. 2019, Acta Cryst. A75, 438), in plain ascii:

    symbol  = ["a"] ["e"] ("1" | product)     a: odd in time; e: axial; 1: rank 0
    product = factor {factor}                 indices in the order of the slots
    factor  = "V" [number]                    one polar index, or that many
            | "[" product "]"                 symmetric under exchange of its factors
            | "{" product "}"                 antisymmetric under exchange of its factors
            | "(" product ")"                 several factors taken as one

Inside [ ] and { } the factors are alike, and V2 counts as two of them. The round brackets and the
`1` are ours. The letter a states the sign of `time_reversal`, so Bilbao's stars (Onsager) are not
used.

Units are SI: a space multiplies, ^ raises to a power, 1 is dimensionless.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, overload

from ..errors import UnknownTensorError
from .dielectric import DIELECTRIC
from .entry import PhysicalTensor
from .magnetism import MAGNETISM
from .mechanics import MECHANICS
from .molecules import MOLECULES
from .optics import OPTICS
from .scalars_and_vectors import SCALARS_AND_VECTORS
from .transport import TRANSPORT

Other = TypeVar("Other")


class Catalog(Mapping[str, PhysicalTensor]):
    """Physical tensors by name, an immutable mapping in the order of the fields of physics.

    A lookup ignores case, spaces, underscores and hyphens, and knows the aliases.
    Iteration and `len` see each tensor once, under its own name.

    Args:
        fields: the entries of each field of physics, in the order to keep.

    Raises:
        ValueError: when two entries answer to the same name, or a name is not in its plain form.
    """

    __slots__ = ("_entries", "_fields", "_joined", "_names")

    def __init__(self, fields: Mapping[str, tuple[PhysicalTensor, ...]]) -> None:
        self._fields = dict(fields)
        self._entries: dict[str, PhysicalTensor] = {}
        self._names: dict[str, str] = {}  # as they are spelt
        self._joined: dict[str, str] = {}  # without their hyphens
        for entry in (entry for entries in self._fields.values() for entry in entries):
            self._entries[entry.name] = entry
            for name in (entry.name, *entry.aliases):
                if name != _plain(name):
                    raise ValueError(f"{name!r} is no catalogue name; write it {_plain(name)!r}")
                if (joined := _joined(name)) in self._joined:
                    raise ValueError(
                        f"{name!r} names both {self._joined[joined]!r} and {entry.name!r}; "
                        "rename one of them"
                    )
                self._names[name] = self._joined[joined] = entry.name

    @property
    def fields(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The fields of physics in order, each with the names of its tensors."""
        return tuple(
            (field, tuple(entry.name for entry in entries))
            for field, entries in self._fields.items()
        )

    def __getitem__(self, name: str) -> PhysicalTensor:
        """Return the tensor of this name or alias.

        Raises:
            UnknownTensorError: when there is none; the message gives the nearest names.
        """
        try:
            return self._entries[self._joined[_joined(str(name))]]
        except KeyError:
            raise UnknownTensorError(self._complaint(name)) from None

    # the inherited two would look for the nearest names of every index symmetry they are asked for
    def __contains__(self, name: object) -> bool:
        return _joined(str(name)) in self._joined

    @overload
    def get(self, name: str, default: None = None, /) -> PhysicalTensor | None: ...
    @overload
    def get(self, name: str, default: Other, /) -> PhysicalTensor | Other: ...
    def get(self, name: str, default: Any = None, /) -> Any:
        """Return the tensor of this name or alias, or a default."""
        return self[name] if name in self else default  # noqa: SIM401

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(entries)} {field}" for field, entries in self._fields.items())
        return f"<Catalog of {len(self)} physical tensors: {counts}>"

    def __reduce__(self) -> tuple[type[Catalog], tuple[dict[str, tuple[PhysicalTensor, ...]]]]:
        return (Catalog, (self._fields,))

    def nearest(self, word: str) -> list[str]:
        """Return the names of tensors that a word may have meant, the nearest first.

        Names and aliases that share a word with it and, from four letters on (three are too
        easily alike), those that are spelt alike or begin with it.
        """
        plain = _plain(word)
        near = [name for name in self._names if set(plain.split("-")) & set(name.split("-"))]
        if len(plain) > 3:
            near += get_close_matches(plain, self._names, n=5)
            near += [name for name in self._names if name.startswith(plain)]
        # several aliases of one tensor may be near; the reader wants the tensor once
        return list(dict.fromkeys(self._names[match] for match in near))[:5]

    def _complaint(self, name: str) -> str:
        nearest = self.nearest(str(name))
        hint = f" The nearest: {', '.join(nearest)}." if nearest else ""
        return (
            f"there is no physical tensor {name!r}.{hint} "
            f"Run `natural-tensors list` to see all {len(self)} names."
        )


def _plain(name: str) -> str:
    """Return a name in the form the catalogue keeps: lower case, words joined by one hyphen."""
    return "-".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _joined(name: str) -> str:
    """Return what a lookup compares: ``photo-elastic`` is ``photoelastic``."""
    return _plain(name).replace("-", "")


catalog = Catalog(
    {
        "mechanics": MECHANICS,
        "dielectric and electromechanical": DIELECTRIC,
        "optics": OPTICS,
        "magnetism": MAGNETISM,
        "transport": TRANSPORT,
        "molecules and magnetic resonance": MOLECULES,
        "scalars and vectors": SCALARS_AND_VECTORS,
    }
)
