"""A network in a library: loaded and called without PyTorch."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from natural_tensors.arrays import Floats

from ..structures.neighbours import AtomPairs
from .files import ProgramError

INTERFACE = 1
"""Of the functions called here, as in the header of a program."""

MESSAGE = 1000
"""Bytes of the longest message."""

MEAN = -1
"""In place of the number of a network: the mean of all."""

_Int32s = NDArray[np.int32]


class _Message(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class _Bonds(ctypes.Structure):
    _fields_ = [
        ("atoms", ctypes.c_int64),
        ("numbers", ctypes.c_void_p),
        ("counted", ctypes.c_void_p),
        ("bonds", ctypes.c_int64),
        ("receivers", ctypes.c_void_p),
        ("senders", ctypes.c_void_p),
        ("vectors", ctypes.c_void_p),
        ("volume", ctypes.c_double),
    ]


@dataclass(frozen=True, eq=False)
class Bonded:
    """Atoms and their bonds, as a library reads them.

    Attributes:
        numbers: atomic numbers, shape ``(atoms,)``.
        receivers: where each bond ends, shape ``(bonds,)``.
        senders: where it begins, shape ``(bonds,)``.
        vectors: from receiver to sender, angstrom, shape ``(bonds, 3)``.
        volume: of the cell, cubic angstrom; 0 where nothing repeats.
        counted: atoms whose energy counts, shape ``(atoms,)``; None for all.
    """

    numbers: _Int32s
    receivers: _Int32s
    senders: _Int32s
    vectors: Floats
    volume: float = 0.0
    counted: NDArray[np.uint8] | None = None

    @classmethod
    def of(
        cls,
        numbers: ArrayLike,
        receivers: ArrayLike,
        senders: ArrayLike,
        vectors: ArrayLike,
        volume: float = 0.0,
        counted: ArrayLike | None = None,
    ) -> Bonded:
        """Return atoms and bonds from arrays of any type and layout.

        Raises:
            ProgramError: when their shapes do not fit together.
        """
        atoms, ends, starts = (
            np.ascontiguousarray(each, dtype=np.int32) for each in (numbers, receivers, senders)
        )
        rows = np.ascontiguousarray(vectors, dtype=np.float64)
        flags = None if counted is None else np.ascontiguousarray(counted, dtype=np.uint8)
        if (
            atoms.ndim != 1
            or ends.ndim != 1
            or starts.shape != ends.shape
            or rows.shape != (len(ends), 3)
            or (flags is not None and flags.shape != atoms.shape)
        ):
            raise ProgramError(
                f"numbers {atoms.shape}, receivers {ends.shape}, senders {starts.shape} and "
                f"vectors {rows.shape} do not fit together: needed are (atoms,), (bonds,), "
                "(bonds,) and (bonds, 3)"
            )
        return cls(atoms, ends, starts, rows, float(volume), flags)

    @classmethod
    def of_pairs(cls, numbers: ArrayLike, pairs: AtomPairs, volume: float = 0.0) -> Bonded:
        """Return atoms and the bonds that a neighbour search found."""
        return cls.of(numbers, pairs.first, pairs.second, pairs.vectors, volume)


@dataclass(frozen=True, eq=False)
class Response:
    """An energy and its derivatives.

    Attributes:
        energy: in the unit of the network.
        energies: of the atoms, shape ``(atoms,)``.
        forces: per angstrom, shape ``(atoms, 3)``.
        virial: minus the derivative by a symmetric strain, shape ``(3, 3)``.
    """

    energy: float
    energies: Floats
    forces: Floats
    virial: Floats


class Network:
    """A network, or an ensemble, in a library.

    It may be called from several threads at once.

    Args:
        library: as :mod:`.building` makes it.
        weights: the file that was written with the program.
        elements: radial functions come from tables for these atomic numbers; exact ones for all
            that the network knows when left out.

    Attributes:
        library: where the library is.
        weights: where the file of weights is.
        description: what the program says it is.

    Raises:
        ProgramError: when the library cannot be loaded, or does not fit the weights.
    """

    def __init__(
        self, library: str | Path, weights: str | Path, elements: Sequence[int] = ()
    ) -> None:
        self.library, self.weights = Path(library), Path(weights)
        try:
            self._library = ctypes.CDLL(str(library))
        except OSError as error:
            raise ProgramError(f"{library}: cannot be loaded: {error}") from None
        self._prefix = self.weights.stem
        try:
            interface = self._function("interface", ctypes.c_int)()
        except AttributeError:
            interface = None
        if interface != INTERFACE:
            raise ProgramError(
                f"{library}: has not the interface {INTERFACE} of {self._prefix}; build it again"
            )
        self._free = self._function("free", None)
        described = self._function("describe", ctypes.c_char_p)()
        self.description: dict[str, Any] = json.loads(described)
        self._model = ctypes.c_void_p()
        chosen = np.ascontiguousarray(elements, dtype=np.int32)
        self._call(
            "load",
            str(weights).encode(),
            _pointer(chosen),
            ctypes.c_int64(len(chosen)),
            ctypes.byref(self._model),
        )
        self._targets = {target["key"]: n for n, target in enumerate(self.description["targets"])}

    def __del__(self) -> None:
        if getattr(self, "_model", None):
            self._free(self._model)

    def __repr__(self) -> str:
        about = self.description
        return (
            f"Network({', '.join(self._targets)}; {about['members']} members, cutoff "
            f"{about['cutoff']:g} Å, {len(about['elements'])} elements)"
        )

    @property
    def cutoff(self) -> float:
        """Largest length of a bond, angstrom."""
        return float(self.description["cutoff"])

    @property
    def members(self) -> int:
        """Number of networks."""
        return int(self.description["members"])

    def potential(self, bonded: Bonded, *, member: int = MEAN, threads: int = 0) -> Response:
        """Return the energy of atoms, its forces and virial.

        Args:
            bonded: the atoms.
            member: number of a network; the mean of all when left out.
            threads: as many as OpenMP takes when left out.

        Raises:
            ProgramError: when the network has no energy, or cannot take these atoms.
        """
        energy = ctypes.c_double()
        energies = np.zeros(len(bonded.numbers))
        forces, virial = np.zeros((len(bonded.numbers), 3)), np.zeros((3, 3))
        self._call(
            "potential",
            self._model,
            member,
            ctypes.byref(_structure(bonded)),
            threads,
            ctypes.byref(energy),
            *map(_pointer, (energies, forces, virial)),
            None,
        )
        return Response(energy.value, energies, forces, virial)

    def tensor(self, key: str, bonded: Bonded, *, member: int = MEAN, threads: int = 0) -> Floats:
        """Return a tensor: all Cartesian components, shape ``(3,)*rank`` or ``(atoms, ...)``.

        Args:
            key: of the target.
            bonded: the atoms.
            member: number of a network; the mean of all when left out.
            threads: as many as OpenMP takes when left out.

        Raises:
            ProgramError: when there is no such target, or the network cannot take these atoms.
        """
        if key not in self._targets:
            raise ProgramError(f"{self!r} does not predict {key!r}: {', '.join(self._targets)}")
        number = self._targets[key]
        target = self.description["targets"][number]
        shape = (3,) * int(target["rank"])
        values = np.zeros((len(bonded.numbers), *shape) if target["pooling"] == "atoms" else shape)
        self._call(
            "tensor",
            self._model,
            member,
            number,
            ctypes.byref(_structure(bonded)),
            threads,
            _pointer(values),
            ctypes.c_int64(values.size),
        )
        return values

    def _function(self, name: str, result: Any) -> Callable[..., Any]:
        function = getattr(self._library, f"{self._prefix}_{name}")
        function.restype = result
        return function  # type: ignore[no-any-return]

    def _call(self, name: str, *arguments: Any) -> None:
        text = ctypes.create_string_buffer(MESSAGE)
        message = _Message(ctypes.cast(text, ctypes.c_void_p), MESSAGE)
        status = self._function(name, ctypes.c_int)(*arguments, message)
        if status:
            raise ProgramError(text.value.decode(errors="replace"))


def _structure(bonded: Bonded) -> _Bonds:
    """Return atoms and bonds as C reads them; the arrays must outlive it."""
    flags = None if bonded.counted is None else bonded.counted.ctypes.data
    return _Bonds(
        len(bonded.numbers),
        bonded.numbers.ctypes.data,
        flags,
        len(bonded.receivers),
        bonded.receivers.ctypes.data,
        bonded.senders.ctypes.data,
        bonded.vectors.ctypes.data,
        bonded.volume,
    )


def _pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
