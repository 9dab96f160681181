"""Calculators of ASE by name: ours, those that other packages announce, well-known potentials.

>>> calculator_named("silicon")
CarNetCalculator(silicon, 1 network: energy, free_energy, forces, stress)
>>> type(calculator_named("ase.calculators.emt:EMT")).__name__
'EMT'
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ase.calculators.calculator import BaseCalculator

from natural_tensors.errors import InputError, translated
from natural_tensors.formatting import did_you_mean

from ..cpp.files import ProgramError
from ..inference.networks import potential_of
from ..inference.programs import build_program, use
from ..weights.record import read_record, targets_of
from ..weights.shipped import checkpoint_of, folder_of, shipped
from .ase import CarNetCalculator
from .elsewhere import CalculatorElsewhere, environment_of

GROUP = "natural_tensors.calculators"
"""Entry points of other packages: a name, and a calculator or a callable that returns one."""


class CalculatorError(InputError, ValueError):
    """A calculator that does not exist, cannot be made, or computes no forces."""


@dataclass(frozen=True)
class Source:
    """Where a well-known potential comes from.

    Attributes:
        place: ``module:object``, a callable.
        packages: what pip installs for it.
        settings: what it is called with.
    """

    place: str
    packages: str
    settings: Mapping[str, Any] = field(default_factory=dict)


WELL_KNOWN: Mapping[str, Source] = {
    "chgnet": Source("chgnet.model.dynamics:CHGNetCalculator", "chgnet"),
    "mace": Source(
        "mace.calculators:mace_mp",
        "mace-torch",
        {"model": "medium-mpa-0", "default_dtype": "float64"},
    ),
    "mattersim": Source("mattersim.forcefield:MatterSimCalculator", "mattersim"),
    "orb": Source(
        "matcalc:load_fp",
        "matcalc orb-models",
        {"name": "ORB-MPtrj-Alex-v3-conservative-inf"},
    ),
    "sevennet": Source("sevenn.calculator:SevenNetCalculator", "sevenn", {"model": "7net-0"}),
    "tensornet": Source(
        "matcalc:load_fp", "matcalc matgl", {"name": "TensorNet-MatPES-PBE-2025.2"}
    ),
}
"""Potentials of others; their packages fetch their weights when they are first used."""


def calculator_named(name: str | Path) -> Any:
    """Return a calculator of ASE that has energies and forces.

    Looked up in this order: weights that come with the package, the folder of a checkpoint,
    the Python of another environment and, after a space, ``module:object`` there,
    ``module:object`` here (a calculator, or a callable without arguments that returns one; modules
    of the current folder are found too), entry points of the group
    ``natural_tensors.calculators``, and `WELL_KNOWN`.

    Args:
        name: for instance ``"silicon"``, ``"runs/mine/model"``, ``"ase.calculators.emt:EMT"``,
            ``"mace"``, ``"ENV/bin/python their_package:make"``. Ours computes in double precision.

    Raises:
        CalculatorError: when there is none of this name, its package is not installed, it cannot
            be made, or it has no forces; the message says what to do.
        ModelError, CheckpointError: when the folder is none of a checkpoint.
    """
    asked = str(name)
    if checkpoint_of(asked) is not None:
        return with_forces(CarNetCalculator(asked), asked)
    elsewhere = environment_of(asked)
    if elsewhere is not None:
        with _in_words_of(asked, "it cannot be made in that environment"):
            return with_forces(CalculatorElsewhere(*elsewhere), asked)
    if ":" in asked:
        return with_forces(_made(_object_at(asked), asked), asked)
    announced = {entry.name: entry for entry in entry_points(group=GROUP)}
    if asked in announced:
        entry = announced[asked]
        with _in_words_of(asked, f"the entry point {entry.value} of {GROUP} cannot be loaded"):
            found = entry.load()
        return with_forces(_made(found, asked), asked)
    if asked.lower() in WELL_KNOWN:
        return with_forces(_well_known(asked), asked)
    known = (*shipped(), *announced, *WELL_KNOWN)
    raise CalculatorError(
        f"there is no calculator {asked!r}{did_you_mean(asked, known)}\n"
        f"with the package come: {', '.join(shipped())}; others announced: "
        f"{', '.join(sorted(announced)) or 'none'}; of other packages: {', '.join(WELL_KNOWN)}\n"
        "or give the folder of a checkpoint, or module:object"
    )


def calculator_for_long(name: str | Path) -> Any:
    """Return a calculator for some thousand structures, as `calculator_named` does.

    The C++ program of weights of ours is built before, unless there is no compiler, or the
    environment says that none is wanted (`inference.programs.use`).
    """
    folder = checkpoint_of(str(name))
    if folder is not None and use() == "auto":
        with suppress(ProgramError):
            build_program(folder, "double")
    return calculator_named(name)


def _well_known(asked: str) -> object:
    source = WELL_KNOWN[asked.lower()]
    module = source.place.partition(":")[0]
    try:
        import_module(module)
    except ImportError as error:
        package = (error.name or module).partition(".")[0]
        raise CalculatorError(
            f"{asked}: the package {package} cannot be imported, and this calculator needs it\n"
            f"install it: pip install {source.packages}"
        ) from None
    return _made(_object_at(source.place), asked, source)


def _object_at(place: str) -> object:
    """Return what a module holds, given as ``module:object``."""
    module, _, path = place.partition(":")
    if not module or module.startswith("."):
        raise CalculatorError(
            f"{place}: names no module before the colon\ngive module:object, as in "
            "ase.calculators.emt:EMT"
        )
    python, _, rest = module.rpartition(" ")
    if python:
        raise CalculatorError(
            f"{place}: there is no program {python} to run\n"
            f"give the Python of an environment that has {rest}, as in ENV/bin/python {rest}:..., "
            "or module:object"
        )
    with _in_words_of(place, f"the module {module} cannot be imported"), _current_folder():
        found: object = import_module(module)
    for part in path.split("."):
        if not hasattr(found, part):
            raise CalculatorError(
                f"{place}: {module} has no {path}\n"
                "name a calculator in it, or a callable without arguments that returns one"
            )
        found = getattr(found, part)
    return found


def _made(found: object, asked: str, source: Source | None = None) -> object:
    """Return a calculator: what was found, or what it returns when called."""
    if isinstance(found, BaseCalculator) or not callable(found):
        return found
    settings = {} if source is None else source.settings
    remedy = "" if source is None else "\nits weights are fetched when it is first used"
    with _in_words_of(asked, "it cannot be made", remedy):
        return found(**settings)


def with_forces(found: Any, asked: str) -> Any:
    """Return a calculator that has energies and forces.

    Args:
        found: what may be one.
        asked: what messages call it.

    Raises:
        CalculatorError: when it is none, or has none.
    """
    if not isinstance(found, BaseCalculator):
        raise CalculatorError(
            f"{asked}: is {type(found).__name__}, no calculator of ASE\n"
            "needed: an object of ase.calculators.calculator.Calculator, or a callable without "
            "arguments that returns one"
        )
    properties = list(getattr(found, "implemented_properties", ()))
    if not {"energy", "forces"} <= set(properties):
        raise CalculatorError(
            f"{asked}: computes {', '.join(properties) or 'nothing'}; needed: energy, forces\n"
            f"choose an interatomic potential: of ours {', '.join(_potentials())}"
        )
    return found


def _potentials() -> list[str]:
    """Return the names of the potentials that come with the package."""
    targets = {name: targets_of(read_record(folder_of(name))) for name in shipped()}
    return [name for name, each in targets.items() if potential_of(each) is not None]


@contextmanager
def _in_words_of(asked: str, what: str, remedy: str = "") -> Iterator[None]:
    """Turn what goes wrong in the code of others into an error of ours."""
    with translated(lambda reason: CalculatorError(f"{asked}: {what}: {reason}{remedy}")):
        try:
            yield
        except SystemExit:  # a module that is a script
            raise CalculatorError(f"{asked}: {what}: it ends the program") from None


@contextmanager
def _current_folder() -> Iterator[None]:
    """Let modules of the current folder be found, after all others."""
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)
