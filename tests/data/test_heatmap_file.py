"""The database file: what goes in comes out, and what is wrong with a file is told."""

from __future__ import annotations

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.crop import Crop
from data.errors import StoreError
from data.heatmap_file import HeatmapFile
from data.heatmap_store import Header, Key, Record
from data.heatmaps import Heatmaps

HEADER = Header(
    net="slow",
    network="fspose-slow-1",
    weights="a" * 64,
    annotations="b" * 64,
    skeleton="posetrack-17",
    size=(48, 64),
    precision="exact",
)


def record(track: int, frame: str = "000000", video: str = "val/000001_mpii_test") -> Record:
    rng = np.random.default_rng((track, int(frame)))
    crop = Crop((100.25 + track, 1 / 3), (0.7, 0.9), (12, 16), 7.5)
    maps = rng.normal(0.2, 0.3, (17, 16, 12)).astype(np.float32)
    return Record(Key(video, frame, track), Heatmaps(maps, crop), 0.5 + track / 100)


def assert_same(one: Record, other: Record) -> None:
    assert one.key == other.key
    assert one.heatmaps.crop == other.heatmaps.crop
    assert one.score == other.score
    np.testing.assert_array_equal(one.heatmaps.maps, other.heatmaps.maps)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "maps.fsh"


@pytest.fixture
def written(path: Path) -> Path:
    """A finished database of four people."""
    with HeatmapFile.append(path, HEADER) as store:
        store.put([record(track) for track in range(1, 5)])
        store.finish()
    return path


def test_records_are_read_as_they_were_put(written):
    with HeatmapFile.read(written) as store:
        for track in range(1, 5):
            assert_same(record(track), store.record(record(track).key))
            np.testing.assert_array_equal(
                record(track).heatmaps.maps, store.get(record(track).key).maps
            )
        assert [record(track).key for track in range(1, 5)] == store.keys()
        assert store.header == HEADER
        assert len(store) == 4


def test_who_is_not_there_is_told(written):
    with HeatmapFile.read(written) as store:
        assert store.has(record(1).key)
        assert not store.has(record(9).key)
        with pytest.raises(StoreError, match=r"holds no heatmaps of .*000000, track 9"):
            store.get(record(9).key)


def test_a_record_that_is_there_stays(path):
    with HeatmapFile.append(path, HEADER) as store:
        store.put([record(1)])
        store.put([replace(record(1), score=0.9), record(2)])

        assert_same(record(1), store.record(record(1).key))
        assert len(store) == 2


def test_records_come_all_or_none(path):
    misshapen = replace(
        record(2), heatmaps=Heatmaps(np.zeros((3, 4, 4), np.float32), Crop((0, 0), (1, 1), (4, 4)))
    )
    with HeatmapFile.append(path, HEADER) as store:
        with pytest.raises(StoreError, match="3 maps, and posetrack-17 has 17 keypoints"):
            store.put([record(1), misshapen])
        assert store.keys() == []


def test_maps_that_are_not_finite_are_refused(path):
    broken = record(1)
    broken.heatmaps.maps[0, 0, 0] = np.inf
    with HeatmapFile.append(path, HEADER) as store, pytest.raises(StoreError, match="not finite"):
        store.put([broken])


def test_a_new_database_that_never_held_anything_is_gone_after_an_error(path):
    broken = record(1)
    broken.heatmaps.maps[0, 0, 0] = np.nan

    with pytest.raises(StoreError, match="not finite"), HeatmapFile.append(path, HEADER) as store:
        store.put([broken])

    assert list(path.parent.iterdir()) == []


def test_what_a_database_holds_stays_after_an_error(path):
    broken = record(2)
    broken.heatmaps.maps[0, 0, 0] = np.nan

    with HeatmapFile.append(path, HEADER) as store:
        store.put([record(1)])
    with pytest.raises(StoreError, match="not finite"), HeatmapFile.append(path, HEADER) as store:
        store.put([broken])

    with HeatmapFile.read(path) as store:
        assert len(store) == 1


@pytest.mark.parametrize("key", [Key("\udcff", "0", 1), Key("val/a", "0", 10**30)])
def test_a_key_that_no_database_can_hold_is_not_there(key, written):
    with HeatmapFile.read(written) as store:
        assert not store.has(key)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", b"\xff\xfe"),
        ("size", "5"),
        ("size", "-48x64"),
        ("size", "99999999999x64"),
        ("size", "0x64"),
        ("network", b"\x00"),
        ("skeleton", b"posetrack-17"),
    ],
)
def test_a_damaged_header_is_told(name, value, written):
    with closing(sqlite3.connect(written)) as database, database:
        database.execute("UPDATE header SET value = ? WHERE name = ?", (value, name))

    with pytest.raises(StoreError, match=rf"its header is damaged \({name}\)"):
        HeatmapFile.read(written)
    with pytest.raises(StoreError, match="its header is damaged"):
        HeatmapFile.append(written, HEADER)


def test_a_finished_database_is_one_plain_file_that_says_so(written):
    assert [written] == list(written.parent.iterdir())
    with HeatmapFile.read(written) as store:
        assert store.is_finished


def test_an_unfinished_database_is_gone_on_with(path):
    with HeatmapFile.append(path, HEADER) as store:
        store.put([record(1)])
    with HeatmapFile.append(path, replace(HEADER, network="renamed.pth")) as store:
        assert not store.is_finished
        store.put([record(2)])

    with HeatmapFile.read(path) as store:
        assert [record(1).key, record(2).key] == store.keys()


def test_a_second_connection_reads_while_one_writes(path):
    with HeatmapFile.append(path, HEADER) as store:
        store.put([record(1)])
        with HeatmapFile.read(path) as reader:
            assert_same(record(1), reader.record(record(1).key))
            store.put([record(2)])
            assert_same(record(2), reader.record(record(2).key))
            store.finish()  # cannot leave WAL mode now, and need not
        assert store.is_finished


def test_a_finished_database_can_be_gone_through_again_while_others_read(written):
    """What `create` does when it is typed once more."""
    with HeatmapFile.read(written) as one, HeatmapFile.read(written) as other:
        assert_same(record(1), one.record(record(1).key))
        with HeatmapFile.append(written, HEADER) as store:
            assert len(store.keys()) == 4
            store.finish()
        assert_same(record(2), other.record(record(2).key))


def test_a_database_can_be_written_by_a_thread_of_its_own(path):
    with HeatmapFile.append(path, HEADER) as store:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(store.put, [record(1)]).result()
        assert store.has(record(1).key)


@pytest.mark.parametrize("schema", ["fspose.heatmaps/1", "fspose.heatmaps/9"])
def test_a_database_of_another_form_is_told(written, schema):
    with closing(sqlite3.connect(written)) as database, database:
        database.execute("UPDATE header SET value = ? WHERE name = 'schema'", (schema,))

    for opened in (HeatmapFile.read, lambda path: HeatmapFile.append(path, HEADER)):
        with pytest.raises(StoreError, match=rf"of kind '{schema}', expected .*Make it anew"):
            opened(written)


@pytest.mark.parametrize("place", [("../x", "1", "1"), (b"x", "1", 1), ("x", None, 1)])
def test_a_key_that_is_no_text_and_number_is_told(path, place):
    """SQLite keeps what it is given, whatever the column was declared to be."""
    with HeatmapFile.append(path, HEADER) as store:
        store.put([record(1)])
        columns = "(video TEXT, frame TEXT, track TEXT)"
        store._database.execute("DROP TABLE records")
        store._database.execute("CREATE TABLE records " + columns)
        store._database.execute("INSERT INTO records VALUES (?, ?, ?)", place)

        with pytest.raises(StoreError, match="is no video, frame and track"):
            store.keys()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (replace(HEADER, net="fast"), "another net: slow, and this run has fast"),
        (
            replace(HEADER, network="other", weights="c" * 64),
            r"another network: fspose-slow-1 \(aaaaaaaaaaaa…\), and this run has other \(cccccccc",
        ),
        (replace(HEADER, annotations="d" * 64), "another annotation set: bbbbbbbbbbbb…, and"),
        (replace(HEADER, precision="byte"), "another precision: exact, and this run has byte"),
        (replace(HEADER, size=(56, 56)), "another input size: 48x64, and this run has 56x56"),
        (replace(HEADER, skeleton="fspose-19"), "another skeleton"),
    ],
)
def test_a_database_that_was_made_otherwise_is_not_gone_on_with(written, other, words):
    before = written.read_bytes()

    with pytest.raises(StoreError, match=words):
        HeatmapFile.append(written, other)

    assert before == written.read_bytes()


@pytest.mark.parametrize("content", [b"", b"not a database at all\n" * 200, b"SQLite format 3\0"])
def test_a_file_that_is_no_database_is_told(path, content):
    path.write_bytes(content)

    with pytest.raises(StoreError, match=r"maps\.fsh"):
        HeatmapFile.read(path)


def test_another_programs_database_is_left_alone(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE songs (name TEXT)")
    before = path.read_bytes()

    for opened in (HeatmapFile.read, lambda path: HeatmapFile.append(path, HEADER)):
        with pytest.raises(StoreError, match="is no heatmap database of fspose"):
            opened(path)
    assert before == path.read_bytes()


def test_a_missing_file_and_a_missing_folder_are_told(tmp_path):
    with pytest.raises(StoreError, match="no such heatmap database"):
        HeatmapFile.read(tmp_path / "gone.fsh")
    with pytest.raises(StoreError, match="cannot be opened"):
        HeatmapFile.append(tmp_path / "gone" / "maps.fsh", HEADER)
    with pytest.raises(StoreError, match="cannot be opened"):
        HeatmapFile.append(tmp_path, HEADER)


def test_every_changed_number_of_a_record_is_found(written):
    names = ("center_x", "scale_y", "angle", "width", "score", "checksum")
    for name in names:
        with closing(sqlite3.connect(written)) as database, database:
            database.execute(f"UPDATE records SET {name} = {name} + 1 WHERE track = 2")
        with HeatmapFile.read(written) as store:
            with pytest.raises(StoreError, match=r"record of .*track 2 is damaged"):
                store.get(record(2).key)
            assert_same(record(3), store.record(record(3).key))
        with closing(sqlite3.connect(written)) as database, database:
            database.execute(f"UPDATE records SET {name} = {name} - 1 WHERE track = 2")


def test_a_changed_bit_of_the_maps_is_found(written):
    with closing(sqlite3.connect(written)) as database, database:
        (payload,) = database.execute("SELECT payload FROM records WHERE track = 1").fetchone()
        changed = bytearray(payload)
        changed[len(changed) // 2] ^= 4
        database.execute("UPDATE records SET payload = ? WHERE track = 1", (bytes(changed),))

    with HeatmapFile.read(written) as store, pytest.raises(StoreError, match="wrong checksum"):
        store.get(record(1).key)


@pytest.mark.parametrize("share", [0.02, 0.4, 0.7, 0.95])
def test_a_file_cut_short_is_told_wherever(path, share):
    with HeatmapFile.append(path, HEADER) as store:
        store.put([record(track, f"{frame:06}") for frame in range(20) for track in range(4)])
        keys = store.keys()
        store.finish()
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    with pytest.raises(StoreError, match=re.escape(str(path))):
        _read_all(path, keys)


def _put_many(store: HeatmapFile) -> None:
    for frame in range(1, 40):
        store.put([record(track, f"{frame:06}") for track in range(4)])


def _read_all(path: Path, keys: list[Key]) -> None:
    with HeatmapFile.read(path) as store:
        for key in keys:
            store.get(key)


def test_damage_of_the_file_is_told_and_never_anything_else(path, generator):
    """Bytes anywhere are overwritten: what is read is right, or StoreError."""
    with HeatmapFile.append(path, HEADER) as store:
        store.put([record(track, f"{frame:06}") for frame in range(4) for track in range(4)])
        keys = store.keys()
        store.finish()
    whole = path.read_bytes()
    told = 0
    for _ in range(30):
        damaged = bytearray(whole)
        start = int(generator.integers(len(whole)))
        damaged[start : start + 64] = generator.bytes(len(damaged[start : start + 64]))
        path.write_bytes(damaged)
        for key in keys:
            try:
                with HeatmapFile.read(path) as store:
                    assert_same(record(key.track, key.frame), store.record(key))
            except StoreError:
                told += 1
    assert told > 0


def test_a_full_disk_is_told_and_what_was_written_is_kept(path):
    with HeatmapFile.append(path, HEADER) as store:
        store.put([record(1)])
        pages = store._database.execute("PRAGMA page_count").fetchone()[0]
        store._database.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(StoreError, match=r"the disk is full\. What was written is kept"):
            _put_many(store)
        there = store.keys()
        assert record(1).key in there

    with HeatmapFile.append(path, HEADER) as store:  # there is room again
        assert there == store.keys()
        for key in there:
            assert_same(record(key.track, key.frame), store.record(key))
        store.put([record(5)])
        assert store.flaws() == []


def test_a_database_that_may_not_be_written_is_told(written):
    with HeatmapFile.append(written, HEADER) as store:
        store._database.execute("PRAGMA query_only = ON")

        with pytest.raises(StoreError, match="may not be written; check its permissions"):
            store.put([record(9)])
        assert_same(record(1), store.record(record(1).key))


def test_a_writer_waits_for_another_and_gives_up(written, monkeypatch):
    monkeypatch.setattr("data.sqlite_file.PATIENCE", 0.05)
    with (
        HeatmapFile.append(written, HEADER) as first,
        HeatmapFile.append(written, HEADER) as second,
    ):
        first._database.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is in use by another process"):
            second.put([record(9)])
        first._database.execute("ROLLBACK")
        second.put([record(9)])
        assert first.has(record(9).key)


def test_a_database_of_byte_records_has_less_than_8_kb_each(path, generator):
    header = replace(HEADER, precision="byte")
    crop = Crop((0, 0), (1, 1), (48, 64))
    with HeatmapFile.append(path, header) as store:
        for frame in range(50):
            maps = generator.uniform(0, 1, (17, 64, 48)).astype(np.float32)  # the worst there is
            key = [Key("val/000001_mpii_test", f"{frame:06}", track) for track in range(6)]
            store.put([Record(one, Heatmaps(maps, crop), 1.0) for one in key])
        count = len(store)
        store.finish()

    assert path.stat().st_size / count < 8192
