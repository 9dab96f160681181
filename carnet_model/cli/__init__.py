"""The command line ``carnet``: predict tensors of structures; evaluate, train, look after data."""

from . import (
    app,
    build,
    data_check,
    data_dejong2015,
    data_moduli,
    elastic,
    evaluate,
    export,
    join,
    models,
    predict,
    report,
    screen,
    select,
    serve,
    train,
    tune,
)
from .app import main

__all__ = [
    "app",
    "build",
    "data_check",
    "data_dejong2015",
    "data_moduli",
    "elastic",
    "evaluate",
    "export",
    "join",
    "main",
    "models",
    "predict",
    "report",
    "screen",
    "select",
    "serve",
    "train",
    "tune",
]
