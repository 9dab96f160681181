"""The command line ``natural-tensors``: the parts of a tensor, from a terminal."""

from . import catalogue, crystals, pieces, tensors
from .program import (
    USAGE_ERRORS,
    RefusedError,
    app,
    check_codegen,
    examples_of,
    fail,
    main,
    none_or_one_of,
    one_of,
    say,
    say_table,
    usage_message,
    warn,
)

__all__ = [
    "USAGE_ERRORS",
    "RefusedError",
    "app",
    "catalogue",
    "check_codegen",
    "crystals",
    "examples_of",
    "fail",
    "main",
    "none_or_one_of",
    "one_of",
    "pieces",
    "say",
    "say_table",
    "tensors",
    "usage_message",
    "warn",
]
