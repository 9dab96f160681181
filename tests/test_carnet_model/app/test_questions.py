"""Names of files that strangers send."""

from __future__ import annotations

import pytest

from carnet_model.app.questions import LONGEST_NAME, Upload


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("si.cif", "si.cif"),
        ("../../etc/passwd", "passwd"),
        ("C:\\crystals\\POSCAR", "POSCAR"),
        ("..", "structure"),
        ("", "structure"),
        ("-rf.cif", "rf.cif"),
        (".hidden.cif", "hidden.cif"),
        ("a\x1b[31m\n.cif", "a_[31m_.cif"),
        ("nul\x00.cif", "nul_.cif"),
        ("α-quartz.cif", "α-quartz.cif"),
    ],
)
def test_only_the_last_part_of_a_name_is_kept(sent: str, kept: str) -> None:
    assert Upload(sent, b"").safe_name == kept


def test_of_a_long_name_the_end_is_kept_since_it_says_the_format() -> None:
    name = Upload("x" * 5_000 + ".cif", b"").safe_name
    assert len(name) == LONGEST_NAME
    assert name.endswith(".cif")
