"""The part of a program that belongs to one network: its kernels, layers and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from string import Template

from ..pieces import rotations
from ..pieces.layout import Block, size_of
from ..programs.kernel import Kernel
from ..targets.cpp_bodies import inline_lines
from ..targets.cpp_source import LANES
from ..targets.cpp_text import WIDTH
from .shape import LayerShape, NetworkShape, OutputShape, is_scalar

SPACING, SHORTEST = 0.01, 0.5
"""Rows of the tables of radial functions, and where they start, in angstrom."""

Row = tuple[int, int, int, int]
"""First row read, first row written, how many, and the number of the matrix."""


def network_lines(shape: NetworkShape) -> list[str]:
    """Return all of the program that depends on one network."""
    kernels = _Kernels()
    layers = [_layer(shape, number, kernels) for number in range(len(shape.layers))]
    outputs = [_output(shape, number) for number in range(len(shape.outputs))]
    frame = max(rotations.frame_size(layer.convolution.turned) for layer in shape.layers)
    sizes = {
        "channels": shape.channels,
        "layers": len(shape.layers),
        "radial": shape.radial,
        "radial_hidden": shape.radial_hidden,
        "largest": max(block.size for layer in shape.layers for block in layer.blocks),
        "frame": frame,
        "rows": listed(size_of(layer.kept) for layer in shape.layers),
    }
    pieces = [
        filled_in("sizes.in", sizes),
        part("lanes.hpp") + "\n" + LANES.rstrip("\n"),
        *kernels.texts,
        part("radial.hpp"),
        part("layers.hpp"),
        *layers,
        part("messages.hpp"),
        part("outputs.hpp"),
        part("passes.hpp"),
        *outputs,
        _network(shape),
    ]
    return "\n\n".join(pieces).split("\n")


class _Kernels:
    """The kernels of a network, each set of them once in a namespace of its own."""

    def __init__(self) -> None:
        self._names: dict[tuple[Kernel, ...], str] = {}
        self.texts: list[str] = []

    def name(self, *kernels: Kernel) -> str:
        """Return the namespace of some kernels, the same for the same ones."""
        known = self._names.get(kernels)
        if known is None:
            known = self._names[kernels] = f"kernels_{len(self._names) + 1}"
            lines = [line for kernel in kernels for line in inline_lines(kernel)]
            body = "\n".join(lines).strip("\n")
            self.texts.append(f"namespace {known} {{\n\n{body}\n\n}}  // namespace {known}")
        return known


def _named(blocks: Sequence[Block]) -> dict[tuple[bool, int], Block]:
    """Return blocks by parity and weight, wherever they lie."""
    return {(block.pseudo, block.weight): block for block in blocks}


def _between(chosen: Sequence[Block], before: Sequence[Block], after: Sequence[Block]) -> list[Row]:
    """Return where some blocks lie before and after, numbered in their order."""
    rows, places = _named(before), _named(after)
    return [
        (rows[key].start, places[key].start, block.size, number)
        for number, (key, block) in enumerate(_named(chosen).items())
    ]


def _layer(shape: NetworkShape, number: int, kernels: _Kernels) -> str:
    layer, first = shape.layers[number], number == 0
    frame, message, pulled = layer.convolution.kernels(1)
    space = kernels.name(frame, message, pulled.without("features_gradient") if first else pulled)
    sent, moments = layer.convolution.inputs, layer.convolution.outputs
    facts = {
        "number": number,
        "layer": number + 1,
        "title": layer.convolution.title,
        "channels": shape.channels,
        "space": space,
        "sent": size_of(sent),
        "sent_blocks": len(sent),
        "moment": size_of(moments),
        "moment_blocks": len(moments),
        "size": size_of(layer.blocks),
        "kept": size_of(layer.kept),
        "kept_blocks": len(layer.kept),
        "skip_blocks": len(layer.skipped),
        "before": size_of(layer.before),
        "paths": len(layer.convolution.paths),
        "product_paths": len(layer.product.paths),
        "products": layer.products,
        "first": _flag(first),
        "bounded": _flag(layer.bounded),
        "by_features": "" if first else "by_features, ",
        "after": _mixes("AFTER", _between(moments, moments, moments)),
        "keep": _mixes("KEEP", _between(layer.kept, layer.kept, layer.result)),
        "send": _mixes("SEND", _between(sent, layer.before, sent)),
        "skip": _mixes("SKIP", _between(layer.skipped, layer.before, layer.result)),
        **_products(layer, shape.channels, kernels),
    }
    return filled_in("layer.in", facts)


def _products(layer: LayerShape, channels: int, kernels: _Kernels) -> dict[str, str]:
    """Return the calls of the products of a layer: the last makes only what is kept."""
    forward, backward = [], []
    for order in range(layer.products):
        last = order == layer.products - 1
        product, pulled = layer.product.kernels(1, layer.kept if last else None)
        space = kernels.name(product, pulled.without("weights_gradient"))
        call = f"        if (order == {order})\n            {space}::"
        given = f"(0, {channels}, first, second, weights, "
        forward.append(f"{call}product_one{given}sums);")
        backward.append(
            f"{call}product_vjp_one{given}gradient,\n                by_first, by_second);"
        )
    return {"product": "\n".join(forward), "product_vjp": "\n".join(backward)}


def _output(shape: NetworkShape, number: int) -> str:
    output = shape.outputs[number]
    parts, rows = _parts(output)
    read: list[list[Row]] = [[] for _ in shape.layers]
    for matrix, (layer, block) in enumerate(shape.readouts(output)):
        kept = _named(shape.layers[layer].result)[block.pseudo, block.weight]
        read[layer].append((kept.start, rows[block.pseudo, block.weight], block.size, matrix))
    facts = {
        "number": number,
        "output": number + 1,
        "key": output.key.replace("\n", " "),
        "hidden": output.hidden,
        "volume": int(output.volume),
        "gates": shape.gates(output),
        "parts": output.parts,
        "readouts": sum(map(len, read)),
        "dimension": output.dimension,
        "entries": 3**output.rank,
        "matrix": output.matrix,
        "irreps": len(parts),
        "pooling": output.pooling,
        "screening": output.screening,
        "limit": repr(output.limit),
        "irrep": listed(parts),
        "tables": "\n".join(_mixes(f"READOUT_{n + 1}", each) for n, each in enumerate(read)),
        "choices": "\n".join(
            f"        if (layer == {n}) return READOUT_{n + 1};" for n in range(len(read))
        ),
        "counts": listed(map(len, read)),
    }
    return filled_in("output.in", facts)


def _parts(output: OutputShape) -> tuple[list[str], dict[tuple[bool, int], int]]:
    """Return the irreps of an output as text, and the first row of each among its features."""
    texts, rows, place = [], {}, 0
    for block, copies in output.irreps:
        if is_scalar(block):
            texts.append(f"{{{block.size}, {copies}, -1}}")
            continue
        rows[block.pseudo, block.weight] = place
        texts.append(f"{{{block.size}, {copies}, {place}}}")
        place += block.size
    return texts, rows


def _network(shape: NetworkShape) -> str:
    layers = range(1, len(shape.layers) + 1)
    outputs = range(1, len(shape.outputs) + 1)
    potential = next((n for n in outputs if shape.outputs[n - 1].potential), None)
    pulled = "\n".join(
        f"        backward(layer_{n}, bonds, pass, by_vectors);" for n in reversed(layers)
    )
    facts = {
        "members": "\n".join(
            [f"    Layer<Layer{n}> layer_{n};" for n in layers]
            + [f"    Output<Output{n}> output_{n};" for n in outputs]
        ),
        "read": ", ".join(
            [f"layer_{n}(reader)" for n in layers] + [f"output_{n}(reader)" for n in outputs]
        ),
        "tabulate": "\n".join(
            f"        layer_{n}.radial.tabulate(species, {SHORTEST!r}, {SPACING!r});"
            for n in layers
        ),
        "forward": "\n".join(f"        forward(layer_{n}, bonds, pass);" for n in layers),
        "energies": ""
        if potential is None
        else filled_in(
            "energies.in",
            {
                "output": potential,
                "backward": pulled,
                "repulsion": f"        output_{potential}.repulsion.add(bonds, sums, by_vectors);"
                if shape.outputs[potential - 1].screening
                else "",
            },
        ),
        "coordinates": "\n".join(
            f"        if (target == {n - 1})\n"
            f"            return output_{n}.coordinates(bonds, pass.features, volume);"
            for n in outputs
        ),
        "components": "\n".join(
            f"        if (target == {n - 1}) return output_{n}.components;" for n in outputs
        ),
    }
    return filled_in("network.in", facts)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _mixes(name: str, rows: Sequence[Row]) -> str:
    texts = [f"{{{listed(row)}}}" for row in rows] or ["{0, 0, 0, 0}"]
    return "\n".join(filled(f"    static constexpr Mix {name}[] = {{", texts, "};"))


def listed(items: Iterable[object]) -> str:
    """Return items with commas between them."""
    return ", ".join(map(str, items))


def filled(head: str, items: Sequence[str], tail: str) -> list[str]:
    """Return a list over as many lines as it needs."""
    lines, current = [], head
    for number, item in enumerate(items):
        piece = item + (", " if number < len(items) - 1 else tail)
        if len(current) + len(piece) > WIDTH:
            lines.append(current.rstrip())
            current = "        "
        current += piece
    return [*lines, current]


@cache
def part(name: str) -> str:
    """Return a part of the program that is the same for all."""
    place = resources.files("codegen.network") / "runtime" / name
    return place.read_text(encoding="utf-8").rstrip("\n")


def filled_in(name: str, facts: Mapping[str, object]) -> str:
    """Return a part of the program with what is known of a network in it."""
    lines = Template(part(name)).substitute(facts).split("\n")
    return "\n".join(line.rstrip() for line in lines if line.strip() != "//")
