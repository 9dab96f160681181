"""Pieces: their ends, and what their keys depend on."""

from __future__ import annotations

import json
import random
from pathlib import Path

from carnet_model.screening.documents import documents
from carnet_model.screening.pieces import Piece, pieces
from tests.helpers.screening import write_lines


def cut(file: Path, most: int = 16) -> list[Piece]:
    return list(pieces(str(file), documents(str(file)), most))


def test_pieces_hold_every_document_once_and_in_order(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", [f"s{n}" for n in range(100)])
    found = cut(file)
    assert [each for piece in found for each in piece.documents] == list(documents(str(file)))
    assert all(8 <= len(piece) <= 16 for piece in found[:-1])
    assert [piece.number for piece in found] == list(range(len(found)))
    assert len({piece.part for piece in found}) == len(found)


def test_a_key_follows_the_content_and_the_name(tmp_path: Path) -> None:
    names = [f"s{n}" for n in range(40)]
    before = cut(write_lines(tmp_path / "x.jsonl", names))
    assert [piece.part for piece in cut(tmp_path / "x.jsonl")] == [piece.part for piece in before]
    changed = cut(write_lines(tmp_path / "x.jsonl", [*names[:-1], "other"]))
    assert changed[0].key == before[0].key
    assert changed[-1].key != before[-1].key
    elsewhere = cut(write_lines(tmp_path / "y.jsonl", names))
    assert not {piece.key for piece in elsewhere} & {piece.key for piece in before}


def test_a_file_that_is_put_into_a_folder_changes_the_pieces_near_it(tmp_path: Path) -> None:
    numbers = random.Random(0).sample(range(1000), 200)
    for number in numbers:
        (tmp_path / f"{number:04d}.json").write_text(json.dumps({"x": number}))
    before = {piece.key for piece in cut(tmp_path)}
    (tmp_path / "0000a.json").write_text(json.dumps({"x": "new"}))
    after = {piece.key for piece in cut(tmp_path)}
    assert len(after - before) <= len(after) / 2
    assert after - before


def test_large_documents_end_a_piece_early(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text("".join(json.dumps({"x": "y" * 20_000}) + "\n" for _ in range(8)))
    assert [len(piece) for piece in cut(file)] == [2, 2, 2, 2]
