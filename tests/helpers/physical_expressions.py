"""Ten expressions of physics, with what is known about each."""

from __future__ import annotations

from dataclasses import dataclass

from natural_tensors import Expression, expression


@dataclass(frozen=True)
class Physical:
    """An expression and the facts that a textbook states.

    Attributes:
        name: what it is.
        text: the expression.
        tensors: the class of each tensor.
        symmetry: index symmetry of the result.
        irreps: its content.
        time_reversal: sign of the result, None where unknown.
    """

    name: str
    text: str
    tensors: dict[str, str]
    symmetry: str
    irreps: str
    time_reversal: int | None

    def read(self) -> Expression:
        """Return the expression."""
        return expression(self.text, **self.tensors)


PHYSICAL = (
    Physical("Hooke's law", "C_ijkl e_kl", {"C": "elastic", "e": "strain"},
             "ij=ji", "1x0e+1x2e", 1),
    Physical("elastic energy", "1/2 C_ijkl e_ij e_kl", {"C": "elastic", "e": "strain"},
             "", "1x0e", 1),
    Physical("Christoffel matrix", "C_ijkl n_j n_l", {"C": "elastic", "n": "i"},
             "ik=ki", "1x0e+1x2e", None),
    Physical("rotation of a stiffness", "R_ia R_jb R_kc R_ld C_abcd",
             {"R": "ij", "C": "elastic"}, "ijkl=jikl=klij", "2x0e+2x2e+1x4e", None),
    Physical("piezoelectric stress", "E_k e_kij",
             {"E": "i, time-even", "e": "piezoelectric-stress"}, "ij=ji", "1x0e+1x2e", 1),
    Physical("electrostriction", "Q_ijkl P_k P_l",
             {"Q": "electrostriction", "P": "polarization"}, "ij=ji", "1x0e+1x2e", 1),
    Physical("second-harmonic polarization", "d_ijk E_j E_k", {"d": "shg", "E": "i, time-even"},
             "i", "1x1o", 1),
    Physical("third-order elastic energy", "1/6 C_ijklmn e_ij e_kl e_mn",
             {"C": "third-order-elastic", "e": "strain"}, "", "1x0e", 1),
    Physical("stiffened Christoffel matrix",
             "C_ijkl n_j n_l + s e_pij n_p n_j e_qkl n_q n_l",
             {"C": "elastic", "n": "i", "s": "scalar", "e": "piezoelectric-stress"},
             "ik=ki", "1x0e+1x2e", None),
    Physical("product of couplings", "eps_ijk a_j M_kl b_l - 1/2 a_i M_jj c",
             {"a": "i", "M": "ij=ji", "b": "i", "c": "scalar, axial"}, "i", "1x1e", None),
)  # fmt: skip
