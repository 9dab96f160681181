"""Space groups, as far as tensors ask for them: the point group of each, from symbol or number.

The symbols are the short ones of International Tables for Crystallography, volume A. Other settings
and full symbols (``P2_1/n``, ``P 1 21/c 1``, ``F 4/m -3 2/m``) are read too: without its
translations a glide plane is a mirror, and a screw axis a rotation axis.

>>> point_group_symbols("Fm-3m"), point_group_symbols("166"), point_group_symbols("P21/n")
(['m-3m'], ['-3m'], ['21/m', '2/m'])
"""

from __future__ import annotations

import re
from collections.abc import Iterator

SYMBOLS = tuple(re.findall(r"\S+", """
    P1 P-1 P2 P2_1 C2 Pm Pc Cm Cc P2/m P2_1/m C2/m P2/c P2_1/c C2/c P222 P222_1 P2_12_12
    P2_12_12_1 C222_1 C222 F222 I222 I2_12_12_1 Pmm2 Pmc2_1 Pcc2 Pma2 Pca2_1 Pnc2 Pmn2_1 Pba2
    Pna2_1 Pnn2 Cmm2 Cmc2_1 Ccc2 Amm2 Aem2 Ama2 Aea2 Fmm2 Fdd2 Imm2 Iba2 Ima2 Pmmm Pnnn Pccm
    Pban Pmma Pnna Pmna Pcca Pbam Pccn Pbcm Pnnm Pmmn Pbcn Pbca Pnma Cmcm Cmce Cmmm Cccm Cmme
    Ccce Fmmm Fddd Immm Ibam Ibca Imma P4 P4_1 P4_2 P4_3 I4 I4_1 P-4 I-4 P4/m P4_2/m P4/n P4_2/n
    I4/m I4_1/a P422 P42_12 P4_122 P4_12_12 P4_222 P4_22_12 P4_322 P4_32_12 I422 I4_122 P4mm
    P4bm P4_2cm P4_2nm P4cc P4nc P4_2mc P4_2bc I4mm I4cm I4_1md I4_1cd P-42m P-42c P-42_1m
    P-42_1c P-4m2 P-4c2 P-4b2 P-4n2 I-4m2 I-4c2 I-42m I-42d P4/mmm P4/mcc P4/nbm P4/nnc P4/mbm
    P4/mnc P4/nmm P4/ncc P4_2/mmc P4_2/mcm P4_2/nbc P4_2/nnm P4_2/mbc P4_2/mnm P4_2/nmc P4_2/ncm
    I4/mmm I4/mcm I4_1/amd I4_1/acd P3 P3_1 P3_2 R3 P-3 R-3 P312 P321 P3_112 P3_121 P3_212
    P3_221 R32 P3m1 P31m P3c1 P31c R3m R3c P-31m P-31c P-3m1 P-3c1 R-3m R-3c P6 P6_1 P6_5 P6_2
    P6_4 P6_3 P-6 P6/m P6_3/m P622 P6_122 P6_522 P6_222 P6_422 P6_322 P6mm P6cc P6_3cm P6_3mc
    P-6m2 P-6c2 P-62m P-62c P6/mmm P6/mcc P6_3/mcm P6_3/mmc P23 F23 I23 P2_13 I2_13 Pm-3 Pn-3
    Fm-3 Fd-3 Im-3 Pa-3 Ia-3 P432 P4_232 F432 F4_132 I432 P4_332 P4_132 I4_132 P-43m F-43m I-43m
    P-43n F-43c I-43d Pm-3m Pn-3n Pm-3n Pn-3m Fm-3m Fm-3c Fd-3m Fd-3c Im-3m Ia-3d
"""))  # fmt: skip
"""The 230 in the order of their numbers; an underscore marks a screw axis."""

AXES = ("5", "8", "10", "12")
"""Numbers that may be meant as rotation axes, those of quasicrystals: they name no space group."""

_BY_SYMBOL = {symbol.replace("_", ""): symbol for symbol in SYMBOLS}
_LATTICE = re.compile(r"([PABCFIR])([1-6abcdemn/-]+)")
_SETTING = re.compile(r":[12R]$|(?<=^R)(.*?):?H$")  # origin or axes, as programs append them
_AXIS = re.compile(r"-?[12346]|[abcdemn]")


def point_group_symbols(text: str) -> list[str]:
    """Return the symbols of point groups that the name of a space group may stand for.

    Only symbols of one setting are read in one way alone; a name that is none gives nothing, or
    what names no point group.

    Args:
        text: number, or Hermann-Mauguin symbol without blanks and underscores.
    """
    if text.isdecimal() and text.isascii() and 1 <= int(text[:4]) <= len(SYMBOLS):
        if text in AXES:
            return []
        return [_without_screws(SYMBOLS[int(text) - 1][1:])]
    name = _SETTING.sub(r"\1", text)
    if known := _BY_SYMBOL.get(name):
        return [_without_screws(known[1:])]
    match = _LATTICE.fullmatch(name)
    return list(dict.fromkeys(_readings(match[2]))) if match else []


def _without_screws(body: str) -> str:
    return re.sub("[abcden]", "m", re.sub("_[1-5]", "", body))


def _readings(body: str) -> Iterator[str]:
    """Yield a symbol without translations, for every way to tell screw axes from further axes."""
    if not body:
        yield ""
        return
    if body[0] == "/":
        yield from ("/" + rest for rest in _readings(body[1:]))
        return
    match = _AXIS.match(body)
    if match is None:
        return
    axis, rest = match[0], body[match.end() :]
    shown = "m" if axis in "abcden" else axis
    yield from (shown + after for after in _readings(rest))
    if axis in "2346" and rest[:1].isdecimal() and 0 < int(rest[0]) < int(axis):
        yield from (shown + after for after in _readings(rest[1:]))
