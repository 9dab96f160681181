"""Streams cut into documents: as the readers of whole files would, piece by piece."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from carnet_model.screening import cutting
from carnet_model.screening.cutting import frames, json_values, lines
from carnet_model.structures.geometry import GeometryError

VALUES = [{"id": "a", "x": [1, 2.5, -3e-7]}, {"b": ']}, {"[\\'}, {"ü": None}, 17, "text", []]


class Trickle(io.RawIOBase):
    """A file that gives a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self.left = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(3, len(buffer), len(self.left))
        buffer[:count], self.left = self.left[:count], self.left[count:]
        return count


def values(text: str) -> list[Any]:
    return [json.loads(each) for each in json_values(io.BytesIO(text.encode()))]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_is_cut_into_its_entries(indent: int | None, monkeypatch: Any) -> None:
    text = json.dumps(VALUES, indent=indent, ensure_ascii=False)
    assert values(text) == VALUES
    monkeypatch.setattr(cutting, "PIECE", 1)  # every entry is broken by the end of what is read
    assert values(text) == VALUES
    found = json_values(io.BufferedReader(Trickle(text.encode())))
    assert [json.loads(each) for each in found] == VALUES


def test_an_object_is_one_entry_unless_it_lists_data() -> None:
    record = {"numbers": [14], "data": {"x": 1}, "name": "a, b"}
    assert values(json.dumps(record)) == [record]
    answer = {"meta": {"more": [1, 2]}, "data": VALUES, "links": {"next": None}}
    assert values(json.dumps(answer)) == VALUES
    assert values(json.dumps({"data": []})) == []
    assert values("[]") == []


@pytest.mark.parametrize(
    ("text", "before", "words"),
    [
        ('[{"a": 1}, {"b": ', 1, "cannot be read"),
        ('[{"a": 1} {"b": 2}]', 1, "'{' stands where ',' must"),
        ('[{"a": 1}', 1, "the end stands where"),
        ("", 0, "empty"),
    ],
)
def test_what_is_no_json_ends_it_and_what_came_before_is_kept(
    text: str, before: int, words: str
) -> None:
    found: Iterator[bytes] = json_values(io.BytesIO(text.encode()))
    kept: list[bytes] = []
    with pytest.raises(GeometryError, match=words):
        kept.extend(found)
    assert len(kept) == before


def test_an_entry_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "LARGEST", 100)
    monkeypatch.setattr(cutting, "PIECE", 10)
    with pytest.raises(GeometryError, match="more than 100 bytes"):
        values(json.dumps(["x" * 1000]))
    with pytest.raises(GeometryError, match="more than 100 bytes"):
        list(lines(io.BytesIO(b"x" * 1000)))
    with pytest.raises(GeometryError, match="more than 100 bytes"):
        list(frames(io.BytesIO(b"2\n" + b"y" * 60 + b"\n" + b"z" * 60 + b"\n")))


def test_lines_without_anything_are_passed_over() -> None:
    assert list(lines(io.BytesIO(b'{"a": 1}\r\n\n  \n{"b": 2}'))) == [b'{"a": 1}', b'{"b": 2}']


def test_frames_are_cut_by_their_counts() -> None:
    first, second = b"1\ncomment\nSi 0 0 0\n", b" 2 \n\nSi 0 0 0\nC 1 1 1\n"
    assert list(frames(io.BytesIO(first + b"\n" + second))) == [first, second]
    assert list(frames(io.BytesIO(first + b"Si 0 0 0\n" + second))) == [first, b"Si 0 0 0\n"]
    with pytest.raises(GeometryError, match="more than the limit"):
        list(frames(io.BytesIO(b"99999999\n")))
