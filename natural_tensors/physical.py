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
from dataclasses import dataclass
from difflib import get_close_matches

from .errors import UnknownTensorError


@dataclass(frozen=True, slots=True)
class PhysicalTensor:
    """One physical tensor: its index symmetry, its behaviour under inversion and time reversal.

    The module docstring states the syntax of `symmetry`, `jahn` and `unit` and the meaning of
    `axial` and `time_reversal`.

    Attributes:
        name: key in the catalogue: lower-case words joined by hyphens.
        title: what prose calls it.
        symbol: the field's symbol; `relation` carries it with its indices.
        symmetry: index symmetry, `"ijk=ikj"`; empty for rank 0.
        axial: True for a pseudo-tensor.
        time_reversal: +1 even, -1 odd.
        jahn: the Jahn symbol, its indices in the order of the slots.
        unit: the SI unit.
        relation: what it relates to what, with indices, and the convention chosen.
        source: where it is defined.
        aliases: other names the catalogue answers to.

    Raises:
        ValueError: when `time_reversal` is neither +1 nor -1.
    """

    name: str
    title: str
    symbol: str
    symmetry: str
    axial: bool
    time_reversal: int
    jahn: str
    unit: str
    relation: str
    source: str
    aliases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.time_reversal not in (1, -1):
            raise ValueError(
                f"time_reversal of {self.name!r} is {self.time_reversal!r}; "
                "write 1 for even or -1 for odd"
            )

    @property
    def rank(self) -> int:
        """Number of Cartesian indices."""
        return len(self.symmetry.partition("=")[0])


class Catalog(Mapping[str, PhysicalTensor]):
    """Physical tensors by name, an immutable mapping in the order of the fields of physics.

    A lookup ignores case, takes spaces and underscores for hyphens, and knows the aliases.
    Iteration and `len` see each tensor once, under its own name.

    Args:
        fields: the entries of each field of physics, in the order to keep.

    Raises:
        ValueError: when two entries answer to the same name, or a name is not in its plain form.
    """

    __slots__ = ("_entries", "_fields", "_names")

    def __init__(self, fields: Mapping[str, tuple[PhysicalTensor, ...]]) -> None:
        self._fields = dict(fields)
        self._entries: dict[str, PhysicalTensor] = {}
        self._names: dict[str, str] = {}
        for entry in (entry for entries in self._fields.values() for entry in entries):
            self._entries[entry.name] = entry
            for name in (entry.name, *entry.aliases):
                if name != _plain(name):
                    raise ValueError(f"{name!r} is no catalogue name; write it {_plain(name)!r}")
                if name in self._names:
                    raise ValueError(
                        f"{name!r} names both {self._names[name]!r} and {entry.name!r}; "
                        "rename one of them"
                    )
                self._names[name] = entry.name

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
            return self._entries[self._names[_plain(str(name))]]
        except KeyError:
            raise UnknownTensorError(self._complaint(name)) from None

    def __contains__(self, name: object) -> bool:
        # the inherited one would look for the nearest names of every index symmetry it is asked for
        return _plain(str(name)) in self._names

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


_MECHANICS = (
    PhysicalTensor(
        name="stress",
        title="Stress",
        symbol="σ",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="Pa",
        relation=(
            "Cauchy stress σ_ij: force along i per unit area of a face of normal j; symmetric "
            "where no body torque acts; tension is positive"
        ),
        source="Nye 1985, ch. V",
        aliases=("cauchy-stress",),
    ),
    PhysicalTensor(
        name="strain",
        title="Strain",
        symbol="ε",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="1",
        relation="infinitesimal strain ε_ij = (∂u_i/∂x_j + ∂u_j/∂x_i)/2 of the displacement u",
        source="Nye 1985, ch. VI",
    ),
    PhysicalTensor(
        name="rotation",
        title="Infinitesimal rotation",
        symbol="ω",
        symmetry="ij=-ji",
        axial=False,
        time_reversal=1,
        jahn="{V2}",
        unit="1",
        relation="antisymmetric part ω_ij = (∂u_i/∂x_j - ∂u_j/∂x_i)/2 of the displacement gradient",
        source="Nye 1985, ch. VI",
        aliases=("infinitesimal-rotation",),
    ),
    PhysicalTensor(
        name="displacement-gradient",
        title="Displacement gradient",
        symbol="e",
        symmetry="ij",
        axial=False,
        time_reversal=1,
        jahn="V2",
        unit="1",
        relation="e_ij = ∂u_i/∂x_j of the displacement u: strain plus rotation",
        source="Nye 1985, ch. VI",
        aliases=("distortion",),
    ),
    PhysicalTensor(
        name="thermal-expansion",
        title="Thermal expansion",
        symbol="α",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="1/K",
        relation="strain ε_ij = α_ij ΔT at constant stress",
        source="Nye 1985, ch. VI",
        aliases=("thermal-expansion-coefficient",),
    ),
    PhysicalTensor(
        name="elastic",
        title="Elastic stiffness",
        symbol="C",
        symmetry="ijkl=jikl=klij",
        axial=False,
        time_reversal=1,
        jahn="[[V2][V2]]",
        unit="Pa",
        relation="stress σ_ij = C_ijkl ε_kl, strain ε",
        source="Nye 1985, ch. VIII",
        aliases=(
            "stiffness",
            "elastic-stiffness",
            "elasticity",
            "elastic-constants",
            "second-order-elastic",
        ),
    ),
    PhysicalTensor(
        name="compliance",
        title="Elastic compliance",
        symbol="S",
        symmetry="ijkl=jikl=klij",
        axial=False,
        time_reversal=1,
        jahn="[[V2][V2]]",
        unit="1/Pa",
        relation=(
            "strain ε_ij = S_ijkl σ_kl, stress σ; the inverse of the stiffness on symmetric tensors"
        ),
        source="Nye 1985, ch. VIII",
        aliases=("elastic-compliance",),
    ),
    PhysicalTensor(
        name="third-order-elastic",
        title="Third-order elastic stiffness",
        symbol="C",
        symmetry="ijklmn=jiklmn=klijmn=klmnij",
        axial=False,
        time_reversal=1,
        jahn="[[V2][V2][V2]]",
        unit="Pa",
        relation=(
            "stress σ_ij = C_ijkl η_kl + (1/2) C_ijklmn η_kl η_mn, Lagrangian strain η, "
            "second Piola-Kirchhoff stress"
        ),
        source="Brugger 1964, Phys. Rev. 133, A1611; Fumi 1951, Phys. Rev. 83, 1274",
        aliases=("toec",),
    ),
    PhysicalTensor(
        name="fourth-order-elastic",
        title="Fourth-order elastic stiffness",
        symbol="C",
        symmetry="ijklmnop=jiklmnop=klijmnop=klmnopij",
        axial=False,
        time_reversal=1,
        jahn="[[V2][V2][V2][V2]]",
        unit="Pa",
        relation="adds (1/6) C_ijklmnop η_kl η_mn η_op to the stress σ_ij, Lagrangian strain η",
        source="Brugger 1964, Phys. Rev. 133, A1611",
        aliases=("foec",),
    ),
    PhysicalTensor(
        name="fifth-order-elastic",
        title="Fifth-order elastic stiffness",
        symbol="C",
        symmetry="ijklmnopqr=jiklmnopqr=klijmnopqr=klmnopqrij",
        axial=False,
        time_reversal=1,
        jahn="[[V2][V2][V2][V2][V2]]",
        unit="Pa",
        relation=(
            "adds (1/24) C_ijklmnopqr η_kl η_mn η_op η_qr to the stress σ_ij, Lagrangian strain η"
        ),
        source="Brugger 1964, Phys. Rev. 133, A1611",
    ),
    PhysicalTensor(
        name="micropolar-elastic",
        title="Micropolar elastic stiffness",
        symbol="A",
        symmetry="ijkl=klij",
        axial=False,
        time_reversal=1,
        jahn="[(V2)(V2)]",
        unit="Pa",
        relation="stress t_ij = A_ijkl e_kl; stress and micropolar strain e need not be symmetric",
        source="Eringen 1999, Microcontinuum Field Theories I, ch. 5",
        aliases=("cosserat-elastic",),
    ),
    PhysicalTensor(
        name="strain-gradient",
        title="Strain-gradient elastic stiffness",
        symbol="A",
        symmetry="ijklmn=jiklmn=lmnijk",
        axial=False,
        time_reversal=1,
        jahn="[([V2]V)([V2]V)]",
        unit="N",
        relation="double stress τ_ijk = A_ijklmn η_lmn, gradient of strain η_lmn = ∂ε_lm/∂x_n",
        source=(
            "Mindlin 1964, Arch. Ration. Mech. Anal. 16, 51; Auffray, Le Quang and He 2013, "
            "J. Mech. Phys. Solids 61, 1202"
        ),
        aliases=("strain-gradient-elastic",),
    ),
    PhysicalTensor(
        name="strain-gradient-coupling",
        title="Coupling of strain and strain gradient",
        symbol="M",
        symmetry="ijklm=jiklm=ijlkm",
        axial=False,
        time_reversal=1,
        jahn="[V2][V2]V",
        unit="N/m",
        relation="stress σ_ij = M_ijklm η_klm, gradient of strain η_klm = ∂ε_kl/∂x_m",
        source="Auffray, Le Quang and He 2013, J. Mech. Phys. Solids 61, 1202",
    ),
    PhysicalTensor(
        name="acoustic-activity",
        title="Acoustic activity",
        symbol="d",
        symmetry="ijklm=jiklm=-klijm",
        axial=False,
        time_reversal=1,
        jahn="{[V2][V2]}V",
        unit="N/m",
        relation="stiffness at wave vector q: C_ijkl(q) = C_ijkl + i d_ijklm q_m",
        source="Portigal and Burstein 1968, Phys. Rev. 170, 673",
        aliases=("acoustical-activity",),
    ),
    PhysicalTensor(
        name="viscosity",
        title="Viscosity",
        symbol="η",
        symmetry="ijkl=jikl=klij",
        axial=False,
        time_reversal=1,
        jahn="[[V2][V2]]",
        unit="Pa s",
        relation="viscous stress σ_ij = η_ijkl ∂ε_kl/∂t; exchange of pairs by Onsager",
        source="Landau and Lifshitz, Theory of Elasticity, ch. V",
    ),
    PhysicalTensor(
        name="force-constants",
        title="Interatomic force constants",
        symbol="Φ",
        symmetry="ij",
        axial=False,
        time_reversal=1,
        jahn="V2",
        unit="N/m",
        relation=(
            "force F_i = -Φ_ij u_j on one atom from the displacement u of another; for one "
            "ordered pair, exchange of the atoms transposes it"
        ),
        source="Born and Huang 1954, Dynamical Theory of Crystal Lattices",
        aliases=("force-constant",),
    ),
    PhysicalTensor(
        name="internal-strain",
        title="Internal strain: force response to strain",
        symbol="Λ",
        symmetry="ijk=ikj",
        axial=False,
        time_reversal=1,
        jahn="V[V2]",
        unit="N",
        relation="force F_i = Λ_ijk ε_jk on one atom, strain ε at clamped atoms",
        source="Wu, Vanderbilt and Hamann 2005, Phys. Rev. B 72, 035105",
        aliases=("force-response-internal-strain",),
    ),
    PhysicalTensor(
        name="anisotropic-displacement",
        title="Anisotropic displacement parameters",
        symbol="U",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="m^2",
        relation="mean square displacement U_ij = <u_i u_j> of one atom, Cartesian axes",
        source="Trueblood et al. 1996, Acta Cryst. A52, 770",
        aliases=("adp", "thermal-ellipsoid"),
    ),
)

_DIELECTRIC = (
    PhysicalTensor(
        name="polarization",
        title="Spontaneous polarization",
        symbol="P",
        symmetry="i",
        axial=False,
        time_reversal=1,
        jahn="V",
        unit="C/m^2",
        relation=(
            "electric dipole moment P_i per unit volume; in a periodic crystal defined up to "
            "a quantum"
        ),
        source="Nye 1985, ch. IV; King-Smith and Vanderbilt 1993, Phys. Rev. B 47, 1651",
        aliases=("electric-polarization",),
    ),
    PhysicalTensor(
        name="pyroelectric",
        title="Pyroelectric coefficient",
        symbol="p",
        symmetry="i",
        axial=False,
        time_reversal=1,
        jahn="V",
        unit="C/(m^2 K)",
        relation="polarization ΔP_i = p_i ΔT",
        source="Nye 1985, ch. IV; Newnham 2005, ch. 8",
        aliases=("pyroelectricity", "electrocaloric"),
    ),
    PhysicalTensor(
        name="dielectric",
        title="Relative permittivity",
        symbol="ε",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="1",
        relation="displacement field D_i = ε0 ε_ij E_j; ε_ij = δ_ij in vacuum",
        source="Nye 1985, ch. IV",
        aliases=("permittivity", "dielectric-constant", "relative-permittivity"),
    ),
    PhysicalTensor(
        name="dielectric-susceptibility",
        title="Dielectric susceptibility",
        symbol="χ",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="1",
        relation="polarization P_i = ε0 χ_ij E_j",
        source="Nye 1985, ch. IV",
        aliases=("electric-susceptibility",),
    ),
    PhysicalTensor(
        name="impermeability",
        title="Dielectric impermeability",
        symbol="η",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="1",
        relation=(
            "field ε0 E_i = η_ij D_j, the inverse of the relative permittivity; its quadric "
            "is the optical indicatrix"
        ),
        source="Nye 1985, ch. XIII",
        aliases=("dielectric-impermeability", "indicatrix"),
    ),
    PhysicalTensor(
        name="piezoelectric",
        title="Piezoelectric strain coefficient",
        symbol="d",
        symmetry="ijk=ikj",
        axial=False,
        time_reversal=1,
        jahn="V[V2]",
        unit="C/N",
        relation="direct effect: polarization P_i = d_ijk σ_jk; converse: strain ε_jk = d_ijk E_i",
        source="Nye 1985, ch. VII",
        aliases=("piezoelectric-strain", "piezoelectricity", "piezoelectric-d"),
    ),
    PhysicalTensor(
        name="piezoelectric-stress",
        title="Piezoelectric stress coefficient",
        symbol="e",
        symmetry="ijk=ikj",
        axial=False,
        time_reversal=1,
        jahn="V[V2]",
        unit="C/m^2",
        relation=(
            "polarization P_i = e_ijk ε_jk at zero field (the proper one), strain ε; "
            "converse: stress σ_jk = -e_ijk E_i"
        ),
        source="Nye 1985, ch. VII; Newnham 2005, ch. 12",
        aliases=("piezoelectric-e",),
    ),
    PhysicalTensor(
        name="piezoelectric-voltage",
        title="Piezoelectric voltage coefficient",
        symbol="g",
        symmetry="ijk=ikj",
        axial=False,
        time_reversal=1,
        jahn="V[V2]",
        unit="V m/N",
        relation="field E_i = -g_ijk σ_jk at zero displacement field, stress σ",
        source="Newnham 2005, ch. 12",
        aliases=("piezoelectric-g",),
    ),
    PhysicalTensor(
        name="second-order-piezoelectric",
        title="Second-order piezoelectric coefficient",
        symbol="e",
        symmetry="ijklm=ikjlm=ilmjk",
        axial=False,
        time_reversal=1,
        jahn="V[[V2][V2]]",
        unit="C/m^2",
        relation="adds (1/2) e_ijklm ε_jk ε_lm to the polarization P_i, strain ε",
        source="Newnham 2005, ch. 15",
        aliases=("nonlinear-piezoelectric",),
    ),
    PhysicalTensor(
        name="electrostriction",
        title="Electrostriction",
        symbol="Q",
        symmetry="ijkl=jikl=ijlk",
        axial=False,
        time_reversal=1,
        jahn="[V2][V2]",
        unit="m^4/C^2",
        relation=(
            "strain ε_ij = Q_ijkl P_k P_l; many authors define it by E_k E_l instead, which "
            "keeps the symmetry"
        ),
        source="Newnham 2005, ch. 15",
    ),
    PhysicalTensor(
        name="flexoelectric",
        title="Flexoelectric coefficient",
        symbol="μ",
        symmetry="ijkl=ikjl",
        axial=False,
        time_reversal=1,
        jahn="V[V2]V",
        unit="C/m",
        relation=(
            "polarization P_i = μ_ijkl ∂ε_jk/∂x_l; other authors put the gradient index elsewhere"
        ),
        source=(
            "Zubko et al. 2007, Phys. Rev. Lett. 99, 167601; Zubko, Catalan and Tagantsev "
            "2013, Annu. Rev. Mater. Res. 43, 387"
        ),
        aliases=("flexoelectricity",),
    ),
    PhysicalTensor(
        name="born-charge",
        title="Born effective charge",
        symbol="Z*",
        symmetry="ij",
        axial=False,
        time_reversal=1,
        jahn="V2",
        unit="1",
        relation=(
            "Z*_ij = (Ω/e) ∂P_i/∂u_j for the displacement u of one atom in the cell of volume "
            "Ω, in units of e; some codes print the transpose"
        ),
        source="Gonze and Lee 1997, Phys. Rev. B 55, 10355",
        aliases=("born-effective-charge", "bec", "atomic-polar-tensor"),
    ),
)

_OPTICS = (
    PhysicalTensor(
        name="photoelastic",
        title="Photoelastic (elasto-optic) coefficient",
        symbol="p",
        symmetry="ijkl=jikl=ijlk",
        axial=False,
        time_reversal=1,
        jahn="[V2][V2]",
        unit="1",
        relation=(
            "impermeability Δη_ij = p_ijkl ε_kl, strain ε; the part due to rotation is left out"
        ),
        source="Nye 1985, ch. XIII; Newnham 2005, ch. 27",
        aliases=("elasto-optic", "strain-optic"),
    ),
    PhysicalTensor(
        name="piezo-optic",
        title="Piezo-optic (stress-optic) coefficient",
        symbol="π",
        symmetry="ijkl=jikl=ijlk",
        axial=False,
        time_reversal=1,
        jahn="[V2][V2]",
        unit="1/Pa",
        relation="impermeability Δη_ij = π_ijkl σ_kl, stress σ",
        source="Nye 1985, ch. XIII",
        aliases=("stress-optic",),
    ),
    PhysicalTensor(
        name="electro-optic",
        title="Linear electro-optic (Pockels) coefficient",
        symbol="r",
        symmetry="ijk=jik",
        axial=False,
        time_reversal=1,
        jahn="[V2]V",
        unit="m/V",
        relation="impermeability Δη_ij = r_ijk E_k",
        source="Nye 1985, ch. XIII; Boyd, Nonlinear Optics, ch. 11",
        aliases=("pockels", "linear-electro-optic"),
    ),
    PhysicalTensor(
        name="kerr",
        title="Quadratic electro-optic (Kerr) coefficient",
        symbol="s",
        symmetry="ijkl=jikl=ijlk",
        axial=False,
        time_reversal=1,
        jahn="[V2][V2]",
        unit="m^2/V^2",
        relation="impermeability Δη_ij = s_ijkl E_k E_l",
        source="Newnham 2005, ch. 28; Boyd, Nonlinear Optics, ch. 11",
        aliases=("quadratic-electro-optic",),
    ),
    PhysicalTensor(
        name="shg",
        title="Second-harmonic susceptibility",
        symbol="χ⁽²⁾",
        symmetry="ijk=ikj",
        axial=False,
        time_reversal=1,
        jahn="V[V2]",
        unit="m/V",
        relation="P_i(2ω) = ε0 χ⁽²⁾_ijk E_j(ω) E_k(ω), twice the d_ijk of the tables",
        source="Boyd, Nonlinear Optics, ch. 1",
        aliases=("second-harmonic", "second-harmonic-generation", "nonlinear-optical"),
    ),
    PhysicalTensor(
        name="shg-kleinman",
        title="Second-harmonic susceptibility, Kleinman",
        symbol="χ⁽²⁾",
        symmetry="ijk=jik=ikj",
        axial=False,
        time_reversal=1,
        jahn="[V3]",
        unit="m/V",
        relation="P_i(2ω) = ε0 χ⁽²⁾_ijk E_j(ω) E_k(ω) where dispersion is negligible (Kleinman)",
        source="Boyd, Nonlinear Optics, ch. 1; Kleinman 1962, Phys. Rev. 126, 1977",
        aliases=("second-harmonic-kleinman",),
    ),
    PhysicalTensor(
        name="thg",
        title="Third-harmonic susceptibility",
        symbol="χ⁽³⁾",
        symmetry="ijkl=ikjl=iklj",
        axial=False,
        time_reversal=1,
        jahn="V[V3]",
        unit="m^2/V^2",
        relation="P_i(3ω) = ε0 χ⁽³⁾_ijkl E_j(ω) E_k(ω) E_l(ω)",
        source="Boyd, Nonlinear Optics, ch. 1",
        aliases=("third-harmonic", "third-harmonic-generation"),
    ),
    PhysicalTensor(
        name="thg-kleinman",
        title="Third-harmonic susceptibility, Kleinman",
        symbol="χ⁽³⁾",
        symmetry="ijkl=jikl=jkli",
        axial=False,
        time_reversal=1,
        jahn="[V4]",
        unit="m^2/V^2",
        relation="P_i(3ω) = ε0 χ⁽³⁾_ijkl E_j(ω) E_k(ω) E_l(ω) where dispersion is negligible",
        source="Boyd, Nonlinear Optics, ch. 1",
        aliases=("third-harmonic-kleinman",),
    ),
    PhysicalTensor(
        name="four-wave-mixing",
        title="Third-order susceptibility, four frequencies",
        symbol="χ⁽³⁾",
        symmetry="ijkl",
        axial=False,
        time_reversal=1,
        jahn="V4",
        unit="m^2/V^2",
        relation=(
            "P_i(ω1+ω2+ω3) = 6 ε0 χ⁽³⁾_ijkl E_j(ω1) E_k(ω2) E_l(ω3), three distinct frequencies"
        ),
        source="Boyd, Nonlinear Optics, ch. 1",
        aliases=("third-order-susceptibility",),
    ),
    PhysicalTensor(
        name="gyration",
        title="Gyration (optical activity)",
        symbol="g",
        symmetry="ij=ji",
        axial=True,
        time_reversal=1,
        jahn="e[V2]",
        unit="1",
        relation=(
            "gyration G = g_ij n_i n_j along the wave normal n; rotatory power is proportional to G"
        ),
        source="Nye 1985, ch. XIV",
        aliases=("optical-activity", "gyration-tensor"),
    ),
    PhysicalTensor(
        name="spatial-dispersion",
        title="First-order spatial dispersion",
        symbol="γ",
        symmetry="ijk=-jik",
        axial=False,
        time_reversal=1,
        jahn="{V2}V",
        unit="m",
        relation=(
            "permittivity at wave vector q: ε_ij(q) = ε_ij + i γ_ijk q_k; its dual on ij is "
            "an axial tensor of rank 2"
        ),
        source="Landau and Lifshitz, Electrodynamics of Continuous Media, ch. XII",
        aliases=("natural-optical-activity",),
    ),
    PhysicalTensor(
        name="electrogyration",
        title="Electrogyration",
        symbol="ξ",
        symmetry="ijk=jik",
        axial=True,
        time_reversal=1,
        jahn="e[V2]V",
        unit="m/V",
        relation="gyration Δg_ij = ξ_ijk E_k",
        source="Aizu 1964, Phys. Rev. 133, A1584; Newnham 2005, ch. 30",
    ),
    PhysicalTensor(
        name="piezogyration",
        title="Piezogyration",
        symbol="R",
        symmetry="ijkl=jikl=ijlk",
        axial=True,
        time_reversal=1,
        jahn="e[V2][V2]",
        unit="1/Pa",
        relation="gyration Δg_ij = R_ijkl σ_kl, stress σ",
        source="Newnham 2005, ch. 30",
    ),
    PhysicalTensor(
        name="faraday",
        title="Faraday effect",
        symbol="F",
        symmetry="ijk=-jik",
        axial=True,
        time_reversal=1,
        jahn="e{V2}V",
        unit="1/T",
        relation="permittivity Δε_ij = i F_ijk B_k; antisymmetric since ε_ij(B) = ε_ji(-B)",
        source=(
            "Landau and Lifshitz, Electrodynamics of Continuous Media, ch. XI; Newnham 2005, ch. 31"
        ),
        aliases=("magneto-optic", "verdet"),
    ),
    PhysicalTensor(
        name="cotton-mouton",
        title="Cotton-Mouton effect",
        symbol="C",
        symmetry="ijkl=jikl=ijlk",
        axial=False,
        time_reversal=1,
        jahn="[V2][V2]",
        unit="1/T^2",
        relation="permittivity Δε_ij = C_ijkl B_k B_l",
        source=(
            "Landau and Lifshitz, Electrodynamics of Continuous Media, ch. XI; Newnham 2005, ch. 31"
        ),
        aliases=("voigt-effect",),
    ),
    PhysicalTensor(
        name="raman",
        title="Raman tensor of a mode",
        symbol="R",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="C m/(V kg^1/2)",
        relation=(
            "R_ij = ∂α_ij/∂Q, polarizability α, mass-weighted mode coordinate Q; symmetric "
            "away from resonance; the crystal's group acts on Q as well"
        ),
        source="Long 2002, The Raman Effect",
        aliases=("raman-tensor",),
    ),
    PhysicalTensor(
        name="atomic-raman",
        title="Raman response to an atomic displacement",
        symbol="R",
        symmetry="ijk=jik",
        axial=False,
        time_reversal=1,
        jahn="[V2]V",
        unit="1/m",
        relation="R_ijk = ∂χ_ij/∂u_k, susceptibility χ, displacement u of one atom",
        source="Veithen, Gonze and Ghosez 2005, Phys. Rev. B 71, 125107",
        aliases=("susceptibility-derivative",),
    ),
    PhysicalTensor(
        name="linear-photogalvanic",
        title="Linear photogalvanic effect",
        symbol="β",
        symmetry="ijk=ikj",
        axial=False,
        time_reversal=1,
        jahn="V[V2]",
        unit="A/V^2",
        relation=(
            "current density j_i = β_ijk E_j E_k* of light, linear polarization; a "
            "dissipative coefficient, time-even part"
        ),
        source=(
            "Sturman and Fridkin 1992, The Photovoltaic and Photorefractive Effects in "
            "Noncentrosymmetric Materials"
        ),
        aliases=("bulk-photovoltaic", "shift-current"),
    ),
    PhysicalTensor(
        name="circular-photogalvanic",
        title="Circular photogalvanic effect",
        symbol="γ",
        symmetry="ij",
        axial=True,
        time_reversal=1,
        jahn="eV2",
        unit="A/V^2",
        relation=(
            "current density j_i = i γ_ij (E × E*)_j of light, circular polarization; "
            "time-even part"
        ),
        source=(
            "Sturman and Fridkin 1992, The Photovoltaic and Photorefractive Effects in "
            "Noncentrosymmetric Materials"
        ),
    ),
)

_MAGNETISM = (
    PhysicalTensor(
        name="magnetization",
        title="Magnetization",
        symbol="M",
        symmetry="i",
        axial=True,
        time_reversal=-1,
        jahn="aeV",
        unit="A/m",
        relation="magnetic dipole moment M_i per unit volume",
        source="Newnham 2005, ch. 14",
        aliases=("spontaneous-magnetization",),
    ),
    PhysicalTensor(
        name="magnetic-moment",
        title="Magnetic dipole moment",
        symbol="m",
        symmetry="i",
        axial=True,
        time_reversal=-1,
        jahn="aeV",
        unit="A m^2",
        relation="energy -m_i B_i",
        source="Newnham 2005, ch. 14",
        aliases=("magnetic-dipole", "magmom"),
    ),
    PhysicalTensor(
        name="magnetic-susceptibility",
        title="Magnetic susceptibility",
        symbol="χ",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="1",
        relation="magnetization M_i = χ_ij H_j",
        source="Nye 1985, ch. III",
    ),
    PhysicalTensor(
        name="magnetic-permeability",
        title="Relative magnetic permeability",
        symbol="μ",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="1",
        relation="induction B_i = μ0 μ_ij H_j",
        source="Nye 1985, ch. III",
        aliases=("permeability",),
    ),
    PhysicalTensor(
        name="magnetic-anisotropy",
        title="Second-order magnetic anisotropy",
        symbol="K",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="J/m^3",
        relation=(
            "energy density K_ij m_i m_j, direction of magnetization m; only the traceless "
            "part matters"
        ),
        source="Landau and Lifshitz, Electrodynamics of Continuous Media, ch. V",
        aliases=("magnetocrystalline-anisotropy",),
    ),
    PhysicalTensor(
        name="fourth-order-magnetic-anisotropy",
        title="Fourth-order magnetic anisotropy",
        symbol="K",
        symmetry="ijkl=jikl=jkli",
        axial=False,
        time_reversal=1,
        jahn="[V4]",
        unit="J/m^3",
        relation="energy density K_ijkl m_i m_j m_k m_l, direction of magnetization m",
        source="Landau and Lifshitz, Electrodynamics of Continuous Media, ch. V",
        aliases=("cubic-anisotropy",),
    ),
    PhysicalTensor(
        name="magnetostriction",
        title="Magnetostriction",
        symbol="N",
        symmetry="ijkl=jikl=ijlk",
        axial=False,
        time_reversal=1,
        jahn="[V2][V2]",
        unit="m^2/A^2",
        relation=(
            "strain ε_ij = N_ijkl M_k M_l; others use the direction of M, which keeps the symmetry"
        ),
        source="Newnham 2005, ch. 15",
    ),
    PhysicalTensor(
        name="piezomagnetic",
        title="Piezomagnetic coefficient",
        symbol="Λ",
        symmetry="ijk=ikj",
        axial=True,
        time_reversal=-1,
        jahn="aeV[V2]",
        unit="1/T",
        relation="magnetization M_i = Λ_ijk σ_jk, stress σ; 1/T is A/m per Pa",
        source=(
            "Landau and Lifshitz, Electrodynamics of Continuous Media, ch. V; Newnham 2005, ch. 14"
        ),
        aliases=("piezomagnetism",),
    ),
    PhysicalTensor(
        name="magnetoelectric",
        title="Linear magnetoelectric coefficient",
        symbol="α",
        symmetry="ij",
        axial=True,
        time_reversal=-1,
        jahn="aeV2",
        unit="s/m",
        relation="polarization P_i = α_ij H_j; converse: μ0 M_j = α_ij E_i",
        source="Fiebig 2005, J. Phys. D 38, R123; Newnham 2005, ch. 14",
        aliases=("linear-magnetoelectric",),
    ),
    PhysicalTensor(
        name="magnetoelectric-beta",
        title="Second-order magnetoelectric coefficient, EHH",
        symbol="β",
        symmetry="ijk=ikj",
        axial=False,
        time_reversal=1,
        jahn="V[V2]",
        unit="s/A",
        relation="polarization P_i = (1/2) β_ijk H_j H_k",
        source="Rivera 2009, Eur. Phys. J. B 71, 299",
        aliases=("magnetoelectric-ehh",),
    ),
    PhysicalTensor(
        name="magnetoelectric-gamma",
        title="Second-order magnetoelectric coefficient, HEE",
        symbol="γ",
        symmetry="ijk=ikj",
        axial=True,
        time_reversal=-1,
        jahn="aeV[V2]",
        unit="s/V",
        relation="magnetization μ0 M_i = (1/2) γ_ijk E_j E_k",
        source="Rivera 2009, Eur. Phys. J. B 71, 299",
        aliases=("magnetoelectric-hee",),
    ),
    PhysicalTensor(
        name="magnetoelectric-monopole",
        title="Magnetoelectric monopole",
        symbol="a",
        symmetry="",
        axial=True,
        time_reversal=-1,
        jahn="ae1",
        unit="A m^3",
        relation="a = (1/3) Σ r_i m_i over the magnetic moments m at r",
        source="Spaldin, Fiebig and Mostovoy 2008, J. Phys. Condens. Matter 20, 434203",
    ),
    PhysicalTensor(
        name="toroidal-moment",
        title="Toroidal moment",
        symbol="t",
        symmetry="i",
        axial=False,
        time_reversal=-1,
        jahn="aV",
        unit="A m^3",
        relation="t_i = (1/2) Σ (r × m)_i over the magnetic moments m at r",
        source="Spaldin, Fiebig and Mostovoy 2008, J. Phys. Condens. Matter 20, 434203",
        aliases=("magnetic-toroidal-moment", "toroidization"),
    ),
    PhysicalTensor(
        name="magnetic-quadrupole",
        title="Magnetic quadrupole moment",
        symbol="q",
        symmetry="ij=ji",
        axial=True,
        time_reversal=-1,
        jahn="ae[V2]",
        unit="A m^3",
        relation=(
            "q_ij = (1/2) Σ (r_i m_j + r_j m_i) less its trace, over the magnetic moments m "
            "at r: traceless, which the index symmetry does not say"
        ),
        source="Spaldin, Fiebig and Mostovoy 2008, J. Phys. Condens. Matter 20, 434203",
    ),
    PhysicalTensor(
        name="exchange-interaction",
        title="Exchange interaction of two spins",
        symbol="J",
        symmetry="ij",
        axial=False,
        time_reversal=1,
        jahn="V2",
        unit="J",
        relation=(
            "energy J_ij S_i S'_j of two spins S, S'; the antisymmetric part is "
            "Dzyaloshinskii-Moriya's; the opposite sign and a factor 2 are also in use"
        ),
        source="Moriya 1960, Phys. Rev. 120, 91",
        aliases=("exchange",),
    ),
    PhysicalTensor(
        name="dzyaloshinskii-moriya",
        title="Dzyaloshinskii-Moriya vector",
        symbol="D",
        symmetry="i",
        axial=True,
        time_reversal=1,
        jahn="eV",
        unit="J",
        relation="energy D_i (S × S')_i of two spins S, S'",
        source="Moriya 1960, Phys. Rev. 120, 91",
        aliases=("dmi", "dm-vector"),
    ),
)

_TRANSPORT = (
    PhysicalTensor(
        name="electrical-conductivity",
        title="Electrical conductivity",
        symbol="σ",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="S/m",
        relation=(
            "current density j_i = σ_ij E_j; symmetric by Onsager without magnetic order or field"
        ),
        source="Nye 1985, ch. XI",
        aliases=("conductivity",),
    ),
    PhysicalTensor(
        name="electrical-resistivity",
        title="Electrical resistivity",
        symbol="ρ",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="Ω m",
        relation=(
            "field E_i = ρ_ij j_j, current density j; symmetric by Onsager without magnetic "
            "order or field"
        ),
        source="Nye 1985, ch. XI; Newnham 2005, ch. 17",
        aliases=("resistivity",),
    ),
    PhysicalTensor(
        name="thermal-conductivity",
        title="Thermal conductivity",
        symbol="κ",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="W/(m K)",
        relation="heat current density h_i = -κ_ij ∂T/∂x_j; symmetric by Onsager",
        source="Nye 1985, ch. XI; Newnham 2005, ch. 18",
    ),
    PhysicalTensor(
        name="diffusion",
        title="Diffusion coefficient",
        symbol="D",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="m^2/s",
        relation="flux J_i = -D_ij ∂c/∂x_j, concentration c; symmetric by Onsager",
        source="Newnham 2005, ch. 19",
        aliases=("diffusivity",),
    ),
    PhysicalTensor(
        name="seebeck",
        title="Seebeck coefficient",
        symbol="S",
        symmetry="ij",
        axial=False,
        time_reversal=1,
        jahn="V2",
        unit="V/K",
        relation=(
            "field E_i = S_ij ∂T/∂x_j at zero current; Onsager ties it to the Peltier "
            "coefficient and does not make it symmetric; signs of S differ"
        ),
        source="Nye 1985, ch. XII; Newnham 2005, ch. 21",
        aliases=("thermopower",),
    ),
    PhysicalTensor(
        name="peltier",
        title="Peltier coefficient",
        symbol="Π",
        symmetry="ij",
        axial=False,
        time_reversal=1,
        jahn="V2",
        unit="V",
        relation=(
            "heat current density h_i = Π_ij j_j, electric current density j; Π_ij = T S_ji "
            "by Onsager, Seebeck coefficient S"
        ),
        source="Nye 1985, ch. XII; Newnham 2005, ch. 21",
    ),
    PhysicalTensor(
        name="hall",
        title="Hall coefficient",
        symbol="R",
        symmetry="ijk=-jik",
        axial=True,
        time_reversal=1,
        jahn="e{V2}V",
        unit="m^3/C",
        relation=(
            "field E_i = R_ijk j_j B_k, current density j; antisymmetric since ρ_ij(B) = "
            "ρ_ji(-B) by Onsager"
        ),
        source=(
            "Newnham 2005, ch. 20; Landau and Lifshitz, Electrodynamics of Continuous Media, "
            "ch. III"
        ),
        aliases=("hall-effect",),
    ),
    PhysicalTensor(
        name="anomalous-hall",
        title="Anomalous Hall conductivity",
        symbol="σ",
        symmetry="ij=-ji",
        axial=False,
        time_reversal=-1,
        jahn="a{V2}",
        unit="S/m",
        relation=(
            "current density j_i = σ_ij E_j, the part antisymmetric in ij; by Onsager the "
            "part odd in the magnetic order"
        ),
        source="Nagaosa et al. 2010, Rev. Mod. Phys. 82, 1539",
        aliases=("anomalous-hall-conductivity",),
    ),
    PhysicalTensor(
        name="spin-hall",
        title="Spin Hall conductivity",
        symbol="σ",
        symmetry="ijk",
        axial=True,
        time_reversal=1,
        jahn="eV3",
        unit="S/m",
        relation="spin current along i of spin k: j_ik = (ħ/2e) σ_ijk E_j; the part even in time",
        source="Sinova et al. 2015, Rev. Mod. Phys. 87, 1213",
        aliases=("spin-hall-conductivity",),
    ),
    PhysicalTensor(
        name="magnetoresistance",
        title="Magnetoresistance",
        symbol="ξ",
        symmetry="ijkl=jikl=ijlk",
        axial=False,
        time_reversal=1,
        jahn="[V2][V2]",
        unit="Ω m/T^2",
        relation=(
            "resistivity Δρ_ij = ξ_ijkl B_k B_l; symmetric in ij since ρ_ij(B) = ρ_ji(-B) by "
            "Onsager"
        ),
        source="Newnham 2005, ch. 20",
    ),
    PhysicalTensor(
        name="nernst",
        title="Nernst coefficient",
        symbol="N",
        symmetry="ijk",
        axial=True,
        time_reversal=1,
        jahn="eV3",
        unit="V/(K T)",
        relation=(
            "field E_i = N_ijk (∂T/∂x_j) B_k at zero current; Onsager ties it to the "
            "Ettingshausen effect and leaves ij free"
        ),
        source="Newnham 2005, ch. 20",
        aliases=("nernst-effect",),
    ),
    PhysicalTensor(
        name="righi-leduc",
        title="Righi-Leduc coefficient (thermal Hall effect)",
        symbol="κ",
        symmetry="ijk=-jik",
        axial=True,
        time_reversal=1,
        jahn="e{V2}V",
        unit="W/(m K T)",
        relation=(
            "heat current density h_i = -κ_ijk (∂T/∂x_j) B_k; antisymmetric since κ_ij(B) = "
            "κ_ji(-B) by Onsager"
        ),
        source="Newnham 2005, ch. 20",
        aliases=("thermal-hall",),
    ),
    PhysicalTensor(
        name="piezoresistance",
        title="Piezoresistance",
        symbol="π",
        symmetry="ijkl=jikl=ijlk",
        axial=False,
        time_reversal=1,
        jahn="[V2][V2]",
        unit="1/Pa",
        relation=(
            "resistivity Δρ_ij = ρ0 π_ijkl σ_kl, stress σ, ρ0 the mean resistivity; symmetric "
            "in ij by Onsager"
        ),
        source="Newnham 2005, ch. 22",
        aliases=("piezoresistivity", "piezoresistive"),
    ),
    PhysicalTensor(
        name="deformation-potential",
        title="Deformation potential",
        symbol="Ξ",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="J",
        relation="shift ΔE = Ξ_ij ε_ij of a band edge, strain ε",
        source="Herring and Vogt 1956, Phys. Rev. 101, 944",
    ),
)

_MOLECULES = (
    PhysicalTensor(
        name="dipole",
        title="Electric dipole moment",
        symbol="μ",
        symmetry="i",
        axial=False,
        time_reversal=1,
        jahn="V",
        unit="C m",
        relation=(
            "μ_i = Σ q r_i over the charges q at r; independent of the origin if the molecule "
            "is neutral"
        ),
        source="Stone 2013, The Theory of Intermolecular Forces, ch. 2",
        aliases=("dipole-moment", "electric-dipole"),
    ),
    PhysicalTensor(
        name="quadrupole",
        title="Electric quadrupole moment",
        symbol="Θ",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="C m^2",
        relation=(
            "Θ_ij = (1/2) Σ q (3 r_i r_j - r^2 δ_ij): traceless, which the index symmetry "
            "does not say; Landau's is twice it"
        ),
        source=(
            "Stone 2013, The Theory of Intermolecular Forces, ch. 2; Buckingham 1967, Adv. "
            "Chem. Phys. 12, 107"
        ),
        aliases=("electric-quadrupole",),
    ),
    PhysicalTensor(
        name="octupole",
        title="Electric octupole moment",
        symbol="Ω",
        symmetry="ijk=jik=ikj",
        axial=False,
        time_reversal=1,
        jahn="[V3]",
        unit="C m^3",
        relation=(
            "Ω_ijk = (1/2) Σ q (5 r_i r_j r_k - r^2 (r_i δ_jk + r_j δ_ik + r_k δ_ij)): "
            "traceless, which the index symmetry does not say"
        ),
        source="Stone 2013, The Theory of Intermolecular Forces, ch. 2",
        aliases=("electric-octupole",),
    ),
    PhysicalTensor(
        name="polarizability",
        title="Dipole polarizability",
        symbol="α",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="C m^2/V",
        relation="induced dipole Δμ_i = α_ij E_j, static or away from resonance",
        source="Buckingham 1967, Adv. Chem. Phys. 12, 107",
        aliases=("dipole-polarizability",),
    ),
    PhysicalTensor(
        name="hyperpolarizability",
        title="First hyperpolarizability, static",
        symbol="β",
        symmetry="ijk=jik=ikj",
        axial=False,
        time_reversal=1,
        jahn="[V3]",
        unit="C m^3/V^2",
        relation=(
            "adds (1/2) β_ijk E_j E_k to the dipole μ_i; the 1/2 belongs to the Taylor convention"
        ),
        source="Buckingham 1967, Adv. Chem. Phys. 12, 107",
        aliases=("first-hyperpolarizability",),
    ),
    PhysicalTensor(
        name="second-hyperpolarizability",
        title="Second hyperpolarizability, static",
        symbol="γ",
        symmetry="ijkl=jikl=jkli",
        axial=False,
        time_reversal=1,
        jahn="[V4]",
        unit="C m^4/V^3",
        relation=(
            "adds (1/6) γ_ijkl E_j E_k E_l to the dipole μ_i; the 1/6 belongs to the Taylor "
            "convention"
        ),
        source="Buckingham 1967, Adv. Chem. Phys. 12, 107",
    ),
    PhysicalTensor(
        name="dipole-quadrupole-polarizability",
        title="Dipole-quadrupole polarizability",
        symbol="A",
        symmetry="ijk=ikj",
        axial=False,
        time_reversal=1,
        jahn="V[V2]",
        unit="C m^3/V",
        relation=(
            "induced dipole Δμ_i = (1/3) A_ijk ∂E_j/∂x_k; traceless in jk, which the index "
            "symmetry does not say"
        ),
        source="Buckingham 1967, Adv. Chem. Phys. 12, 107",
        aliases=("dipole-quadrupole",),
    ),
    PhysicalTensor(
        name="optical-rotation",
        title="Optical rotation (Rosenfeld) tensor",
        symbol="G'",
        symmetry="ij",
        axial=True,
        time_reversal=1,
        jahn="eV2",
        unit="C m/T",
        relation=(
            "induced dipole Δμ_i = (1/ω) G'_ij ∂B_j/∂t; its trace gives the rotation of an "
            "isotropic sample"
        ),
        source="Barron 2004, Molecular Light Scattering and Optical Activity, ch. 2",
        aliases=("rosenfeld",),
    ),
    PhysicalTensor(
        name="rotational-strength",
        title="Rotational strength",
        symbol="R",
        symmetry="",
        axial=True,
        time_reversal=1,
        jahn="e1",
        unit="C m J/T",
        relation=(
            "R = Im <0|μ_i|n> <n|m_i|0>, electric and magnetic transition dipoles; opposite "
            "for mirror images"
        ),
        source="Barron 2004, Molecular Light Scattering and Optical Activity, ch. 5",
        aliases=("rotatory-strength",),
    ),
    PhysicalTensor(
        name="magnetizability",
        title="Magnetizability",
        symbol="ξ",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="J/T^2",
        relation="induced moment Δm_i = ξ_ij B_j of a molecule",
        source="Barron 2004, Molecular Light Scattering and Optical Activity, ch. 2",
    ),
    PhysicalTensor(
        name="moment-of-inertia",
        title="Moment of inertia",
        symbol="I",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="kg m^2",
        relation="angular momentum L_i = I_ij ω_j, angular velocity ω",
        source="Landau and Lifshitz, Mechanics, ch. VI",
        aliases=("inertia",),
    ),
    PhysicalTensor(
        name="nmr-shielding",
        title="Nuclear magnetic shielding",
        symbol="σ",
        symmetry="ij",
        axial=False,
        time_reversal=1,
        jahn="V2",
        unit="1",
        relation=(
            "field at the nucleus ΔB_i = -σ_ij B_j; not symmetric in general; printed in ppm; "
            "some codes print the transpose"
        ),
        source="Ramsey 1950, Phys. Rev. 78, 699; Haeberlen 1976, High Resolution NMR in Solids",
        aliases=("shielding", "chemical-shielding", "magnetic-shielding"),
    ),
    PhysicalTensor(
        name="spin-spin-coupling",
        title="Indirect nuclear spin-spin coupling",
        symbol="J",
        symmetry="ij",
        axial=False,
        time_reversal=1,
        jahn="V2",
        unit="Hz",
        relation="energy h J_ij I_i I'_j of two nuclear spins I, I'; not symmetric in general",
        source="Ramsey 1953, Phys. Rev. 91, 303",
        aliases=("j-coupling",),
    ),
    PhysicalTensor(
        name="dipolar-coupling",
        title="Direct magnetic dipole coupling",
        symbol="D",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="Hz",
        relation=(
            "energy h D_ij I_i I'_j of two nuclear spins I, I' through space: traceless, "
            "which the index symmetry does not say"
        ),
        source="Slichter 1990, Principles of Magnetic Resonance, ch. 3",
    ),
    PhysicalTensor(
        name="electric-field-gradient",
        title="Electric field gradient at a nucleus",
        symbol="V",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="V/m^2",
        relation=(
            "V_ij = ∂²φ/∂x_i∂x_j of the electric potential φ: traceless, which the index "
            "symmetry does not say"
        ),
        source=(
            "Cohen and Reif 1957, Solid State Phys. 5, 321; Slichter 1990, Principles of "
            "Magnetic Resonance, ch. 10"
        ),
        aliases=("efg",),
    ),
    PhysicalTensor(
        name="g-tensor",
        title="Electron g tensor",
        symbol="g",
        symmetry="ij",
        axial=False,
        time_reversal=1,
        jahn="V2",
        unit="1",
        relation="energy μ_B B_i g_ij S_j of the spin S; only g gᵀ is observable and symmetric",
        source="Abragam and Bleaney 1970, Electron Paramagnetic Resonance of Transition Ions",
        aliases=("epr-g",),
    ),
    PhysicalTensor(
        name="hyperfine",
        title="Hyperfine coupling",
        symbol="A",
        symmetry="ij",
        axial=False,
        time_reversal=1,
        jahn="V2",
        unit="Hz",
        relation=(
            "energy h S_i A_ij I_j, electron spin S and nuclear spin I; not symmetric in general"
        ),
        source="Abragam and Bleaney 1970, Electron Paramagnetic Resonance of Transition Ions",
        aliases=("hyperfine-coupling",),
    ),
    PhysicalTensor(
        name="zero-field-splitting",
        title="Zero-field splitting",
        symbol="D",
        symmetry="ij=ji",
        axial=False,
        time_reversal=1,
        jahn="[V2]",
        unit="Hz",
        relation=(
            "energy h D_ij S_i S_j of the spin S: taken traceless, which the index symmetry "
            "does not say"
        ),
        source="Abragam and Bleaney 1970, Electron Paramagnetic Resonance of Transition Ions",
        aliases=("zfs",),
    ),
)

_SCALARS_AND_VECTORS = (
    PhysicalTensor(
        name="energy",
        title="Energy",
        symbol="E",
        symmetry="",
        axial=False,
        time_reversal=1,
        jahn="1",
        unit="J",
        relation="energy E of a configuration of atoms; scales with their number",
        source="Landau and Lifshitz, Mechanics, ch. II",
        aliases=("total-energy", "potential-energy"),
    ),
    PhysicalTensor(
        name="band-gap",
        title="Band gap",
        symbol="E",
        symmetry="",
        axial=False,
        time_reversal=1,
        jahn="1",
        unit="J",
        relation="smallest energy E from an occupied to an empty state",
        source="Ashcroft and Mermin 1976, Solid State Physics, ch. 28",
        aliases=("bandgap",),
    ),
    PhysicalTensor(
        name="heat-capacity",
        title="Heat capacity per volume",
        symbol="c",
        symmetry="",
        axial=False,
        time_reversal=1,
        jahn="1",
        unit="J/(m^3 K)",
        relation="heat c ΔT taken up per unit volume",
        source="Nye 1985, ch. X",
    ),
    PhysicalTensor(
        name="density",
        title="Mass density",
        symbol="ρ",
        symmetry="",
        axial=False,
        time_reversal=1,
        jahn="1",
        unit="kg/m^3",
        relation="mass ρ per unit volume",
        source="Nye 1985, ch. I",
        aliases=("mass-density",),
    ),
    PhysicalTensor(
        name="charge",
        title="Charge of an atom or molecule",
        symbol="q",
        symmetry="",
        axial=False,
        time_reversal=1,
        jahn="1",
        unit="C",
        relation="total or partial charge q",
        source="Stone 2013, The Theory of Intermolecular Forces, ch. 2",
        aliases=("partial-charge",),
    ),
    PhysicalTensor(
        name="force",
        title="Force on an atom",
        symbol="F",
        symmetry="i",
        axial=False,
        time_reversal=1,
        jahn="V",
        unit="N",
        relation="F_i = -∂E/∂r_i, energy E, position r of the atom",
        source="Landau and Lifshitz, Mechanics, ch. I",
        aliases=("forces",),
    ),
    PhysicalTensor(
        name="displacement",
        title="Displacement of an atom",
        symbol="u",
        symmetry="i",
        axial=False,
        time_reversal=1,
        jahn="V",
        unit="m",
        relation="u_i, actual position less reference position",
        source="Born and Huang 1954, Dynamical Theory of Crystal Lattices",
    ),
    PhysicalTensor(
        name="torque",
        title="Torque",
        symbol="τ",
        symmetry="i",
        axial=True,
        time_reversal=1,
        jahn="eV",
        unit="N m",
        relation="τ_i = Σ (r × F)_i over the forces F at r",
        source="Landau and Lifshitz, Mechanics, ch. VI",
    ),
)

catalog = Catalog(
    {
        "mechanics": _MECHANICS,
        "dielectric and electromechanical": _DIELECTRIC,
        "optics": _OPTICS,
        "magnetism": _MAGNETISM,
        "transport": _TRANSPORT,
        "molecules and magnetic resonance": _MOLECULES,
        "scalars and vectors": _SCALARS_AND_VECTORS,
    }
)

ENGINEERING = frozenset(
    {
        "strain",
        "thermal-expansion",
        "compliance",
        "piezoelectric",
        "piezoelectric-voltage",
        "piezomagnetic",
    }
)
"""Tensors that tables print with a factor 2 for each off-diagonal pair (`voigt-compliance`)."""
