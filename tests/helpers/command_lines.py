"""The commands of both programs, run in this process as their users run them."""

from __future__ import annotations

from typer import Typer
from typer.testing import CliRunner, Result


def natural_tensors(*arguments: str, code: int = 0, stdin: str | bytes | None = None) -> Result:
    """Run ``natural-tensors``; it must end with an exit code and never with a traceback."""
    from natural_tensors.cli import app

    return _run(app.app, "natural-tensors", arguments, code, stdin)


def carnet(*arguments: str, code: int = 0, stdin: str | bytes | None = None) -> Result:
    """Run ``carnet``; it must end with an exit code and never with a traceback."""
    from carnet_model.cli import app

    return _run(app.app, "carnet", arguments, code, stdin)


def carnet_error(*arguments: str, code: int = 2) -> str:
    """Return the message of ``carnet`` where it fails."""
    return message(carnet(*arguments, code=code))


def message(result: Result) -> str:
    """Return the message of a command that failed: all it said, and in the form of all errors."""
    assert result.stdout == ""
    first, *others = result.stderr.splitlines()
    assert first.startswith("error: ")
    assert all(line.startswith("  ") for line in others)
    return result.stderr


def _run(
    app: Typer, name: str, arguments: tuple[str, ...], code: int, stdin: str | bytes | None
) -> Result:
    result = CliRunner().invoke(app, arguments, input=stdin, prog_name=name)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result
