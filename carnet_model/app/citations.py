"""What to cite, as BibTeX."""

from __future__ import annotations

from natural_tensors import __version__

from ..weights.shipped import shipped

SOFTWARE = f"""\
@software{{natural_tensors,
  title   = {{natural-tensors: exact irreducible Cartesian tensors, from symbols to numbers}},
  author  = {{{{The natural-tensors developers}}}},
  version = {{{__version__}}},
  license = {{MIT}}
}}
"""

TRAINING_DATA = r"""
@article{dejong2015,
  title   = {Charting the complete elastic properties of inorganic crystalline compounds},
  author  = {de Jong, Maarten and others},
  journal = {Scientific Data},
  volume  = {2},
  pages   = {150009},
  year    = {2015},
  doi     = {10.1038/sdata.2015.9}
}

@article{materialsproject,
  title   = {Commentary: The Materials Project: A materials genome approach to accelerating
             materials innovation},
  author  = {Jain, Anubhav and others},
  journal = {APL Materials},
  volume  = {1},
  pages   = {011002},
  year    = {2013},
  doi     = {10.1063/1.4812323}
}
"""
"""Of the shipped weights; their model card lists all sources with their licences."""


def bibtex(model: str) -> str:
    """Return the software and, for shipped weights, the data they were trained on."""
    return SOFTWARE + (TRAINING_DATA if model in shipped() else "")
