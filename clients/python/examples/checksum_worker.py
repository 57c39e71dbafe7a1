"""A worker for the service `checksum`: the SHA-256 of files on its machine.

The body names a folder, `{"folder": "/data", "pattern": "*.csv"}`, and maybe the
names of folders in it to leave out, `"exclude": ["old"]`; or files,
`{"files": ["/data/a.csv"]}`, where the service's schema allows them (that of
`greffe demo` does not). A file that cannot be read is an error of the batch and
does not fail the job.

    GREFFE_URL=http://127.0.0.1:8000 GREFFE_TOKEN=grfw_... python3 checksum_worker.py

GREFFE_CHECKSUM_ROOT, if set, is the only folder that jobs may read in.
"""

import hashlib
import json
import os
import stat
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from greffe_worker import Permanent, Result, Worker  # noqa: E402

CHUNK_BYTES = 1024 * 1024
SAVE_EVERY_S = 2.0
# A checkpoint holds 16 KiB, a result 256 KiB: some room for what surrounds it.
CHECKPOINT_BYTES_MAX = 15 * 1024
RESULT_BYTES_MAX = 250 * 1024


def checksum(job):
    """Hashes file by file. What an earlier attempt has hashed is not read again,
    unless it has changed since."""
    base, paths = wanted(job.body)
    known = (job.checkpoint or {}).get("files", {})
    files, unreadable, kept, save_at = [], [], {}, 0.0
    for index, path in enumerate(paths):
        name = shown(path.relative_to(base) if base else path)
        job.progress(index, len(paths), name)
        try:
            entry, stamp = hashed(job, path, name, known.get(name))
        except OSError as error:
            unreadable.append({"path": name, "reason": error.strerror or str(error)})
            job.log("unreadable", level="warn", path=name, reason=unreadable[-1]["reason"])
            continue
        files.append(entry)
        job.log("hashed", path=name, bytes=entry["bytes"], sha256=entry["sha256"])
        kept[name] = [entry["bytes"], stamp, entry["sha256"]]
        if time.monotonic() > save_at and len(json.dumps(kept)) < CHECKPOINT_BYTES_MAX:
            job.save({"files": kept})
            save_at = time.monotonic() + SAVE_EVERY_S
    job.progress(len(paths), len(paths), "done")
    return Result({"files": files, "unreadable": unreadable}, errors=len(unreadable))


def hashed(job, path, name, known):
    """The entry of a file, and the time of its last change."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("not a regular file")
    with open(path, "rb") as file:
        about = os.fstat(file.fileno())
        if known and known[:2] == [about.st_size, about.st_mtime_ns]:
            return {"path": name, "bytes": known[0], "sha256": known[2]}, known[1]
        digest, size = hashlib.sha256(), 0
        while chunk := file.read(CHUNK_BYTES):
            job.check()
            digest.update(chunk)
            size += len(chunk)
    return {"path": name, "bytes": size, "sha256": digest.hexdigest()}, about.st_mtime_ns


def shown(path):
    """As text that can be sent: names of files are bytes, and need not be UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def wanted(body):
    """The folder that names are relative to, if there is one, and the files."""
    if "files" in body:
        base, paths = None, [Path(it) for it in body["files"]]
    else:
        base, pattern = Path(body["folder"]), Path(body.get("pattern") or "*")
        if not base.is_dir():
            raise Permanent(f"{base} is no folder on this machine")
        if pattern.is_absolute() or ".." in pattern.parts:
            raise Permanent("a pattern does not lead out of its folder")
        exclude = set(body.get("exclude") or [])
        paths = sorted(
            it
            for it in base.rglob(str(pattern))
            if (it.is_symlink() or not it.is_dir())
            and not exclude.intersection(it.relative_to(base).parts)
        )
    root = os.environ.get("GREFFE_CHECKSUM_ROOT")
    for path in [base, *paths] if base else paths:
        if root and Path(root).resolve() not in [path.resolve(), *path.resolve().parents]:
            raise Permanent(f"{path} is outside of what this worker may read")
    if sum(len(json.dumps(str(it))) + 120 for it in paths) > RESULT_BYTES_MAX:
        raise Permanent(f"{len(paths)} files are too many for one job")
    return base, paths


if __name__ == "__main__":
    Worker("checksum", {"checksum": checksum}, slots=2).run()
