"""The site of the documentation: Sphinx reads docs/ and writes build/site (`make docs`).

Why Sphinx: one program then holds prose in Markdown (MyST), pages whose code is run while the site
is built (MyST-NB), the reference from docstrings, links that are checked, and a search that is one
script beside the pages and so works from a folder, without a server. The theme, Furo, has light and
dark, fits a phone, and loads no font and no script of others. Formulas become MathML
(site/mathml.py), which browsers draw by themselves. Nothing that a page shows is fetched.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "site"), str(HERE.parent)]
# what pages run starts Python anew: it imports this checkout, on one thread, and finds the commands
os.environ["PYTHONPATH"] = os.pathsep.join(
    part for part in (str(HERE.parent), os.environ.get("PYTHONPATH")) if part
)
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from natural_tensors import __version__  # noqa: E402 - from this checkout

project = "natural-tensors"
author = "The natural-tensors developers"
release = version = __version__

extensions = [
    "mathml",
    "navigation",
    "myst_nb",
    "streams",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["site"]

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 4
myst_footnote_transition = False

nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": False}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "natural-tensors"
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "tango"
pygments_dark_style = "monokai"

copybutton_prompt_text = r">>> |\.\.\. |\$ |In \[\d*\]: "
copybutton_prompt_is_regexp = True
