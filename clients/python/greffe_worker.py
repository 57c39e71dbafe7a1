"""Write a Greffe worker in Python, with nothing but the standard library.

    from greffe_worker import Worker

    def shout(job):
        job.progress(0, 1, "shouting")
        return {"text": job.body["text"].upper()}

    Worker("shouter", {"shout": shout}).run()

The address and the token come from the environment, GREFFE_URL and
GREFFE_TOKEN. What the protocol says and why is in docs/worker-protocol.md.

A handler takes a Job and returns the result, as JSON or as a Result. It raises
Permanent if trying again would not help, Snooze to be asked again later, and
lets Stopped pass: progress(), log() and check() raise it when the job is to be
let go.
"""

import json
import operator
import os
import random
import signal
import socket
import sys
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
import uuid

__version__ = "0.1.0"

# How often progress is sent before the next heartbeat is due, in seconds.
PROGRESS_EVERY_S = 0.35
# How long what a job says of its progress may be, in bytes.
MESSAGE_BYTES_MAX = 1024
# How many leases a heartbeat names, unless Greffe says.
LEASES_PER_HEARTBEAT = 256
# How many log lines wait to be sent, at most.
LINES_MAX = 10_000
# How long the store may take to answer between two pieces of a file, in seconds.
UPLOAD_WITHIN_S = 60.0
# What a heartbeat may ask for. What a newer Greffe asks for besides need not be heeded.
STOPS = ("cancel", "pause", "timeout", "lost")
# How long a report that ends a lease is repeated while nobody answers.
SETTLE_FOR_S = 24 * 3600


class Permanent(Exception):
    """The job failed, and trying again would not help."""

    retryable = False


class Snooze(Exception):
    """Something is not there yet: the job is to be taken up again later."""

    def __init__(self, delay_s, reason=None):
        super().__init__(reason or "not yet")
        self.delay_s = delay_s


class Stopped(Exception):
    """The job is to be let go. Why: `cancel`, `pause`, `lost`, `timeout` or
    `leaving`. After `pause` and `leaving` another attempt goes on from the last
    checkpoint: a handler that has come further saves once more, and lets it pass."""

    def __init__(self, why):
        super().__init__(why)
        self.why = why


class Refused(Exception):
    """Greffe said no."""

    def __init__(self, status, problem):
        self.status = status
        self.problem = problem
        self.code = problem.get("code", str(status))
        self.field = str(problem.get("field", ""))
        rule = " ".join(str(problem[it]) for it in ("field", "rule") if it in problem)
        super().__init__(f"{self.code}: {rule or problem.get('detail', '')}")

    @property
    def blames_input(self):
        """What was said is at fault, and not who said it or when."""
        return self.status in (400, 413, 422)


class Unreachable(Exception):
    """Greffe did not answer, or not now. What was asked may have been done."""


class Result:
    """What came out, how many items of a batch failed, and the files that were
    uploaded for it: see Job.upload."""

    def __init__(self, value, errors=0, artifacts=()):
        self.value = value
        self.errors = errors
        self.artifacts = list(artifacts)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token is for one host."""

    def redirect_request(self, *_):
        return None


class Api:
    """The endpoints, one call each."""

    def __init__(self, url, token):
        self._base = url.rstrip("/") + "/worker/v1"
        self._token = token
        handlers = [_NoRedirects]
        if urllib.parse.urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1"):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def post(self, path, body, timeout_s=15.0):
        """Sends JSON, gives back JSON, or None if there is nothing to say."""
        text = json.dumps(body, allow_nan=False).encode()
        return self.send("POST", path, text, {"Content-Type": "application/json"}, timeout_s)

    def send(self, method, path, body=None, headers=None, timeout_s=15.0):
        """Sends bytes. Raises Refused or Unreachable."""
        request = urllib.request.Request(self._base + path, data=body, method=method)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        request.add_header("Authorization", "Bearer " + self._token)
        request.add_header("Greffe-Protocol", "1")
        try:
            with self._opener.open(request, timeout=timeout_s) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            with error:
                problem = _problem(error)
            if error.code in (408, 429) or 500 <= error.code:
                raise Unreachable(f"{error.code} {problem.get('code', '')}") from error
            raise Refused(error.code, problem) from error
        except (OSError, ValueError) as error:
            raise Unreachable(str(error)) from error
        except Exception as error:  # http.client's own: the answer broke off
            raise Unreachable(repr(error)) from error


def _problem(error):
    try:
        problem = json.loads(error.read())
    except (OSError, ValueError):
        return {}
    return problem if isinstance(problem, dict) else {}


class Job:
    """A job under a lease, as its handler sees it."""

    def __init__(self, worker, lease, sent_at):
        self._worker = worker
        self._lock = threading.Lock()
        self._stop = "cancel" if lease["cancel_requested"] else None
        # Greffe has said so, and not only our own clock.
        self.told_lost = False
        self._seq = 0
        self._dirty = {}
        self.last_progress = None
        self._lines = []
        self._offset = 0
        self._lines_left_out = 0
        self._refused_lines = set()
        self.lease_id = lease["lease_id"]
        self.fence = lease["fence"]
        self.id = lease["job_id"]
        self.service = lease["service"]
        self.body = lease["body"]
        self.attempt = lease["attempt"]
        self.checkpoint = lease["checkpoint"]
        self.previous_error = lease["previous_error"]
        self.extend(sent_at, lease["lease_expires_in_ms"])

    def progress(self, done, total=None, message=None):
        """Says how far it has come: whole numbers, `done` at most `total`. Cheap:
        sent a few times a second at most."""
        done, total = _count("done", done), None if total is None else _count("total", total)
        if total is not None and done > total:
            raise ValueError(f"{done} are done, of {total} in all")
        if message is not None:
            message = _text(str(message), MESSAGE_BYTES_MAX, from_start=True)
        self.check()
        with self._lock:
            self._seq += 1
            self.last_progress = {
                "seq": self._seq, "done": done, "total": total, "message": message
            }
            self._dirty["progress"] = self.last_progress
        self._worker.hurry()

    def save(self, checkpoint):
        """Keeps what another attempt could go on from: small JSON. It is kept also
        if the job is to be let go."""
        # A copy: it is sent later, and the handler goes on with its own.
        text = json.dumps(checkpoint, allow_nan=False, ensure_ascii=False)
        checkpoint = json.loads(text.encode())
        with self._lock:
            self._dirty["checkpoint"] = self.checkpoint = checkpoint
        self.check()

    def log(self, message, level="info", **fields):
        """Adds a line to the job's log."""
        self.check()
        line = {"ts": _now(), "level": str(level), "message": str(message)}
        text = _line({**fields, **line}, self._worker.limits["log_line_bytes"])
        with self._lock:
            if len(self._lines) < LINES_MAX:
                self._lines.append(text)
            else:
                self._lines_left_out += 1

    def upload(self, name, content, media_type="application/octet-stream"):
        """Sends a file that the job made: bytes, or the path of a file on disk, which
        is not read into memory. Gives back what Result takes among its artifacts."""
        self.check()
        query = urllib.parse.urlencode({"name": name})
        path = f"/leases/{self.lease_id}/artifacts?{query}"
        headers = {"Content-Type": media_type}

        def send():
            if isinstance(content, (bytes, bytearray)):
                return self._worker.api.send("POST", path, bytes(content), headers, UPLOAD_WITHIN_S)
            with open(content, "rb") as file:
                sized = {**headers, "Content-Length": str(os.fstat(file.fileno()).st_size)}
                return self._worker.api.send("POST", path, file, sized, UPLOAD_WITHIN_S)

        sent = self._worker.insist(send, lambda: self.stop_reason)
        self.check()
        return sent

    def check(self):
        """Raises Stopped if the job is to be let go. To be called often."""
        if self.stop_reason:
            raise Stopped(self.stop_reason)

    @property
    def stop_reason(self):
        """Why the job is to be let go, if it is. A lease that may have run out
        is lost, whatever anybody says: the clock decides, not the network."""
        if self._stop != "lost" and time.monotonic() > self._holds_until:
            self._stop = "lost"
        return self._stop

    def stop(self, why):
        """Has the handler stop at its next check. What is lost stays lost, and a
        pause gives way to whatever ends the job or the worker."""
        self.told_lost = self.told_lost or why == "lost"
        if self._stop != "lost" and not (why == "pause" and self._stop):
            self._stop = why

    def extend(self, sent_at, lease_ms):
        """The lease holds from the moment that the request was sent."""
        lease_s = lease_ms / 1000
        self._holds_until = sent_at + lease_s - min(5.0, lease_s / 10)

    def beat(self, silent=False):
        """What a heartbeat says of it: only that it is held, if it is `silent`."""
        if silent:
            return {"lease_id": self.lease_id, "fence": self.fence}
        with self._lock:
            said, self._dirty = self._dirty, {}
        return {"lease_id": self.lease_id, "fence": self.fence, **said}

    def unsaid(self, said):
        """That heartbeat may not have arrived."""
        with self._lock:
            if "checkpoint" in said:
                self._dirty.setdefault("checkpoint", said["checkpoint"])
            if "progress" in said and "progress" not in self._dirty:
                # Under another number: if it did arrive, it would be taken for something that was
                # overtaken, and what is said along with it, too.
                self._seq += 1
                self.last_progress = {**said["progress"], "seq": self._seq}
                self._dirty["progress"] = self.last_progress

    @property
    def has_news(self):
        return bool(self._dirty)

    def flush(self):
        """Sends the log lines that wait."""
        while True:
            with self._lock:
                if self._lines_left_out and len(self._lines) < LINES_MAX:
                    self._lines.append(_warning(f"{self._lines_left_out} lines were left out"))
                    self._lines_left_out = 0
                batch = _batch(self._lines, self._worker.limits["log_batch_bytes"])
            if not batch:
                return
            headers = {
                "Content-Type": "application/x-ndjson",
                "Greffe-Fence": str(self.fence),
                "Greffe-Log-Offset": str(self._offset),
            }
            body = b"".join(line + b"\n" for line in batch)
            path = f"/leases/{self.lease_id}/logs"
            try:
                after = self._worker.api.send("POST", path, body, headers)["next"]
            except Refused as refused:
                at = _number_of_line(refused, len(batch))
                if at is None or self._offset + at in self._refused_lines:
                    raise
                # It would hold up all that come after it.
                self._refused_lines.add(self._offset + at)
                with self._lock:
                    self._lines[at] = _warning(f"a line was refused: {refused}")
                continue
            with self._lock:
                del self._lines[: after - self._offset]
                self._offset = after


def _batch(lines, bytes_max):
    size, count = 0, 0
    for line in lines:
        size += len(line) + 1
        if size > bytes_max:
            break
        count += 1
    return lines[:count]


def _line(fields, bytes_max):
    """A line of the log as it is sent. What cannot be said in JSON is said as text,
    and a line that is too long says the most important."""
    try:
        text = json.dumps(fields, default=str, allow_nan=False, ensure_ascii=False)
    except Exception:  # whatever the text of something raises costs that thing, not the line
        text = json.dumps({name: _said(it) for name, it in fields.items()}, ensure_ascii=False)
    # Neither half a character nor a NUL can be kept.
    line = text.encode("utf-8", "replace").replace(b"\\u0000", b"\\ufffd")
    if len(line) <= bytes_max:
        return line
    message = _text(fields["message"], 1000, from_start=True)
    short = {"ts": fields["ts"], "level": _text(fields["level"], 100), "message": message}
    return json.dumps(short, ensure_ascii=False).encode()


def _said(value):
    try:
        json.dumps(value, allow_nan=False)
        return value
    except Exception:
        try:
            return str(value)
        except Exception:
            return f"a {type(value).__name__} that cannot be written"


def _warning(message):
    return _line({"ts": _now(), "level": "warn", "message": message}, 8192)


def _number_of_line(refused, count):
    """Which line of a batch is at fault: the field is `lines/3`, or in it."""
    steps = refused.field.split("/")
    if not refused.blames_input or len(steps) < 2 or steps[0] != "lines":
        return None
    return int(steps[1]) if steps[1].isdigit() and int(steps[1]) < count else None


def _now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Worker:
    """Takes jobs of some services and does them, `slots` at a time."""

    def __init__(self, name, handlers, slots=1, url=None, token=None):
        url = url or os.environ.get("GREFFE_URL")
        token = token or os.environ.get("GREFFE_TOKEN")
        if not url or not token:
            raise SystemExit("GREFFE_URL and GREFFE_TOKEN must be set")
        self.api = Api(url, token)
        self.limits = {}
        self._name = name
        self._handlers = handlers
        self._slots = slots
        self._instance = str(uuid.uuid4())
        self._id = None
        self._welcome = None
        self._jobs = {}
        self._changed = threading.Condition()
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._done = threading.Event()
        self._failure = None
        self._taking = None

    # Starting and stopping

    def run(self, grace_s=20.0):
        """Works until SIGTERM, SIGINT or stop(); then gives back what it holds."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.stop())
        if os.environ.get("GREFFE_STOP_WITH_STDIN"):
            self._thread(self._stop_with_stdin)
        self._thread(self._work)
        # In turns, so that signals are seen on every platform.
        while not self._stopping.wait(0.5):
            pass
        self._leave(grace_s)
        if self._failure:
            raise SystemExit(f"greffe: {self._failure}")

    def stop(self):
        """Takes nothing more, and has every handler stop at its next check."""
        self._stopping.set()

    def hurry(self):
        """There is progress to tell."""
        self._news.set()

    def _stop_with_stdin(self):
        sys.stdin.buffer.read()
        self.stop()

    def _work(self):
        try:
            if self._register():
                self._thread(self._beat)
                self._thread(self._send_logs)
                self._taking = threading.current_thread()
                self._take_jobs()
        except Refused as refused:
            self._failure = refused
        except Exception:  # a mistake of ours must not look like idleness
            self._failure = traceback.format_exc()
        self.stop()

    def _leave(self, grace_s):
        deadline = time.monotonic() + grace_s
        if self._taking:
            # What is asked for already is answered with nothing, and what was
            # given a moment ago is taken, to be given back.
            try:
                self.api.post("/heartbeats", {"worker_id": self._id, "draining": True}, 3.0)
            except (Refused, Unreachable) as error:
                self._say(f"cannot say that it stops: {error}")
            self._taking.join(2.0)
        for job in self._held():
            job.stop("leaving")
        with self._changed:
            while self._jobs and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())
        self._done.set()
        self._news.set()
        if self._id is None:
            return
        try:
            self.api.send("DELETE", f"/workers/{self._id}", timeout_s=5.0)
        except (Refused, Unreachable) as error:
            self._say(f"left without a good-bye: {error}")

    def _register(self):
        """False if it is stopped before anybody answers."""
        about = {
            "instance_key": self._instance, "name": self._name,
            "services": sorted(self._handlers), "slots": self._slots,
            "host": socket.gethostname() or None, "pid": os.getpid(),
            "sdk": {"name": "greffe-python", "version": __version__},
        }
        welcome = self.insist(lambda: self.api.post("/workers", about), self._stopping.is_set)
        if welcome is None:
            return False
        self._welcome = welcome
        self._id, self.limits = welcome["worker_id"], welcome["limits"]
        return True

    # Taking jobs

    def _take_jobs(self):
        request, tries = str(uuid.uuid4()), 0
        while not self._stopping.is_set():
            with self._changed:
                free = self._slots - len(self._jobs)
                if free < 1:
                    self._changed.wait(1.0)
                    continue
            wait_ms = min(20_000, self._welcome["long_poll_ms"])
            ask = {
                "worker_id": self._id, "request_id": request, "wait_ms": wait_ms,
                "max": min(free, self.limits["leases_per_acquire"]),
            }
            try:
                answer = self.api.post("/leases", ask, wait_ms / 1000 + 15)
            except Unreachable as error:
                # The answer may be lost: asked again under the same id, it is
                # the same.
                tries += 1
                self._say(f"cannot take jobs: {error}")
                self._stopping.wait(_pause_s(tries))
                continue
            except Refused as refused:
                if refused.code != "worker_unknown":
                    raise
                self._register()
                continue
            request, tries = str(uuid.uuid4()), 0
            for lease in (answer or {"leases": []})["leases"]:
                self._take(lease)

    def _take(self, lease):
        job = Job(self, lease, time.monotonic())
        if self._stopping.is_set():
            job.stop("leaving")
        with self._changed:
            self._jobs[job.lease_id] = job
        # Its first beat tells for how long it really holds.
        self.hurry()
        self._thread(self._do, job)

    def _do(self, job):
        try:
            report = self._outcome(job)
            if report is not None:
                self._settle(job, report)
        finally:
            with self._changed:
                self._jobs.pop(job.lease_id, None)
                self._changed.notify_all()

    def _outcome(self, job):
        """What came of the job; None if nobody would believe it."""
        try:
            job.check()
            result = self._handlers[job.service](job)
        except Stopped as stopped:
            return self._given_up(job, stopped.why)
        except Snooze as snooze:
            delay_ms = max(0, round(snooze.delay_s * 1000))
            return {"outcome": "snoozed", "delay_ms": delay_ms, "reason": str(snooze),
                    "checkpoint": job.checkpoint}
        except BaseException as error:  # whatever the handler raises is the job's outcome
            return _failed(error)
        if not isinstance(result, Result):
            result = Result(result)
        return {"outcome": "succeeded", "result": result.value, "errors": result.errors,
                "artifacts": result.artifacts}

    def _given_up(self, job, why):
        if why == "cancel":
            return {"outcome": "cancelled"}
        if why == "timeout":
            return _failed(TimeoutError("the attempt took longer than its service allows"))
        if why in ("pause", "leaving"):
            reason = "paused" if why == "pause" else "the worker stops"
            return {"outcome": "released", "reason": reason, "checkpoint": job.checkpoint}
        if job.told_lost:
            self._say(f"{job.lease_id} is lost")
            return None
        # Whoever is not heard of lets go, and says so as soon as somebody hears it:
        # it counts unless the loss is on record by then.
        reason = "nobody answered for the length of the lease"
        return {"outcome": "released", "reason": reason, "checkpoint": job.checkpoint}

    # Reporting

    def _settle(self, job, report):
        self._send_last_lines(job)
        # Also if a heartbeat has said it: that one may be overtaken.
        last = {"final_progress": job.last_progress} if job.last_progress else {}
        report = {"fence": job.fence, **last, **report}
        give_up_at = time.monotonic() + SETTLE_FOR_S
        given_back = report["outcome"] == "released"
        over = lambda: (self._done.is_set() or time.monotonic() > give_up_at
                        or given_back and job.told_lost)
        instead = None
        while True:
            try:
                return self._report(job, report, over)
            except (ValueError, TypeError, RecursionError) as error:
                fault, lighter = error, None  # the result is no JSON
            except Refused as refused:
                fault, lighter = refused, _lighter(report, refused.field)
            self._say(f"{job.lease_id} is not settled: {fault}")
            if isinstance(fault, Refused) and not fault.blames_input or report is instead:
                return None
            # What was reported cannot be kept. That is an outcome, too.
            instead = None if lighter else _instead(report, fault)
            report = lighter or instead

    def _report(self, job, report, over):
        """Under one id, however often it is said."""
        report = {"op_id": str(uuid.uuid4()), **report}
        self.insist(lambda: self.api.post(f"/leases/{job.lease_id}/settle", report), over)

    def _send_last_lines(self, job):
        for tries in range(1, 4):
            try:
                return job.flush()
            except Refused as refused:
                return self._say(f"{job.lease_id}: its last lines are not kept: {refused}")
            except Unreachable:
                self._done.wait(_pause_s(tries))

    def _send_logs(self):
        while not self._done.wait(1.0):
            for job in self._held():
                if job.stop_reason == "lost":
                    continue
                try:
                    job.flush()
                except (Refused, Unreachable) as error:
                    self._say(f"{job.lease_id}: its log waits: {error}")

    def _beat(self):
        next_at = 0.0
        while not self._done.is_set():
            now = time.monotonic()
            if now < next_at and not any(job.has_news for job in self._held()):
                self._news.wait(next_at - now)
            self._news.clear()
            next_s = self._beat_once()
            next_at = time.monotonic() + next_s * random.uniform(0.8, 1.0)
            self._done.wait(min(PROGRESS_EVERY_S, next_s))

    def _beat_once(self):
        """How long to wait for the next beat."""
        jobs = self._held()
        size = self.limits.get("leases_per_heartbeat", LEASES_PER_HEARTBEAT)
        parts = [jobs[at : at + size] for at in range(0, len(jobs), size)]
        return min(self._beat_for(part) for part in parts or [[]])

    def _beat_for(self, jobs, silent=False):
        said = [job.beat(silent) for job in jobs]
        usual_s = self._welcome["heartbeat_ms"] / 1000
        sent_at = time.monotonic()
        try:
            beat = {"worker_id": self._id, "leases": said}
            answer = self.api.post("/heartbeats", beat, max(2.0, usual_s))
        except Unreachable as error:
            self._say(f"a heartbeat was not answered: {error}")
            self._unsaid(jobs, said)
            return min(1.0, usual_s)
        except Refused as refused:
            self._say(f"a heartbeat was refused: {refused}")
            if refused.blames_input and jobs and not silent:
                return self._beat_apart(jobs, said)
            # The leases run out by themselves if this goes on.
            self._unsaid(jobs, said)
            if refused.code == "worker_unknown":
                self._register()
            return usual_s
        by_id = {job.lease_id: job for job in jobs}
        for told in answer["leases"]:
            job = by_id.get(told["lease_id"])
            if job is None:
                continue
            if told["status"] != "lost":
                job.extend(sent_at, told["lease_expires_in_ms"])
            if told["status"] in STOPS:
                job.stop(told["status"])
            if "refused" in told:
                self._say(f"{job.lease_id}: {told['refused']}")
        return answer["next_ms"] / 1000

    def _beat_apart(self, jobs, said):
        """What one job says, or all of them together, does not cost any lease."""
        if len(jobs) == 1:
            self._say(f"{jobs[0].lease_id}: what it last said of itself is left out")
            return self._beat_for(jobs, silent=True)
        self._unsaid(jobs, said)
        half = len(jobs) // 2
        return min(self._beat_for(jobs[:half]), self._beat_for(jobs[half:]))

    def _unsaid(self, jobs, said):
        for job, it in zip(jobs, said):
            job.unsaid(it)

    # The rest

    def _held(self):
        with self._changed:
            return list(self._jobs.values())

    def insist(self, ask, over):
        """Asks until there is an answer. None once it is over."""
        tries = 0
        while True:
            try:
                return ask()
            except Unreachable as error:
                tries += 1
                self._say(f"no answer: {error}")
            if over():
                return None
            # Whoever leaves still has something to say, but not for long.
            self._done.wait(_pause_s(tries))

    def _thread(self, work, *arguments):
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def _say(self, text):
        print(f"{self._name}: {text}", file=sys.stderr, flush=True)


def _failed(error):
    detail = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return {
        "outcome": "failed",
        "error": {
            "type": _text(type(error).__name__, 256),
            "message": _text(str(error) or repr(error), 8 * 1024),
            "detail": _text(detail, 32 * 1024),
            "retryable": getattr(error, "retryable", True),
        },
    }


def _lighter(report, field):
    """Without what was at fault, if that only goes along: it does not cost the outcome.
    Greffe goes on from an older checkpoint, then."""
    name = field.split("/")[0]
    if name not in ("final_progress", "checkpoint") or name not in report:
        return None
    return {it: value for it, value in report.items() if it != name}


def _instead(report, error):
    error = Permanent(f"the report could not be kept: {error}")
    return {"fence": report["fence"], **_failed(error)}


def _count(name, number):
    try:
        number = operator.index(number)
    except TypeError:
        raise TypeError(f"{name} is to be a whole number, not {number!r}") from None
    if not 0 <= number < 2**63:
        raise ValueError(f"{name} is to be 0 or more, and below 2^63, not {number}")
    return number


def _text(text, bytes_max, from_start=False):
    """As much as there is room for: the end, unless the start says more."""
    text = text.replace("\0", "\ufffd").encode("utf-8", "replace")
    text = text[:bytes_max] if from_start else text[-bytes_max:]
    return text.decode("utf-8", "ignore")


def _pause_s(tries):
    return random.uniform(0.5, 1.0) * min(30.0, 0.2 * 2 ** min(tries, 10))
