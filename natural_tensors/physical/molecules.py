"""Tensors of molecules and of atoms."""

from __future__ import annotations

from .entry import PhysicalTensor

MOLECULES = (
    PhysicalTensor(
        name="dipole",
        title="Electric dipole moment",
        symbol="μ",
        symmetry="i",
        axial=False,
        time_reversal=1,
        jahn="V",
        unit="C m",
        pooling="sum",
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
        pooling="sum",
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
        pooling="sum",
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
        pooling="sum",
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
        pooling="sum",
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
        pooling="sum",
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
        pooling="sum",
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
        pooling="atoms",
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
        pooling="atoms",
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
        pooling="atoms",
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
