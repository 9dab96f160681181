"""Straight-line programs: named values, exact coefficients, no branches and no loops."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from numbers import Rational
from typing import Any, TypeAlias

from natural_tensors.exact.surds import Surd

Ref: TypeAlias = int
"""A value by its number: first the components of the arguments in order, then the steps."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An array the program reads.

    Attributes:
        name: its name in generated code.
        shape: shape of one item; the batch axes come before it.
        labels: a name for each component, in C order.
        channels: whether a channel axis follows the components.
        meaning: what it is, for the docstring.
        key: ``(weight, copy)`` where the array is an entry of a dictionary of parts.
    """

    name: str
    shape: tuple[int, ...]
    labels: tuple[str, ...]
    channels: bool
    meaning: str
    key: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if prod(self.shape) != len(self.labels):
            raise ValueError(f"{self.name}: {len(self.labels)} labels for shape {self.shape}")


@dataclass(frozen=True, slots=True)
class Linear:
    """``offset + sum of coefficient * value``."""

    terms: tuple[tuple[Surd, Ref], ...]
    offset: Surd = Surd(0)  # noqa: RUF009 (immutable)

    @property
    def operands(self) -> tuple[Ref, ...]:
        """The values it reads."""
        return tuple(ref for _, ref in self.terms)

    def groups(self) -> list[tuple[Surd, list[tuple[int, Ref]]]]:
        """Return positive coefficients, each with its signed values: one multiplication each."""
        groups: dict[Surd, list[tuple[int, Ref]]] = {}
        for coefficient, ref in self.terms:
            groups.setdefault(abs(coefficient), []).append((coefficient.sign(), ref))
        return sorted(groups.items(), key=lambda group: min(ref for _, ref in group[1]))


@dataclass(frozen=True, slots=True)
class Product:
    """The product of two values."""

    left: Ref
    right: Ref

    @property
    def operands(self) -> tuple[Ref, ...]:
        """The values it reads."""
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Reciprocal:
    """One over a value, which the recipe keeps away from zero."""

    value: Ref

    @property
    def operands(self) -> tuple[Ref, ...]:
        """The values it reads."""
        return (self.value,)


@dataclass(frozen=True, slots=True)
class Sign:
    """+1 where a value is zero or positive, else -1; its derivative is zero."""

    value: Ref

    @property
    def operands(self) -> tuple[Ref, ...]:
        """The values it reads."""
        return (self.value,)


@dataclass(frozen=True, slots=True)
class Root:
    """The square root of a value that is not negative; its derivative at zero is infinite."""

    value: Ref

    @property
    def operands(self) -> tuple[Ref, ...]:
        """The values it reads."""
        return (self.value,)


Operation: TypeAlias = Linear | Product | Reciprocal | Sign | Root


def renumbered(operation: Operation, places: Mapping[Ref, Ref]) -> Operation:
    """Return an operation on the same values under other numbers."""
    match operation:
        case Linear(terms, offset):
            return Linear(tuple((c, places[ref]) for c, ref in terms), offset)
        case Product(left, right):
            return Product(places[left], places[right])
        case Reciprocal(value):
            return Reciprocal(places[value])
        case Sign(value):
            return Sign(places[value])
        case Root(value):
            return Root(places[value])


@dataclass(frozen=True, slots=True)
class Step:
    """A named value and how it is computed."""

    name: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class Output:
    """An array the program yields: values in C order, repeated where components are equal.

    Attributes:
        key: name, or ``(weight, copy)`` in a dictionary of parts.
        shape: shape of one item.
        entries: the value of each component.
        summed: True for the sum over the channels.
        broadcast: True where the batches of the arguments may differ, so that its values may too.
    """

    key: str | tuple[int, int]
    shape: tuple[int, ...]
    entries: tuple[Ref, ...]
    summed: bool = False
    broadcast: bool = False

    @property
    def name(self) -> str:
        """Its name in a language without dictionaries: part (2, 0) is ``X2_0``."""
        return self.key if isinstance(self.key, str) else f"X{self.key[0]}_{self.key[1]}"


@dataclass(frozen=True, slots=True)
class Counts:
    """Arithmetic of one item (and channel): what the straight line costs."""

    multiplications: int
    additions: int
    divisions: int
    roots: int = 0

    def __str__(self) -> str:
        text = f"{self.multiplications} multiplications, {self.additions} additions"
        text += f", {self.divisions} divisions" if self.divisions else ""
        return text + (f", {self.roots} roots" if self.roots else "")


@dataclass(frozen=True)
class Program:
    """A function without control flow, exact until it is printed as source.

    Attributes:
        name: name of the function.
        summary: one sentence for the docstring.
        arguments: the arrays read.
        steps: the values computed, in order.
        outputs: the arrays returned; a dictionary when their keys are ``(weight, copy)``.
        returns: what is returned, for the docstring.
    """

    name: str
    summary: str
    arguments: tuple[Argument, ...]
    steps: tuple[Step, ...]
    outputs: tuple[Output, ...]
    returns: str

    @property
    def inputs(self) -> int:
        """Number of components read."""
        return sum(len(argument.labels) for argument in self.arguments)

    def names(self) -> list[str]:
        """Return the name of every value."""
        read = [label for argument in self.arguments for label in argument.labels]
        return read + [step.name for step in self.steps]

    def components(self) -> Iterator[tuple[Argument, int, str]]:
        """Yield every component read: its argument, its number there, its name."""
        for argument in self.arguments:
            for number, label in enumerate(argument.labels):
                yield argument, number, label

    def used(self) -> set[Ref]:
        """Return the values that a step or an output reads."""
        used = {ref for step in self.steps for ref in step.operation.operands}
        return used.union(*(output.entries for output in self.outputs))

    def run(self, *arrays: Sequence[Any]) -> dict[str | tuple[int, int], list[Any]]:
        """Run on exact numbers (int, Fraction, Surd, SymPy) or any numbers.

        Args:
            arrays: the components of each argument, flat.

        Returns:
            The flat components of each output.

        Raises:
            ValueError: for the root of a sum of roots, which has no exact form here.
        """
        if len(arrays) != len(self.arguments):
            raise ValueError(f"{self.name} takes {len(self.arguments)} arrays, got {len(arrays)}")
        values: list[Any] = []
        for argument, array in zip(self.arguments, arrays, strict=True):
            if len(array) != len(argument.labels):
                raise ValueError(
                    f"{argument.name} has {len(argument.labels)} components, got {len(array)}"
                )
            values.extend(array)
        for step in self.steps:
            match step.operation:
                case Linear(terms, offset):
                    value: Any = offset
                    for coefficient, ref in terms:
                        value = value + coefficient * values[ref]
                case Product(left, right):
                    value = values[left] * values[right]
                case Reciprocal(ref):
                    value = 1 / values[ref]
                case Sign(ref):
                    value = 1 if values[ref] >= 0 else -1
                case Root(ref):
                    value = _root(values[ref])
            values.append(value)
        return {output.key: [values[ref] for ref in output.entries] for output in self.outputs}

    def without(self, keys: Collection[str]) -> Program:
        """Return the program without some of its outputs, nor what only they need."""
        outputs = tuple(output for output in self.outputs if output.key not in keys)
        needed = {ref for output in outputs for ref in output.entries}
        for number in range(len(self.steps) - 1, -1, -1):
            if self.inputs + number in needed:
                needed.update(self.steps[number].operation.operands)
        places: dict[Ref, Ref] = {ref: ref for ref in range(self.inputs)}
        steps: list[Step] = []
        for ref, step in enumerate(self.steps, start=self.inputs):
            if ref in needed:
                places[ref] = self.inputs + len(steps)
                steps.append(Step(step.name, renumbered(step.operation, places)))
        return replace(
            self,
            steps=tuple(steps),
            outputs=tuple(
                replace(output, entries=tuple(places[ref] for ref in output.entries))
                for output in outputs
            ),
        )

    def counts(self) -> Counts:
        """Count the arithmetic; a coefficient shared by several terms multiplies their sum."""
        multiplications = additions = divisions = roots = 0
        for step in self.steps:
            match step.operation:
                case Linear(terms, offset):
                    additions += max(len(terms) - 1 + bool(offset), 0)
                    multiplications += sum(c != 1 for c, _ in step.operation.groups())
                case Product():
                    multiplications += 1
                case Reciprocal():
                    divisions += 1
                case Root():
                    roots += 1
                case Sign():
                    pass
        return Counts(multiplications, additions, divisions, roots)

    def __str__(self) -> str:
        names = self.names()
        lines = [f"{self.name}({', '.join(a.name for a in self.arguments)}): {self.counts()}"]
        for step in self.steps:
            match step.operation:
                case Linear(terms, offset):
                    pieces = [f"{c} {names[ref]}" if c != 1 else names[ref] for c, ref in terms]
                    if offset or not pieces:
                        pieces.append(str(offset))
                    text = " + ".join(pieces).replace("+ -", "- ")
                case Product(left, right):
                    text = f"{names[left]} * {names[right]}"
                case Reciprocal(ref):
                    text = f"1 / {names[ref]}"
                case Sign(ref):
                    text = f"sign({names[ref]})"
                case Root(ref):
                    text = f"sqrt({names[ref]})"
            lines.append(f"  {step.name} = {text}")
        for output in self.outputs:
            shown = ", ".join(names[ref] for ref in output.entries)
            lines.append(f"  -> {output.key} {list(output.shape)}: {shown}")
        return "\n".join(lines)


def _root(value: Any) -> Any:
    """Return a square root: of an exact number a sum of roots, of others by their own power."""
    if isinstance(value, Surd):
        terms = value.terms
        if set(terms) - {1}:
            raise ValueError(f"the root of {value} is no sum of roots of rational numbers")
        value = terms.get(1, Fraction(0))
    return Surd.root(Fraction(value)) if isinstance(value, Rational) else value ** Fraction(1, 2)


Matrix: TypeAlias = Sequence[Mapping[int, Surd]]
"""Rows of a sparse matrix: column to coefficient."""
