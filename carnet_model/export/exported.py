"""Exported potentials as they are used: a file, PyTorch, and none of the network's code.

Everything follows from the gradient of the energy by the bond vectors: forces, virial and stress,
with periodic images, with ghost atoms, for one system or many side by side.
"""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from . import programs

FORMAT = 1
"""Number of the format of exported files; a newer one is refused."""

METADATA = "carnet.json"
"""Name of the description inside a file; a compiled one has it as its metadata ``carnet``."""

LONGEST_METADATA = 1_000_000
"""Bytes of the description that are read."""

DTYPES = {"float32": torch.float32, "float64": torch.float64}


_WORDS = programs.text(r".*", "text")
DESCRIPTION = programs.record(
    unit=_WORDS,
    cutoff=programs.positive,
    layers=programs.whole(1, 100),
    elements=programs.several(programs.whole(1, 118)),
    symbols=programs.several(programs.text(r"[A-Z][a-z]?", "symbols of elements")),
    dtype=programs.only(*DTYPES),
    device=_WORDS,
    compiled=programs.only(True, False),
    target=programs.record(tensor=_WORDS, pooling=_WORDS),
)
"""What the description of a potential must say."""


class ExportError(ValueError):
    """A potential that cannot be exported, or a file that is none."""


class Program(Protocol):
    """Numbers, senders, receivers and vectors to energies of atoms and gradients by vectors."""

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        """Run it."""
        ...


@dataclass(frozen=True, eq=False)
class EnergyGradient:
    """Energies of atoms and their gradient by bond vectors, from an exported potential.

    Attributes:
        energies: of each atom, float64, shape ``(atoms,)``.
        gradient: of their sum by the bond vectors, in the unit of the energy per angstrom, shape
            ``(edges, 3)``.
    """

    energies: Tensor
    gradient: Tensor

    def energy(self, owners: Tensor, systems: int) -> Tensor:
        """Return the energy of each system, float64, shape ``(systems,)``.

        Args:
            owners: system of each atom, shape ``(atoms,)``.
            systems: number of systems.
        """
        return self.energies.new_zeros(systems).index_add(0, owners, self.energies)

    def forces(self, senders: Tensor, receivers: Tensor) -> Tensor:
        """Return the forces, shape ``(atoms, 3)``: a bond pulls its two ends together."""
        rest = self.gradient.new_zeros((self.energies.shape[0], 3))
        return rest.index_add(0, receivers, self.gradient).index_add(0, senders, -self.gradient)

    def strain_derivative(self, vectors: Tensor, owners: Tensor, systems: int) -> Tensor:
        """Return the gradient by a symmetric strain, shape ``(systems, 3, 3)``.

        Over the volume it is the stress, positive under tension; its negative is the virial.

        Args:
            vectors: the bond vectors, shape ``(edges, 3)``.
            owners: system of each bond, shape ``(edges,)``.
            systems: number of systems.
        """
        moments = vectors.unsqueeze(2) * self.gradient.unsqueeze(1)
        total = moments.new_zeros((systems, 3, 3)).index_add(0, owners, moments)
        return 0.5 * (total + total.mT)


class Exported:
    """A potential from a file.

    Args:
        program: the function it holds.
        metadata: its unit, elements, cutoff and origin, as exported.
        device: where it runs.
    """

    def __init__(self, program: Program, metadata: Mapping[str, Any], device: torch.device) -> None:
        self.program, self.metadata, self.device = program, dict(metadata), device
        self.cutoff = float(metadata["cutoff"])
        self.layers = int(metadata["layers"])
        self.elements: tuple[int, ...] = tuple(metadata["elements"])
        self.unit = str(metadata["unit"])
        self.dtype = DTYPES[metadata["dtype"]]

    def __repr__(self) -> str:
        kind = "compiled" if self.metadata["compiled"] else "program"
        return (
            f"Exported({self.metadata['target']['tensor']} in {self.unit}, {kind}, "
            f"{self.metadata['dtype']}, cutoff {self.cutoff:g} Å, {len(self.elements)} elements)"
        )

    def check_unit(self, unit: str = "eV") -> None:
        """Refuse a potential in another unit than a program computes in.

        Raises:
            ExportError: naming both units.
        """
        if self.unit != unit:
            raise ExportError(
                f"this potential is in {self.unit or 'an unknown unit'}; needed: {unit}. Train "
                f"with labels in {unit}"
            )

    def check_elements(self, numbers: Tensor) -> None:
        """Refuse elements the potential was not trained on.

        Raises:
            ExportError: naming them; never when the file does not say which it knows.
        """
        unknown = sorted(set(torch.unique(numbers).tolist()) - set(self.elements))
        if self.elements and unknown:
            raise ExportError(
                f"this potential does not know the atomic numbers {unknown}; it knows "
                f"{list(self.elements)}: take one trained on them"
            )

    def __call__(
        self, numbers: Tensor, senders: Tensor, receivers: Tensor, vectors: Tensor
    ) -> EnergyGradient:
        """Return energies of the atoms and the gradient by the bond vectors.

        Args:
            numbers: atomic numbers, int64, shape ``(atoms,)``.
            senders: atom a bond comes from, int64, shape ``(edges,)``; of every pair both bonds
                are there, in any order.
            receivers: atom a bond goes to, int64, shape ``(edges,)``.
            vectors: receiver to sender, angstrom, shape ``(edges, 3)``; those longer than the
                cutoff count nothing.
        """
        atoms, edges = numbers.shape[0], vectors.shape[0]
        vectors = vectors.to(self.dtype)
        if atoms < 2 or edges < 2:
            # graphs are traced for two of everything; bonds beyond the cutoff change no number
            numbers = torch.cat([numbers, numbers.new_full((2,), self._filler(numbers))])
            ends = senders.new_full((2,), atoms)
            senders, receivers = torch.cat([senders, ends]), torch.cat([receivers, ends])
            vectors = torch.cat([vectors, vectors.new_full((2, 3), 2 * self.cutoff)])
        energies, gradient = self.program(
            numbers, senders.contiguous(), receivers.contiguous(), vectors.contiguous()
        )
        return EnergyGradient(energies[:atoms], gradient[:edges])

    def _filler(self, numbers: Tensor) -> int:
        return int(numbers[0]) if len(numbers) else (self.elements or (1,))[0]


def load_exported(
    path: str | Path, device: str | torch.device = "cpu", *, trusted: bool = False
) -> Exported:
    """Return the potential of a file that :func:`carnet_model.export.exporting.export` wrote.

    Only PyTorch runs it. A program is checked before PyTorch reads it (:mod:`.programs`): it can
    hold operations on tensors and nothing else, and runs on any device. From a stranger it may
    still compute anything, take long, or ask for much memory. A compiled file holds machine code,
    which can do whatever you can, and is loaded when you say that it is trusted.

    Args:
        path: the file.
        device: where a program shall run; a compiled file runs where it was compiled for.
        trusted: run the machine code of a compiled file.

    Raises:
        ExportError: when the file is missing, damaged or no exported potential, or a newer version
            wrote it; when it holds what no potential needs; when it is compiled and not trusted,
            or for another device.
    """
    place, chosen = Path(path), torch.device(device)
    try:
        with zipfile.ZipFile(place) as archive:
            names = archive.namelist()
        if any("aotinductor" in name for name in names):
            return _compiled(place, chosen, trusted)
        return _program(place, chosen)
    except ExportError:
        raise
    except programs.RefusedError as error:
        raise ExportError(
            f"{place}: is no exported potential that can be trusted: {error}; name a file that "
            "carnet export wrote"
        ) from None
    except Exception as error:  # PyTorch and zipfile raise anything for a damaged file
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
        if isinstance(error, zipfile.BadZipFile):
            reason = "it is no archive, or a damaged one"
        raise ExportError(
            f"{place}: cannot be read: {reason or type(error).__name__}; name a file that carnet "
            "export wrote"
        ) from None


def _program(place: Path, device: torch.device) -> Exported:
    """Return a program, checked before PyTorch sees it."""
    with zipfile.ZipFile(place) as archive:
        entry = next((n for n in archive.namelist() if n.endswith(f"/extra/{METADATA}")), None)
        if entry is None or archive.getinfo(entry).file_size > LONGEST_METADATA:
            raise ExportError(
                f"{place}: holds no exported potential; name a file that carnet export wrote"
            )
        metadata = _checked(archive.read(entry), place)
    content = programs.rebuilt(place)
    with _quiet():
        program = torch.export.load(content)
    if device.type != "cpu":
        from torch.export.passes import move_to_device_pass

        program = move_to_device_pass(program, device)
    return Exported(program.module(check_guards=False), metadata, device)


def _compiled(place: Path, device: torch.device, trusted: bool) -> Exported:
    """Return the machine code of a file, which cannot be checked."""
    if not trusted:
        raise ExportError(
            f"{place}: holds machine code, which can do whatever you can; if you trust who wrote "
            "it, load it by load_exported(path, trusted=True)"
        )
    from torch._inductor import aoti_load_package  # loads the compiler: only where it is asked for

    package = aoti_load_package(str(place))
    metadata = _checked(package.get_metadata().get("carnet", "{}").encode(), place)
    if metadata["device"] != device.type:
        raise ExportError(
            f"{place}: was compiled for {metadata['device']}, not {device.type}; choose that "
            "device, or export without --aot"
        )
    return Exported(package, metadata, device)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep PyTorch from logging, with its stack, what becomes an error here."""
    log = logging.getLogger("torch.export")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def _checked(text: bytes, place: Path) -> Mapping[str, Any]:
    metadata = json.loads(text.decode())
    number = metadata.get("format") if isinstance(metadata, dict) else None
    if not isinstance(number, int):
        raise ExportError(
            f"{place}: holds no exported potential; name a file that carnet export wrote"
        )
    if number > FORMAT:
        raise ExportError(
            f"{place}: has format {number}, written by version {metadata.get('version')}; this "
            f"version reads formats up to {FORMAT}: install a newer one"
        )
    return {**metadata, **DESCRIPTION(metadata, METADATA)}
