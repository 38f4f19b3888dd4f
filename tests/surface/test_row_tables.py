"""The tables of rows in benchmarks/README.md are what the files of results say."""

from __future__ import annotations

import row_tables


def test_page_holds_the_tables_of_its_files() -> None:
    text = row_tables.README.read_text()
    assert row_tables.TABLE.search(text)
    assert row_tables.with_tables(text) == text


def test_rows_are_chosen_by_key_and_written_as_numbers_are_read() -> None:
    rows = [
        {"key": "one_speed", "row": "a", "mean": 1052558.2, "low": None, "high": None, "command": "x"},
        {"key": "two", "row": "b", "mean": 0.5, "low": 0.25, "high": 12.0, "seeds": 2, "frames": 3000, "minutes": 1.25},
    ]
    table = row_tables.table_of(rows, ["two"])
    assert table.splitlines()[2:] == ["| b | 0.500 [0.250, 12.0] |  |  | 2 | 3,000 | 1.2 |  |"]
    assert row_tables.table_of(rows, ["one*"]).splitlines()[2:] == ["| a | 1,052,558 |  |  |  |  |  | `x` |"]
    assert len(row_tables.table_of(rows, []).splitlines()) == 4
