"""How symbols of chemistry and crystallography are written."""

from __future__ import annotations

from natural_tensors.report.blocks import (
    component,
    formula,
    hermann_mauguin,
    schoenflies,
)


def test_symbols_of_chemistry_and_crystallography() -> None:
    assert formula("Y(SiIr)2") == "Y(SiIr)<sub>2</sub>"
    assert formula("<b>2") == "&lt;b&gt;2"
    assert hermann_mauguin("-3m") == '<span class="bar">3</span>m'
    assert hermann_mauguin("P6_3/mmc (194)") == "P6<sub>3</sub>/mmc (194)"
    assert schoenflies("D3d") == "D<sub>3d</sub>"
    assert component("(C11 - C12)/2") == (
        "(<var>C</var><sub>11</sub> − <var>C</var><sub>12</sub>)/2"
    )
