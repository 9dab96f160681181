"""A target language is one object: whatever is in the registry can be asked for everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import pytest

import codegen
from codegen.generation import parted
from codegen.programs.loop import Loop
from codegen.programs.program import Counts, Program
from codegen.targets.language import Comment, Language, Printable
from codegen.targets.registry import LANGUAGES, Target

RECIPES = [codegen.ConvolutionRecipe(1), codegen.HarmonicsRecipe(1), codegen.ProductRecipe(1)]


@dataclass
class Words(Language):
    """Functions by their names."""

    name = "words"
    suffix = ".txt"
    heading = Comment("#")
    needs = "a reader"

    def content(self, recipe: Printable) -> str:
        lines = [f"{function.name} loops" if isinstance(function, Loop) else function.name
                 for function in recipe.functions()]  # fmt: skip
        return "\n".join(lines) + "\n"

    def counts(self, recipe: Printable) -> Iterator[tuple[str, Counts]]:
        for function in recipe.functions():
            if isinstance(function, Program):
                yield function.name, function.counts()


def test_the_names_are_those_that_types_know() -> None:
    assert tuple(LANGUAGES) == get_args(Target)
    assert all(name == language.name for name, language in LANGUAGES.items())


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.kind)
def test_headings_are_read_as_they_are_written(recipe: codegen.Recipe) -> None:
    for name, language in LANGUAGES.items():
        target: Any = name
        text = codegen.source(recipe, target)
        lines, content = parted(text)
        assert lines[0] == recipe.title
        assert content == language.content(recipe)
        assert language.heading.write(lines) + content == text
    assert parted("print(1)\n") == ([], "print(1)\n")


def test_one_object_adds_a_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LANGUAGES, "words", Words())
    target: Any = "words"
    text = codegen.source(codegen.ConvolutionRecipe(1), target)
    assert text.startswith("# Channel-wise convolution to weight 1, natural parity, 4 paths")
    assert "#     target   words\n" in text
    assert "below this comment. The file stands alone: it needs\n# a reader and nothing" in text
    assert text.endswith("\n\nframe\nmessage\nconvolve loops\n")
    assert codegen.is_intact(text)
    assert not codegen.is_intact(text.replace("loops", "loop"))
    assert codegen.report(codegen.ConvolutionRecipe(1), target) == codegen.report(
        codegen.ConvolutionRecipe(1)
    )
    assert codegen.fingerprint(RECIPES[0], target) != codegen.fingerprint(RECIPES[0], "cpp")


def test_another_name_is_refused_with_those_there_are() -> None:
    target: Any = "fortran"
    for function in (codegen.source, codegen.report, codegen.load):
        with pytest.raises(ValueError, match="'fortran' is not one of 'torch', 'numpy', 'cpp'"):
            function(RECIPES[0], target)
