"""Clips: which frames they hold, and that none is of another episode."""

from __future__ import annotations

import numpy as np
import torch

from groundling.training.contrastive.clips import ClipBuffer, ClipPairs, LastFrames


def frames_of(*values: int) -> dict[str, np.ndarray]:
    return {"number": np.array(values)}


def test_window_holds_the_last_frames_of_the_present_episode_only() -> None:
    last = LastFrames(2, 3)
    last.begin(np.array([True, True]), frames_of(10, 20))
    assert last.frames["number"].tolist() == [[0, 0, 10], [0, 0, 20]]
    assert last.count.tolist() == [1, 1]
    for step in range(1, 4):
        last.push(frames_of(10 + step, 20 + step))
    assert last.frames["number"].tolist() == [[11, 12, 13], [21, 22, 23]]
    assert last.count.tolist() == [3, 3]
    last.begin(np.array([False, True]), frames_of(99, 30))
    last.push(frames_of(14, 31))
    assert last.frames["number"].tolist() == [[12, 13, 14], [0, 30, 31]]
    assert last.count.tolist() == [3, 2]
    other = LastFrames(2, 3)
    other.load_state_dict(last.state_dict())
    last.push(frames_of(15, 32))
    other.push(frames_of(15, 32))
    assert other.frames["number"].tolist() == last.frames["number"].tolist() == [[13, 14, 15], [30, 31, 32]]


def test_what_was_handed_out_does_not_change_later() -> None:
    last = LastFrames(1, 2)
    last.begin(np.array([True]), frames_of(1))
    frames, count = last.rows(np.array([0]))
    saved = last.state_dict()
    last.push(frames_of(2))
    assert frames["number"].tolist() == [[0, 1]]
    assert count.tolist() == [1]
    assert saved["frames"]["number"].tolist() == [[0, 1]]
    assert saved["count"].tolist() == [1]


def pairs_of(*numbers: int) -> ClipPairs:
    """Pairs whose every number tells which one they are."""
    array = np.array(numbers)
    frames = {"number": np.broadcast_to(array[:, None, None], (len(array), 2, 3)).copy()}
    return ClipPairs(frames, np.stack([array, array], axis=1), np.stack([array, array * 0], axis=1), array * 100)


def numbers_in(buffer: ClipBuffer) -> list[int]:
    """Which pairs a buffer holds, by its places; every part must tell the same."""
    kept = buffer.rows(np.arange(len(buffer)))
    numbers = kept.tokens[:, 0].tolist()
    assert kept.frames["number"][:, 1, 2].tolist() == numbers
    assert kept.count[:, 0].tolist() == numbers
    assert kept.meaning.tolist() == [100 * number for number in numbers]
    return numbers


def test_buffer_drops_the_oldest() -> None:
    buffer = ClipBuffer(4)
    assert len(buffer) == 0
    assert len(buffer.sentences()) == 0
    buffer.add(pairs_of(1, 2, 3))
    assert numbers_in(buffer) == [1, 2, 3]
    buffer.add(pairs_of(4, 5))
    assert numbers_in(buffer) == [5, 2, 3, 4]
    buffer.add(pairs_of(*range(6, 16)))
    assert sorted(numbers_in(buffer)) == [12, 13, 14, 15]
    assert buffer.added == 15
    assert buffer.sentences().tolist() == [[12, 0], [13, 0], [14, 0], [15, 0]]


def test_buffer_goes_on_from_what_was_saved_with_every_pair_in_its_place() -> None:
    buffer = ClipBuffer(4)
    buffer.add(pairs_of(*range(1, 7)))
    other = ClipBuffer(4)
    saved = buffer.state_dict()
    other.load_state_dict(saved)
    for one in (buffer, other):
        one.add(pairs_of(7))
    assert numbers_in(other) == numbers_in(buffer)
    assert torch.equal(saved["meaning"].sort().values, torch.tensor([300, 400, 500, 600]))
    empty = ClipBuffer(4)
    empty.load_state_dict(ClipBuffer(4).state_dict())
    assert len(empty) == 0
