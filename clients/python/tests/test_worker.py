"""The module against a small real server, which answers as it is told."""

import hashlib
import json
import re
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import greffe_worker
from greffe_worker import Permanent, Result, Snooze, Worker

PATIENCE_S = 20.0


class Greffe:
    """Hands out leases, remembers what it was told, and fails when it is told to."""

    def __init__(self, leases, lease_ms=60_000):
        self.lease_ms = lease_ms
        self.waiting = leases
        self.changed = threading.Condition()
        self.calls = []
        self.settled = []
        self.lines = []
        self.kept = []
        self.statuses = {}
        self.failures = {}
        self.left = False
        greffe = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                greffe.answer(self, body)

            do_DELETE = do_POST

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, request, body):
        name = request.path.split("?")[0].rsplit("/", 1)[1] if request.command == "POST" else "leave"
        with self.changed:
            self.calls.append((name, request.headers, body))
            failures = self.failures.get(name) or []
            status, answer = failures.pop(0) if failures else getattr(self, name)(request, body)
            self.changed.notify_all()
        if status is None:
            # The answer is lost on its way.
            request.close_connection = True
            request.connection.close()
            return
        text = b"" if answer is None else json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def workers(self, *_):
        limits = {"log_line_bytes": 8192, "log_batch_bytes": 262144, "leases_per_acquire": 32,
                  "leases_per_heartbeat": 3}
        return 201, {"worker_id": "w", "heartbeat_ms": self.lease_ms // 4,
                     "long_poll_ms": 50, "limits": limits}

    def leases(self, _, body):
        count = json.loads(body)["max"]
        taken, self.waiting = self.waiting[:count], self.waiting[count:]
        return (200, {"leases": taken}) if taken else (204, None)

    def heartbeats(self, _, body):
        beat = json.loads(body)
        if len(beat.get("leases", [])) > 3:
            return 422, {"code": "invalid", "field": "leases", "rule": "at most 3"}
        if any(it.get("checkpoint") == "bad" for it in beat.get("leases", [])):
            return 400, {"code": "malformed", "field": "body", "rule": "JSON"}
        self.kept += beat.get("leases", [])
        told = [{"lease_id": it["lease_id"], "lease_expires_in_ms": self.lease_ms,
                 "status": self.statuses.get(it["lease_id"], "ok")} for it in beat.get("leases", [])]
        return 200, {"next_ms": self.lease_ms // 4, "leases": told}

    def logs(self, request, body):
        assert int(request.headers["Greffe-Log-Offset"]) == len(self.lines)
        lines = body.decode().rstrip("\n").split("\n")
        for at, line in enumerate(lines):
            if len(line.encode()) > 8192 or re.search(r"\bNaN\b|\\u0000|\\ud[89a-f]|poison", line):
                return 422, {"code": "invalid", "field": f"lines/{at}/x", "rule": "as it should be"}
        self.lines += [json.loads(it) for it in lines]
        return 202, {"next": len(self.lines), "flush_ms": 1000}

    def artifacts(self, request, body):
        query = urllib.parse.parse_qs(request.path.split("?", 1)[1])
        file = {"sha256": hashlib.sha256(body).hexdigest(), "name": query["name"][0],
                "bytes": len(body)}
        return 201, file

    def settle(self, _, body):
        self.settled.append(json.loads(body))
        return 200, {"job_state": "SUCCEEDED"}

    def leave(self, *_):
        self.left = True
        return 200, {"released": []}

    def until(self, condition):
        with self.changed:
            if not self.changed.wait_for(condition, PATIENCE_S):
                raise AssertionError(f"never: {self.settled} {[it[0] for it in self.calls]}")

    def bodies(self, name):
        return [json.loads(body) for it, _, body in self.calls if it == name]


def lease(number=1, **more):
    return {
        "lease_id": f"j{number}.7", "job_id": f"j{number}", "fence": 7, "service": "test",
        "attempt": 1, "body": {"n": number}, "checkpoint": None, "previous_error": None,
        "lease_expires_in_ms": 60_000, "cancel_requested": False, **more,
    }


class WorkerTest(unittest.TestCase):
    def start(self, handler, leases, lease_ms=60_000, failures=None, slots=1):
        self.greffe = Greffe(leases, lease_ms)
        self.greffe.failures.update(failures or {})
        self.addCleanup(self.greffe.server.server_close)
        self.addCleanup(self.greffe.server.shutdown)
        self.worker = Worker("test", {"test": handler}, slots, self.greffe.url, "grfw_secret")
        self.worker._say = lambda text: None
        self.thread = threading.Thread(target=self.worker.run, kwargs={"grace_s": 5}, daemon=True)
        self.thread.start()
        self.addCleanup(self.stop)

    def stop(self):
        self.worker.stop()
        self.thread.join(PATIENCE_S)
        self.assertFalse(self.thread.is_alive())

    def settled(self, count=1):
        self.greffe.until(lambda: len(self.greffe.settled) >= count)
        return self.greffe.settled[count - 1]

    def test_a_job_is_done_and_its_last_progress_and_lines_arrive(self):
        def handler(job):
            for done in range(5):
                job.progress(done + 1, 5, "step")
                job.log(f"line {done}", page=done)
            return Result({"n": job.body["n"]}, errors=2)

        self.start(handler, [lease()])
        report = self.settled()
        self.assertEqual((report["outcome"], report["result"], report["errors"]),
                         ("succeeded", {"n": 1}, 2))
        self.assertEqual(report["final_progress"]["done"], 5)
        self.assertEqual([it["message"] for it in self.greffe.lines],
                         [f"line {it}" for it in range(5)])
        headers = self.greffe.calls[0][1]
        self.assertEqual(headers["Authorization"], "Bearer grfw_secret")
        self.assertEqual(headers["Greffe-Protocol"], "1")

    def test_a_lost_answer_is_asked_for_again_under_the_same_id(self):
        self.start(lambda job: None, [lease()], failures={"leases": [(None, None), (503, {})]})
        self.settled()
        asked = [it["request_id"] for it in self.greffe.bodies("leases")]
        self.assertEqual(len(set(asked[:3])), 1)
        self.greffe.until(lambda: len(self.greffe.bodies("leases")) > 3)
        self.assertNotEqual(self.greffe.bodies("leases")[3]["request_id"], asked[0])

    def test_a_report_is_repeated_under_the_same_id_until_it_is_answered(self):
        failures = {"settle": [(503, {}), (None, None), (500, {})]}
        self.start(lambda job: "done", [lease()], failures=failures)
        self.settled()
        operations = [it["op_id"] for it in self.greffe.bodies("settle")]
        self.assertEqual(len(operations), 4)
        self.assertEqual(len(set(operations)), 1)

    def test_a_stale_fence_ends_the_matter(self):
        refusal = (409, {"code": "stale_fence", "field": "fence", "rule": "current"})
        self.start(lambda job: "late", [lease(1), lease(2)], failures={"settle": [refusal]})
        self.assertEqual(self.settled()["result"], "late")
        self.assertEqual(len(self.greffe.bodies("settle")), 2)

    def test_a_result_that_cannot_be_kept_fails_the_job_for_good(self):
        refusal = (422, {"code": "invalid", "field": "result", "rule": "at most 262144 bytes"})
        self.start(lambda job: "x", [lease()], failures={"settle": [refusal]})
        report = self.settled()
        self.assertEqual(report["outcome"], "failed")
        self.assertFalse(report["error"]["retryable"])
        self.assertIn("262144", report["error"]["message"])

    def test_a_result_that_is_no_json_fails_the_job_for_good(self):
        self.start(lambda job: {1, 2}, [lease()])
        self.assertFalse(self.settled()["error"]["retryable"])

    def test_progress_that_is_none_is_the_mistake_of_the_handler(self):
        wrong = [(2.5, 10), (11, 10), (-1, 10), (1, -1), ("3", 10), (None, 10), (2**63, None)]
        raised = []

        def handler(job):
            for done, total in wrong:
                try:
                    job.progress(done, total)
                except (TypeError, ValueError) as error:
                    raised.append(error)
            job.progress(True, 10, "\0\udcff" + "\u00e9" * 5_000)

        self.start(handler, [lease()])
        last = self.settled()["final_progress"]
        self.assertEqual(len(raised), len(wrong), raised)
        self.assertEqual((last["done"], last["total"]), (1, 10))
        self.assertTrue(last["message"].startswith("\ufffd?\u00e9"))
        self.assertIn(len(last["message"].encode()), (1023, 1024))

    def test_what_only_goes_along_with_an_outcome_does_not_cost_it(self):
        def handler(job):
            job.progress(1, 10)
            job.save({"page": 1})
            if job.body["n"] == 2:
                raise Snooze(1)
            return "done"

        failures = {"settle": [(422, {"code": "invalid", "field": "final_progress/done"}),
                               (200, {"job_state": "SUCCEEDED"}),
                               (422, {"code": "invalid", "field": "checkpoint"})]}
        self.start(handler, [lease(1), lease(2)], failures=failures)
        self.settled()
        refused, kept, heavy, light = self.greffe.bodies("settle")
        self.assertEqual((kept["outcome"], kept["result"]), ("succeeded", "done"))
        self.assertIn("final_progress", refused)
        self.assertNotIn("final_progress", kept)
        self.assertNotEqual(refused["op_id"], kept["op_id"])
        self.assertEqual((heavy["outcome"], light["outcome"]), ("snoozed", "snoozed"))
        self.assertEqual((heavy["checkpoint"], "checkpoint" in light), ({"page": 1}, False))

    def save_and_wait(self, job):
        job.save(job.body["save"])
        while True:
            job.check()
            time.sleep(0.01)

    def saved(self):
        beats = self.greffe.bodies("heartbeats")
        return [it["checkpoint"] for beat in beats for it in beat.get("leases", [])
                if "checkpoint" in it]

    def test_what_a_refused_heartbeat_has_said_is_said_again(self):
        gone = (410, {"code": "worker_unknown"})
        self.start(self.save_and_wait, [lease(body={"save": {"page": 1}})],
                   failures={"heartbeats": [gone] * 2})
        # At the second the checkpoint may have been there, at the third it is.
        self.greffe.until(lambda: len(self.greffe.bodies("heartbeats")) >= 3)
        self.assertEqual(self.greffe.bodies("heartbeats")[2]["leases"][0].get("checkpoint"),
                         {"page": 1})

    def test_what_one_job_says_costs_no_lease_and_no_other_report(self):
        leases = [lease(it, body={"save": "bad" if it == 2 else it}) for it in (1, 2, 3)]
        self.start(self.save_and_wait, leases, slots=3)
        said = lambda: [(it["lease_id"], it.get("checkpoint")) for it in self.greffe.kept]
        expected = {("j1.7", 1), ("j2.7", None), ("j3.7", 3)}
        self.greffe.until(lambda: expected <= set(said()))

    def test_a_heartbeat_names_no_more_leases_than_it_may(self):
        leases = [lease(it, body={"save": it}) for it in range(7)]
        self.start(self.save_and_wait, leases, slots=7)
        self.greffe.until(lambda: set(range(7)) <= set(self.saved()))
        sizes = [len(it.get("leases", [])) for it in self.greffe.bodies("heartbeats")]
        self.assertLessEqual(max(sizes), 3)

    def test_files_are_uploaded_and_cited_also_when_an_answer_is_lost(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "pages.bin")
            path.write_bytes(b"p" * 300_000)

            def handler(job):
                files = [job.upload("notes & more.txt", b"abc", "text/plain"),
                         job.upload("pages.bin", path)]
                return Result({"pages": 1}, artifacts=files)

            self.start(handler, [lease()], failures={"artifacts": [(None, None)]})
            report = self.settled()
        self.assertEqual(report["outcome"], "succeeded")
        named = [(it["name"], it["bytes"]) for it in report["artifacts"]]
        self.assertEqual(named, [("notes & more.txt", 3), ("pages.bin", 300_000)])
        self.assertEqual(report["artifacts"][0]["sha256"], hashlib.sha256(b"abc").hexdigest())
        sent = [(headers["Content-Type"], len(body)) for name, headers, body in self.greffe.calls
                if name == "artifacts"]
        binary = "application/octet-stream"
        self.assertEqual(sent, [("text/plain", 3), ("text/plain", 3), (binary, 300_000)])

    def test_no_line_stops_the_log(self):
        class Mute:
            def __str__(self):
                raise ValueError("no words")

        circle = []
        circle.append(circle)

        def handler(job):
            job.log("a number", loss=float("nan"), page=3)
            job.log("a circle", circle=circle, mute=Mute())
            job.log("half a \udcff and a \0", path="\udcff")
            job.log("\u00e9" * 5000, path="\u20ac" * 3000)
            job.log("\u0001" * 3000, level="loud" * 3000)
            job.log("poison")
            job.log("the last")

        self.start(handler, [lease()])
        self.assertEqual(self.settled()["outcome"], "succeeded")
        lines = self.greffe.lines
        self.assertEqual(len(lines), 7)
        self.assertEqual((lines[0]["loss"], lines[0]["page"]), ("nan", 3))
        self.assertIn("circle", lines[1])
        self.assertEqual((lines[2]["message"], lines[2]["path"]), ("half a ? and a \ufffd", "?"))
        self.assertTrue(lines[3]["message"].startswith("\u00e9" * 400))
        self.assertTrue(lines[4]["message"].startswith("\u0001" * 400))
        self.assertEqual((lines[5]["level"], "refused" in lines[5]["message"]), ("warn", True))
        self.assertEqual(lines[6]["message"], "the last")

    def test_what_a_handler_raises_is_the_outcome(self):
        def handler(job):
            raise {1: ValueError("odd"), 2: Permanent("no"), 3: Snooze(1.5), 4: SystemExit(3)}[
                job.body["n"]]

        self.start(handler, [lease(it) for it in (1, 2, 3, 4)])
        self.settled(4)
        odd, no, later, gone = self.greffe.settled
        self.assertEqual((odd["error"]["type"], odd["error"]["retryable"]), ("ValueError", True))
        self.assertIn("Traceback", odd["error"]["detail"])
        self.assertFalse(no["error"]["retryable"])
        self.assertEqual((later["outcome"], later["delay_ms"]), ("snoozed", 1500))
        self.assertEqual(gone["error"]["type"], "SystemExit")

    def spin(self, job):
        self.seen = job
        while True:
            job.check()
            job.progress(1)

    def test_a_cancellation_reaches_the_handler_with_a_heartbeat(self):
        self.start(self.spin, [lease()], lease_ms=2_000)
        self.greffe.statuses["j1.7"] = "cancel"
        self.assertEqual(self.settled()["outcome"], "cancelled")

    def test_a_pause_gives_the_job_back_with_what_was_saved_last(self):
        def handler(job):
            job.save({"page": 1})
            try:
                self.spin(job)
            except greffe_worker.Stopped as stopped:
                self.assertEqual(stopped.why, "pause")
                job.save({"page": 2})
            return "not reached"

        self.start(handler, [lease()], lease_ms=2_000)
        self.greffe.statuses["j1.7"] = "pause"
        report = self.settled()
        self.assertEqual((report["outcome"], report["reason"], report["checkpoint"]),
                         ("released", "paused", {"page": 2}))

    def test_who_is_nearly_done_may_finish_though_the_job_is_paused(self):
        def handler(job):
            try:
                self.spin(job)
            except greffe_worker.Stopped:
                return "done"

        self.start(handler, [lease()], lease_ms=2_000)
        self.greffe.statuses["j1.7"] = "pause"
        self.assertEqual((self.settled()["outcome"], self.settled()["result"]), ("succeeded", "done"))

    def test_a_cancellation_counts_more_than_a_pause_before_it_and_after_it(self):
        job = greffe_worker.Job(None, lease(), time.monotonic())
        for why in ("pause", "cancel", "pause"):
            job.stop(why)
        self.assertEqual(job.stop_reason, "cancel")

    def test_a_status_of_a_newer_greffe_is_not_heeded(self):
        def handler(job):
            begun = len(self.greffe.bodies("heartbeats"))
            self.greffe.until(lambda: len(self.greffe.bodies("heartbeats")) >= begun + 3)
            job.check()
            return "done"

        self.start(handler, [lease()], lease_ms=2_000)
        self.greffe.statuses["j1.7"] = "hum"
        self.assertEqual(self.settled()["result"], "done")

    def test_a_lease_that_is_lost_is_not_reported_on(self):
        self.start(self.spin, [lease(1), lease(2, body={"n": 2})], lease_ms=2_000)
        self.greffe.statuses.update({"j1.7": "lost", "j2.7": "cancel"})
        self.settled()
        self.assertEqual([it["fence"] for it in self.greffe.bodies("settle")], [7])
        path = [it for it in self.greffe.calls if it[0] == "settle"]
        self.assertEqual(len(path), 1)

    def test_without_an_answer_to_its_heartbeats_a_worker_stops_before_its_lease_ends(self):
        stopped = threading.Event()
        begun = time.monotonic()

        def handler(job):
            try:
                self.spin(job)
            finally:
                stopped.set()

        failures = {"heartbeats": [(503, {})] * 1000}
        leases = [lease(lease_expires_in_ms=1000)]
        self.start(handler, leases, lease_ms=1_000, failures=failures)
        self.assertTrue(stopped.wait(PATIENCE_S))
        self.assertGreater(time.monotonic() - begun, 0.8)
        self.assertEqual(self.seen.stop_reason, "lost")

    def outage(self, handler):
        """Nobody answers, until the worker has let go and tried to say so."""
        failures = {"heartbeats": [(503, {})] * 1000, "settle": [(503, {})] * 1000}
        leases = [lease(lease_expires_in_ms=1000)]
        self.start(handler, leases, lease_ms=1_000, failures=failures)
        self.greffe.until(lambda: len(self.greffe.bodies("settle")) >= 2)

    def leave_at_the_last(self, job):
        job.save({"page": 3})
        self.spin(job)

    def test_what_was_let_go_while_nobody_answered_is_given_back_when_somebody_does(self):
        self.outage(self.leave_at_the_last)
        self.greffe.failures.clear()
        report = self.settled()
        self.assertEqual((report["outcome"], report["checkpoint"]), ("released", {"page": 3}))
        self.assertEqual(len({it["op_id"] for it in self.greffe.bodies("settle")}), 1)

    def test_what_was_let_go_is_not_given_back_once_it_is_said_to_be_lost(self):
        self.outage(self.leave_at_the_last)
        self.greffe.statuses["j1.7"] = "lost"
        self.greffe.failures["heartbeats"] = []
        self.greffe.until(lambda: not self.worker._held())
        self.assertEqual(self.greffe.settled, [])

    def test_heartbeats_are_few_however_often_there_is_progress(self):
        self.start(self.spin, [lease()])
        self.greffe.until(lambda: len(self.greffe.bodies("heartbeats")) >= 4)
        begun = time.monotonic()
        before = len(self.greffe.bodies("heartbeats"))
        self.greffe.until(lambda: len(self.greffe.bodies("heartbeats")) >= before + 4)
        self.assertGreater(time.monotonic() - begun, 3 * greffe_worker.PROGRESS_EVERY_S)
        numbers = [it["leases"][0]["progress"]["seq"] for it in self.greffe.bodies("heartbeats")
                   if it.get("leases") and "progress" in it["leases"][0]]
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_what_may_not_have_arrived_is_said_again_as_something_new(self):
        beaten = threading.Event()

        def handler(job):
            # These arrive, and their answers do not.
            self.greffe.failures["heartbeats"] = [(None, None)] * 3
            job.progress(1, 3)
            beaten.wait(PATIENCE_S)
            job.save({"page": 1})
            while True:
                job.check()
                time.sleep(0.01)

        self.start(handler, [lease()])
        said = lambda: [it["leases"][0] for it in self.greffe.bodies("heartbeats")
                        if it.get("leases") and "progress" in it["leases"][0]]
        self.greffe.until(said)
        beaten.set()
        self.greffe.until(lambda: any("checkpoint" in it for it in self.greffe.kept))
        numbers = [it["progress"]["seq"] for it in said()]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertGreater(len(numbers), 1)

    def test_a_worker_that_stops_gives_back_what_it_holds_and_says_good_bye(self):
        def handler(job):
            job.save({"page": 3})
            self.spin(job)

        self.start(handler, [lease()])
        self.greffe.until(lambda: any(it.get("leases") for it in self.greffe.bodies("heartbeats")))
        self.stop()
        report = self.settled()
        self.assertEqual((report["outcome"], report["checkpoint"]), ("released", {"page": 3}))
        self.assertTrue(self.greffe.left)
        # Or else it would be given what it has just given back.
        order = [name for name, _, body in self.greffe.calls
                 if name in ("settle", "leave") or b"draining" in body]
        self.assertEqual(order, ["heartbeats", "settle", "leave"])

    def test_a_worker_that_is_forgotten_registers_again(self):
        gone = (410, {"code": "worker_unknown"})
        self.start(lambda job: "done", [lease()], failures={"leases": [gone]})
        self.settled()
        first, second = self.greffe.bodies("workers")[:2]
        self.assertEqual(first["instance_key"], second["instance_key"])

    def test_a_wrong_token_ends_the_worker(self):
        refusal = (401, {"code": "unauthenticated", "detail": "revoked"})
        greffe = Greffe([])
        greffe.failures["workers"] = [refusal]
        worker = Worker("test", {"test": print}, url=greffe.url, token="grfw_x")
        with self.assertRaisesRegex(SystemExit, "unauthenticated"):
            worker.run()
        greffe.server.shutdown()
        greffe.server.server_close()


if __name__ == "__main__":
    unittest.main()
