"""The command `generate`, as its users meet it, and the guide to code generation executed."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

import codegen
import natural_tensors as nt
from codegen.cli import PIECES
from codegen.generation import with_heading
from codegen.targets.registry import LANGUAGES
from natural_tensors import cli, examples, installation
from tests.helpers.command_lines import message
from tests.helpers.command_lines import natural_tensors as run
from tests.helpers.paths import ROOT

GUIDE = ROOT / "docs" / "code-generation.md"


pytestmark = pytest.mark.usefixtures("own_folder")


def generate(line: str, code: int = 0) -> str:
    return str(run("generate", *shlex.split(line), code=code).stdout)


def error_of(line: str, code: int = 2) -> str:
    return message(run("generate", *shlex.split(line), code=code))


# --- what is generated ----------------------------------------------------------------------------

LINES = {
    "elastic": codegen.TensorRecipe("elastic"),
    "stiffness --basis orthonormal --from mandel": codegen.TensorRecipe(
        "stiffness", basis="orthonormal", form="mandel"
    ),
    "--symmetry ijk=ikj --from voigt": codegen.TensorRecipe("ijk=ikj", form="voigt"),
    "ijkl=-jikl=klij --axial": codegen.TensorRecipe("ijkl=-jikl=klij", axial=True),
    "--symmetry ij=-ji": codegen.TensorRecipe("ij=-ji"),
    "harmonics --weight 6": codegen.HarmonicsRecipe(6),
    "harmonics --weight 2 --solid --cartesian --normalization legendre": codegen.HarmonicsRecipe(
        2, "legendre", solid=True, cartesian=True
    ),
    "coupling 2 2 4": codegen.CouplingRecipe(2, 2, 4),
    "coupling 1 1 1 --normalization orthonormal": codegen.CouplingRecipe(1, 1, 1, "orthonormal"),
    "rotation --weight 3": codegen.RotationRecipe(3),
    "convolution --weight 3": codegen.ConvolutionRecipe(3),
    "convolution --weight 2 --input-weight 0 --parity both --method direct": (
        codegen.ConvolutionRecipe(2, 0, "both", "direct")
    ),
    "product --weight 2 --parity ignored": codegen.ProductRecipe(2, "ignored"),
    "invariants --symmetry elastic --degree 2 --no-products": (
        codegen.InvariantsRecipe("elastic", degree=2, products=False)
    ),
    "invariants --symmetry ijk=ikj --group O(3)": (
        codegen.InvariantsRecipe("ijk=ikj", group="O(3)")
    ),
    "--expression '1/2 C_ijkl e_ij e_kl' --with C=elastic --with e=ij=ji": (
        codegen.ExpressionRecipe("1/2 C_ijkl e_ij e_kl", {"C": "elastic", "e": "ij=ji"})
    ),
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_gives_the_source_of_a_recipe(line: str) -> None:
    assert generate(line) == codegen.source(LINES[line])
    assert generate(f"{line} --target numpy") == codegen.source(LINES[line], "numpy")


def test_a_file_is_written_as_a_whole() -> None:
    Path("elastic.py").write_text("old")
    said = generate("elastic -o elastic.py")
    text = Path("elastic.py").read_text(encoding="utf-8")
    assert text == codegen.source(codegen.TensorRecipe("elastic"))
    assert said.startswith(f"wrote elastic.py: {len(text.splitlines())} lines, Natural tensors of ")
    assert [path.name for path in Path().iterdir()] == ["elastic.py"]
    assert "there is no directory" in error_of("elastic -o no/elastic.py")
    Path("folder").mkdir()
    assert "is a directory" in error_of("elastic -o folder")


def test_the_report_counts_arithmetic() -> None:
    recipe = codegen.ConvolutionRecipe(2)
    assert generate("convolution --weight 2 --report") == codegen.report(recipe) + "\n"
    said = generate("convolution --weight 2 --report -o c.py").splitlines()
    assert said[0].startswith("wrote c.py")
    assert said[1:] == codegen.report(recipe).splitlines()


def test_the_generated_file_runs_on_a_crystal() -> None:
    generate("elastic --from voigt --target numpy -o elastic.py")
    module = runpy.run_path("elastic.py")
    copper = examples.load("copper").values
    parts = module["decompose"](copper)
    assert float(parts[0, 1]) == pytest.approx(54.64)
    assert np.abs(module["reconstruct"](parts) - copper).max() < 1e-12


def test_expressions_that_cannot_be() -> None:
    message = error_of("--expression 'C_ijkl n_j n_l' --with C=elastic")
    assert message.splitlines()[2].index("^") == len("      C_ijkl ")
    assert "or --with n=ij=ji" in message
    energy = "--expression 'e_ii'"
    assert "--with 'e' is not NAME=CLASS" in error_of(f"{energy} --with e")
    assert "--with declares e twice" in error_of(f"{energy} --with e=ij=ji --with e=strain")
    assert "--with does not go with a tensor" in error_of("elastic --with e=strain")
    assert "--weight does not go with an expression" in error_of(
        f"{energy} --with e=strain --weight 2"
    )
    assert "only one of them" in error_of(f"elastic {energy} --with e=strain")


# --- --check --------------------------------------------------------------------------------------


def test_check_says_what_differs() -> None:
    generate("elastic -o elastic.py")
    said = generate("elastic --check elastic.py")
    assert said == "elastic.py is what would be generated now\n"
    path = Path("elastic.py")
    text = path.read_text(encoding="utf-8")

    message = error_of("elastic --from voigt --check elastic.py", code=1)
    assert message.startswith("error: elastic.py is not what would be generated now\n")
    assert "its recipe is tensor(symmetry='elastic', axial=False, basis='dual', form='full'), " in (
        message
    )
    assert "asked for is tensor(symmetry='elastic', axial=False, basis='dual', form='voigt')" in (
        message
    )
    assert "edited" not in message
    message = error_of("elastic --target numpy --check elastic.py", code=1)
    assert "its target is torch, asked for is numpy" in message

    path.write_text(text.replace(" + ", " - ", 1), encoding="utf-8")
    message = error_of("elastic --check elastic.py", code=1)
    assert "it was edited: its text does not have the hash" in message
    assert "its recipe" not in message

    path.write_text(text.replace(f"tensors {nt.__version__},", "tensors 0.0.1,"), encoding="utf-8")
    message = error_of("elastic --check elastic.py", code=1)
    assert f"natural-tensors 0.0.1 (conventions 1) wrote it, this is {nt.__version__}" in message

    path.write_text("print('hello')\n")
    assert "something else wrote it" in error_of("elastic --check elastic.py", code=1)
    path.write_bytes(b"\xff\xfe\x00")
    assert "is not text" in error_of("elastic --check elastic.py", code=1)
    path.unlink()
    assert "there is no such file" in error_of("elastic --check elastic.py")


def test_check_notices_another_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    generate("harmonics --weight 1 -o h.py")
    text = Path("h.py").read_text(encoding="utf-8")
    start = text.index('"""\n\n') + 5
    other = text[start:].replace("packed harmonics", "other harmonics")
    assert other != text[start:]
    text = with_heading(codegen.HarmonicsRecipe(1), LANGUAGES["torch"], other)
    Path("h.py").write_text(text, encoding="utf-8")
    message = error_of("harmonics --weight 1 --check h.py", code=1)
    assert "the same recipe and version gave other text, from line " in message


def test_check_knows_cpp() -> None:
    generate("product --weight 1 --target cpp -o p.cpp")
    assert "is what would be generated now" in generate(
        "product --weight 1 --target cpp --check p.cpp"
    )
    message = error_of("product --weight 2 --target cpp --check p.cpp", code=1)
    assert "its recipe is product(weight=1" in message
    path = Path("p.cpp")
    path.write_text(path.read_text(encoding="utf-8") + "// more\n", encoding="utf-8")
    message = error_of("product --weight 1 --target cpp --check p.cpp", code=1)
    assert "it was edited" in message
    assert "product_vjp_vjp: " in generate("product --weight 1 --target cpp --report")


# --- what is wrong with a command -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "fragments"),
    [
        ("", ["give its --symmetry 'ijk=ikj', an --expression 'C_ijkl n_j n_l', or name one of"]),
        ("elastik", ["no physical tensor 'elastik'. The nearest: elastic"]),
        ("harmonic --weight 2", ["there is nothing 'harmonic'. The nearest: harmonics"]),
        ("convolutoin --weight 2", ["there is nothing 'convolutoin'. The nearest: convolution"]),
        ("elastic --symmetry ij", ["give WHAT, --symmetry or --expression, only one of them"]),
        ("--symmetry ijk=ijj", ["index 'j' occurs 2 times"]),
        ("--symmetry ij=-ij", ["forces the tensor to be zero"]),
        ("elastic --axial", ["elastic is a polar tensor"]),
        ("--symmetry ij --from voigt", ["form 'voigt' joins symmetric index pairs"]),
        ("elastic --from vogt", ["'vogt' is not one of full", "did you mean 'voigt'?"]),
        ("elastic --basis dul", ["did you mean 'dual'?"]),
        (
            "elastic --target torhc",
            ["'torhc' is not one of torch, numpy, cpp; did you mean 'torch'?"],
        ),
        ("elastic --weight 3", ["--weight does not go with a tensor; what does: --symmetry"]),
        ("harmonics", ["harmonics needs --weight, such as --weight 3"]),
        ("invariants", ["invariants needs --symmetry, such as --symmetry elastic"]),
        ("invariants --symmetry elastic --group m-3n", ["m-3n"]),
        ("elastic --degree 3", ["--degree does not go with a tensor"]),
        ("harmonics --weight 2 --from voigt", ["--from does not go with harmonics; what does: "]),
        ("harmonics --weight 13", ["weight=13 is not a weight from 0 to 12"]),
        ("harmonics --weight -1", ["'--weight'"]),
        ("rotation", ["rotation needs --weight", "give --symmetry 'ij=-ji'"]),
        ("coupling 2 2", ["a coupling has three weights: generate coupling 2 2 4"]),
        ("coupling 3 1 1", ["weights 3 and 1 do not couple to 1: they reach 2 to 4"]),
        ("coupling 3 1 a", ["'L1 L2 L3'", "a valid integer"]),
        ("elastic 2 2", ["only a coupling is followed by weights, got 2 2"]),
        ("product --weight 2 --method direct", ["--method does not go with product"]),
        ("convolution --weight 2 --parity bth", ["did you mean 'both'?"]),
        ("elastic --check a.py -o a.py", ["give --check or --output, not both"]),
        ("elastic -o a.cpp", ["a.cpp: code for torch is written to .py", "--target: torch, numpy"]),
        ("elastic --bogus", ["No such option: --bogus"]),
    ],
)
def test_bad_commands_are_explained(line: str, fragments: list[str]) -> None:
    message = error_of(line)
    for fragment in fragments:
        assert fragment in message
    assert "Invalid value: " not in message


# --- as a part of the program ---------------------------------------------------------------------


def test_the_help_page_shows_examples_that_work() -> None:
    assert " generate " in run("--help").stdout
    text = run("generate", "--help").stdout
    lines = text[text.index("Examples:") :].splitlines()[1:]
    shown = [line.strip() for line in lines if line.strip()]
    assert len(shown) > 5
    for line in shown:
        assert len(line) < 78  # or a terminal would break it
        program, *arguments = shlex.split(line)
        assert program == "natural-tensors"
        run(*arguments)


def test_the_command_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys; from natural_tensors import cli\n"
        "try: cli.app.app(['harmonic', '1'])\n"
        "except SystemExit: pass\n"
        "print('codegen.cli' in sys.modules, 'torch' in sys.modules)\n"
        "try: cli.app.app(['generate', 'coupling', '1', '1', '0', '--report'])\n"
        "except SystemExit: pass\n"
        "print('codegen.cli' in sys.modules, 'torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    said = [line for line in result.stdout.splitlines() if line.startswith(("True", "False"))]
    assert said == ["False False", "True False"]


def test_a_foreign_codegen_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        installation, "find_spec", lambda _: SimpleNamespace(origin="/other/codegen.py")
    )
    result = run("generate", "elastic", code=2)
    assert result.stdout == ""
    assert "the package codegen that belongs to natural-tensors is another one" in result.stderr
    assert "/other/codegen.py" in result.stderr


def test_no_word_is_a_tensor_unnoticed() -> None:
    assert [word for word in PIECES if word in nt.catalog] == ["rotation"]
    assert "axial=False" in generate("--symmetry ij=-ji")
    assert "rotate_back" in generate("rotation --weight 1")


# --- the guide ------------------------------------------------------------------------------------


def execute(line: str) -> str:
    program, *arguments = shlex.split(line)
    if program == "head":
        text = Path(arguments[1]).read_text(encoding="utf-8")
        return "".join(text.splitlines(keepends=True)[: int(arguments[0][1:])])
    if program == "python":
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout
    assert program == "natural-tensors"
    shown = CliRunner().invoke(cli.app.app, arguments, prog_name="natural-tensors")
    return str(shown.output)


def console(block: str) -> str:
    """Return a console block with the output its commands have now."""
    lines = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"$ {line}\n{execute(line)}" for line in lines)


def executed(text: str) -> str:
    """Return a guide with every command run again in the current folder.

    A block of Python that begins with ``# NAME.py`` is a file; others run as they stand.
    """

    def block(match: re.Match[str]) -> str:
        language, body = match.groups()
        if language == "console":
            return f"```console\n{console(body)}```"
        name = re.match(r"# (\w+\.py)\n", body)
        if name:
            Path(name[1]).write_text(body, encoding="utf-8")
        else:
            with redirect_stdout(StringIO()):
                exec(compile(body, str(GUIDE), "exec"), {"__name__": "guide"})
        return match[0]

    return re.sub(r"```(console|python)\n(.*?)```", block, text, flags=re.DOTALL)


@pytest.mark.slow
def test_the_guide_shows_what_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where output is meant to change: ``python -m tests.test_codegen.test_cli`` writes it."""
    monkeypatch.setenv("NATURAL_TENSORS_CACHE", str(tmp_path / "cache"))
    text = GUIDE.read_text(encoding="utf-8")
    assert text.count("\n$ ") > 8
    assert executed(text) == text


def test_generated_code_of_a_class_nobody_prepared() -> None:
    generate("'ijkl=-jikl=klij' -o curvature.py --target numpy")
    spec = spec_from_file_location("curvature", "curvature.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    target = nt.reduction("ijkl=-jikl=klij")
    rng = np.random.default_rng(5)
    tensor = target.unpack(rng.standard_normal((4, target.dimension)))
    expected = target.decompose(tensor)
    for key, part in module.decompose(tensor).items():
        assert np.abs(part - expected[key]).max() < 1e-14
    assert json.dumps(sorted(map(list, expected))) == json.dumps(sorted(map(list, target.copies)))


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        os.environ["NATURAL_TENSORS_CACHE"] = folder
        os.chdir(folder)
        GUIDE.write_text(executed(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
        os.chdir(ROOT)
    print("wrote docs/code-generation.md")
