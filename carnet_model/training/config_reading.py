"""Settings from YAML, with messages that name the key, what was allowed and the nearest name."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from natural_tensors import limits
from natural_tensors.errors import translated

from ..network.settings import ConfigError
from ..weights.shipped import shipped
from .config import Config
from .sources import resolve_sources


class _Loader(yaml.SafeLoader):  # type: ignore[misc] # PyYAML states no types
    """YAML, with keys written twice refused."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                raise ConfigError(
                    f"line {key.start_mark.line + 1}: the key {key.value!r} is written twice; "
                    "remove one"
                )
            seen.add(key.value)
    values: dict[Any, Any] = yaml.SafeLoader.construct_mapping(loader, node, deep=True)
    return values


def _values(text: str) -> Any:
    """Return what a YAML text says; what aliases repeat is counted before it is written out."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        size = _size(node, {}, ())
        limits.check("settings", size, f"writes out {size:.3g} values", "repeat less by aliases")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int], around: tuple[int, ...]) -> int:
    """Return the number of values in a node, each alias counted as what it stands for."""
    key = id(node)
    if key in around:
        line = node.start_mark.line + 1
        raise ConfigError(f"line {line}: an alias stands inside what it stands for; write it out")
    if key not in known:
        inner = node.value if isinstance(node, yaml.CollectionNode) else ()
        parts = (
            part for entry in inner for part in (entry if isinstance(entry, tuple) else (entry,))
        )
        known[key] = 1 + sum(_size(part, known, (*around, key)) for part in parts)
    return known[key]


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_config(path: str | Path) -> Config:
    """Read a configuration from YAML (JSON is YAML).

    Args:
        path: the file. Paths in it are relative to its folder, and come out absolute.

    Raises:
        ConfigError: when there is no such file, it is no YAML, or a setting is wrong; names each
            wrong key with its place, what it holds and what is allowed.
    """
    place = Path(path)

    def unreadable(reason: str) -> ConfigError:
        return ConfigError(
            f"{place}: cannot be read: {reason}; name a YAML file, or see `carnet train "
            "--help-config`"
        )

    with translated(unreadable):
        text = place.read_text(encoding="utf-8")
    try:
        with translated(lambda reason: ConfigError(f"is no YAML: {reason}")):
            values = _values(text)
    except (ConfigError, limits.LimitError) as error:
        raise ConfigError(f"{place}: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{place}: holds {str(values)[:40]!r}; write keys such as `data:`")
    return make_config(values, folder=place.resolve().parent, origin=str(place))


def make_config(
    values: Mapping[str, Any], *, folder: str | Path | None = None, origin: str = "configuration"
) -> Config:
    """Return checked settings.

    Args:
        values: the settings, nested as in YAML.
        folder: what relative paths are relative to; None leaves paths as they are.
        origin: what messages call it.

    Raises:
        ConfigError: when a setting is wrong.
    """
    try:
        config = Config.model_validate(dict(values))
        resolve_sources(config)  # refused here, not at the training
        if config.threads is not None:
            limits.check("threads", config.threads, f"threads is {config.threads}")
    except ValidationError as error:
        raise ConfigError(_explained(error, origin)) from None
    except (ConfigError, limits.LimitError) as error:
        raise ConfigError(f"{origin}: {error}") from None
    if folder is None:
        return config
    base = Path(folder)
    sources = tuple(
        source.model_copy(update={"path": _absolute(source.path, base, f"{origin}: data.{number}")})
        for number, source in enumerate(config.data)
    )
    places: dict[str, Any] = {"output": _absolute(config.output, base, f"{origin}: output")}
    if config.start is not None and config.start.model not in shipped():
        model = _absolute(config.start.model, base, f"{origin}: start.model")
        places["start"] = config.start.model_copy(update={"model": model})
    return config.model_copy(update={"data": sources, **places})


def _absolute(path: str, base: Path, origin: str) -> str:
    expanded = os.path.expanduser(os.path.expandvars(path))
    missing = re.search(r"\$(\w+|\{[^}]*\})", expanded)
    if missing:
        raise ConfigError(
            f"{origin}: the variable {missing[0]} of {path!r} is not set; set it in the "
            "environment, or write the path out"
        )
    return str(base / expanded)


def _explained(error: ValidationError, origin: str) -> str:
    faults = error.errors()
    places = [fault["loc"] for fault in faults]
    lines = []
    for fault in faults:
        depth = len(fault["loc"])
        if any(len(place) > depth and place[:depth] == fault["loc"] for place in places):
            continue  # what is wrong inside has been left out here, and is said by itself
        place = [part for part in fault["loc"] if not str(part).startswith("function-")]
        lines.append(f"{origin}: {_fault(place, fault)}")
    return "\n".join(lines)


def _fault(place: list[int | str], fault: Mapping[str, object]) -> str:
    where = ".".join(map(str, place))
    if fault["type"] == "extra_forbidden":
        model = _model_at(place[:-1])
        names = list(model.model_fields) if model else []
        near = difflib.get_close_matches(str(place[-1]), names, n=1, cutoff=0.5)
        meant = f"did you mean {near[0]!r}? " if near else ""
        return f"unknown key {where!r}; {meant}allowed there: {', '.join(names)}"
    if fault["type"] == "missing":
        return f"{where!r} is missing: {_described(place)}"
    if fault["type"] == "model_type":
        model = _model_at(place)
        keys = ", ".join(model.model_fields) if model else ""
        return f"{where}: got {fault['input']!r}; allowed: keys with values, of {keys}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{where}: {message}" if where else message
    return f"{where}: got {fault['input']!r}; {message[:1].lower()}{message[1:]}"


def _described(place: list[int | str]) -> str:
    model = _model_at(place[:-1])
    field = model.model_fields.get(str(place[-1])) if model else None
    return field.description or "" if field else "write it"


def _model_at(place: list[int | str]) -> type[BaseModel] | None:
    model: type[BaseModel] | None = Config
    for part in place:
        if model is not None and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation)
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    models = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in models if model is not None), None)


def describe() -> str:
    """Return every key of a configuration: type, default and meaning, nested as in YAML."""
    return "\n".join(_lines(Config, 0))


def _lines(model: type[BaseModel], depth: int) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        yield f"{'  ' * depth}{name}: {_typed(field)}"
        yield f"{'  ' * depth}    {field.description}"
        if inner is not None:
            yield from _lines(inner, depth + 2)


def _typed(field: FieldInfo) -> str:
    inner = _model_in(field.annotation)
    words = _type_name(field.annotation)
    bounds = [
        f"{sign} {getattr(bound, attribute)}"
        for bound in field.metadata
        for attribute, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="))
        if hasattr(bound, attribute)
    ]
    if bounds:
        words += f", {', '.join(bounds)}"
    if field.is_required():
        return f"{words}; required"
    if inner is not None:
        return words
    return f"{words}; default {_as_yaml(field.get_default(call_default_factory=True))}"


def _as_yaml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return str(list(value))
    if value is None:
        return "null"
    return "empty" if value == "" else str(value)


def _type_name(annotation: Any) -> str:
    if annotation is NoneType:
        return "null"
    if annotation is Any:
        return "anything"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "keys below"
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:  # with bounds of its own
        return _type_name(arguments[0])
    if not arguments:
        names = {str: "text", bool: "true or false", int: "integer", float: "number"}
        return names.get(annotation, getattr(annotation, "__name__", str(annotation)))
    origin = getattr(annotation, "__origin__", None)
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin is dict:
        return f"name: {_type_name(arguments[1])}"
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return f"list of {_type_name(arguments[0])}"
        return f"[{', '.join(map(_type_name, arguments))}]"
    return " | ".join(map(_type_name, arguments))
