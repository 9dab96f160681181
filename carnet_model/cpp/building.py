"""Programs of networks built by the machine's compiler."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from codegen.compiled import toolchain

from .files import Precision, ProgramError, Written
from .library import Network


def build(
    written: Written,
    *,
    precision: Precision = "double",
    elements: Sequence[int] = (),
    options: Sequence[str] = (),
) -> Network:
    """Return a network that was written out, its library built where it is not built yet.

    The library is kept in the cache folder, under a hash of program, compiler, processor and
    options.

    Args:
        written: the files.
        precision: ``"single"`` or ``"double"``.
        elements: as :class:`Network` takes them.
        options: of the compiler, besides those that are always given.

    Raises:
        ProgramError: when it cannot be built or loaded.
    """
    program = written.source.read_text(encoding="utf-8")
    header = written.header.read_text(encoding="utf-8")
    text = program.replace(f'#include "{written.header.name}"', header)
    name = f"network_{written.name}_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    chosen = ["-O3", *options]
    if precision == "double":
        chosen.append(f"-D{written.name}_DOUBLE")
    try:
        return toolchain.built(
            name,
            lambda: text,
            chosen,
            lambda path: Network(path, written.weights, elements),
        )
    except toolchain.BuildError as error:
        raise ProgramError(f"{written.source}: {error}; install g++") from None
