"""What model cards and other pages state in the rows of their tables."""

from __future__ import annotations

import re

from .paths import ROOT


def card(name: str) -> str:
    """Return the card of shipped weights."""
    return (ROOT / "carnet_model" / "weights" / f"{name}.md").read_text(encoding="utf-8")


def cells(page: str, row: str) -> list[str]:
    """Return the cells of the one row of a table that begins so, but its first."""
    (line,) = re.findall(rf"^\| {re.escape(row)} \|(.*)\|$", page, re.M)
    return [cell.strip() for cell in line.split("|")]


def figures(page: str, row: str) -> list[float]:
    """Return the numbers of a row, several of a cell too, without standard errors and notes."""
    text = re.sub(r"± *[\d.]+|\([^)]*\)", "", " | ".join(cells(page, row)))
    return [float(number) for number in re.findall(r"\d+\.?\d*", text)]


def half_a_digit(page: str, row: str) -> float:
    """Return half of the last digit of the first number of a row."""
    (number, *_) = re.findall(r"[\d.]+", cells(page, row)[0])
    return float(0.5 * 10.0 ** -len(number.partition(".")[2]))


def printed(table: str, *begins: str) -> list[str]:
    """Return all cells of the first row of a printed table that begins so."""
    rows = ([cell.strip() for cell in line.strip("│").split("│")] for line in table.splitlines())
    return next(row for row in rows if row[: len(begins)] == [*begins])
