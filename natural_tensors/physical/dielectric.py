"""Dielectric, piezoelectric and pyroelectric tensors."""

from __future__ import annotations

from .entry import PhysicalTensor

DIELECTRIC = (
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
        positive=True,
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
        voigt_form="voigt-compliance",
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
        voigt_form="voigt-compliance",
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
        voigt_form=None,
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
        pooling="atoms",
        relation=(
            "Z*_ij = (Ω/e) ∂P_i/∂u_j for the displacement u of one atom in the cell of volume "
            "Ω, in units of e; some codes print the transpose"
        ),
        source="Gonze and Lee 1997, Phys. Rev. B 55, 10355",
        aliases=("born-effective-charge", "bec", "atomic-polar-tensor"),
    ),
)
