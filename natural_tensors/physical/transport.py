"""Conduction, heat and their couplings."""

from __future__ import annotations

from .entry import PhysicalTensor

TRANSPORT = (
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
        voigt_form=None,
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
        voigt_form=None,
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
