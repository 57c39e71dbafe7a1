"""The example, on real files."""

import hashlib
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

import checksum_worker
from greffe_worker import Permanent, Stopped


class Job:
    """What the handler sees of a job, without a server."""

    def __init__(self, body, checkpoint=None, stop_after=None):
        self.body, self.checkpoint = body, checkpoint
        self.steps, self.lines, self.checks, self.stop_after = [], [], 0, stop_after

    def progress(self, done, total, message):
        self.check()
        self.steps.append((done, total, message))

    def log(self, message, level="info", **fields):
        self.lines.append((message, level, fields))

    def save(self, checkpoint):
        self.checkpoint = json.loads(json.dumps(checkpoint))

    def check(self):
        self.checks += 1
        if self.stop_after and self.checks > self.stop_after:
            raise Stopped("cancel")


class ChecksumTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "sub").mkdir()
        self.contents = {"a.txt": b"", "b.bin": os.urandom(3 * 1024 * 1024 + 1), "sub/c.txt": b"c"}
        for name, content in self.contents.items():
            (self.folder / name).write_bytes(content)

    def body(self, **more):
        return {"folder": str(self.folder), **more}

    def test_every_file_of_a_folder_is_hashed(self):
        job = Job(self.body())
        result = checksum_worker.checksum(job)
        expected = [{"path": name, "bytes": len(content),
                     "sha256": hashlib.sha256(content).hexdigest()}
                    for name, content in sorted(self.contents.items())]
        self.assertEqual(result.value, {"files": expected, "unreadable": []})
        self.assertEqual(result.errors, 0)
        self.assertEqual(job.steps[0], (0, 3, "a.txt"))
        self.assertEqual(job.steps[-1], (3, 3, "done"))

    def test_a_pattern_and_a_list_of_files_say_which(self):
        def names(body):
            return [it["path"] for it in checksum_worker.checksum(Job(body)).value["files"]]

        self.assertEqual(names(self.body(pattern="*.txt")), ["a.txt", "sub/c.txt"])
        one = str(self.folder / "a.txt")
        self.assertEqual(names({"files": [one]}), [one])

    def test_folders_to_leave_out_are_left_out(self):
        job = Job(self.body(exclude=["sub"]))
        names = [it["path"] for it in checksum_worker.checksum(job).value["files"]]
        self.assertEqual(names, ["a.txt", "b.bin"])

    def test_what_cannot_be_read_is_counted_with_its_reason(self):
        (self.folder / "broken").symlink_to("nowhere")
        os.mkfifo(self.folder / "pipe")
        result = checksum_worker.checksum(Job(self.body()))
        self.assertEqual(result.errors, 2)
        self.assertEqual(result.value["unreadable"],
                         [{"path": "broken", "reason": "No such file or directory"},
                          {"path": "pipe", "reason": "not a regular file"}])
        self.assertEqual(len(result.value["files"]), 3)

    def test_a_name_that_is_no_text_is_told_as_text(self):
        try:
            Path(os.fsdecode(os.fsencode(self.folder) + b"/n\xff.txt")).write_bytes(b"n")
        except OSError:
            self.skipTest("this file system takes no such names")
        job = Job(self.body(pattern="n*"))
        result = checksum_worker.checksum(job)
        self.assertEqual(result.value["files"][0]["path"], "n\\xff.txt")
        for told in (result.value, job.checkpoint, job.lines, job.steps):
            json.dumps(told, ensure_ascii=False).encode()

    def test_another_attempt_goes_on_unless_the_file_has_changed(self):
        first = Job(self.body())
        checksum_worker.checksum(first)
        known = first.checkpoint["files"]
        self.assertEqual(list(known), ["a.txt"])
        stat = (self.folder / "b.bin").stat()
        known["b.bin"] = [stat.st_size, stat.st_mtime_ns, "not read again"]
        known["sub/c.txt"] = [1, 1, "changed since"]
        files = checksum_worker.checksum(Job(self.body(), {"files": known})).value["files"]
        self.assertEqual(files[1]["sha256"], "not read again")
        self.assertEqual(files[2]["sha256"], hashlib.sha256(b"c").hexdigest())

    def test_it_stops_within_a_large_file(self):
        with self.assertRaises(Stopped):
            checksum_worker.checksum(Job(self.body(pattern="b.bin"), stop_after=2))

    def test_what_can_never_work_is_said_to_be_permanent(self):
        bodies = [{"folder": str(self.folder / "a.txt")}, self.body(pattern="../*"),
                  self.body(pattern="/etc/*"), {"files": ["/x" * 200] * 1000}]
        for body in bodies:
            with self.assertRaises(Permanent, msg=str(body)[:80]):
                checksum_worker.checksum(Job(body))

    def test_a_root_confines_what_is_read(self):
        (self.folder / "sub" / "out").symlink_to(self.folder / "a.txt")
        os.environ["GREFFE_CHECKSUM_ROOT"] = str(self.folder / "sub")
        self.addCleanup(os.environ.pop, "GREFFE_CHECKSUM_ROOT")
        sub = str(self.folder / "sub")
        checksum_worker.checksum(Job({"folder": sub, "pattern": "c*"}))
        for body in [self.body(), {"files": ["/etc/hostname"]}, {"folder": sub}]:
            with self.assertRaises(Permanent, msg=str(body)):
                checksum_worker.checksum(Job(body))


if __name__ == "__main__":
    unittest.main()
