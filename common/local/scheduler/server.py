"""Cloud Scheduler on this machine, for Google's own client.

Jobs with a Pub/Sub or HTTP target, in unix-cron format. The client has no variable for an emulator:
give it an insecure channel to `host`.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

from google.cloud.scheduler_v1 import types
from google.rpc import code_pb2, status_pb2

from common.local.rpc import wire
from common.local.rpc.ticker import Ticker
from common.local.scheduler import rules
from common.local.scheduler.jobs import Jobs
from common.local.scheduler.rules import Execution
from common.local.scheduler.targets import Publish, attempt
from common.untyped import JsonObject

Clock = Callable[[], float]
State = types.Job.State


class SchedulerServer:
    """A running server; `host` is its host:port. The state lies in `path`, or in memory.

    Nothing fires before `start()`. An execution that was missed while nothing ran is made up for
    once, at the start.
    """

    def __init__(
        self,
        publish: Publish,
        path: Path | None = None,
        *,
        port: int = 0,
        clock: Clock = time.time,
        authorize: wire.Authorize | None = None,
    ) -> None:
        self._publish = publish
        self._clock = clock
        self.jobs = Jobs(path)
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="scheduler")
        self._ticker = Ticker("scheduler", self._step)
        self._server, self.host = wire.start(port, self._service(authorize))

    def start(self) -> None:
        """From now on jobs fire by themselves."""
        self._ticker.start()

    def stop(self, grace: float = 5.0) -> None:
        """Takes no more calls, waits `grace` seconds for those under way, and closes its file."""
        self._server.stop(grace).wait()
        self._ticker.stop()
        self._pool.shutdown(cancel_futures=True)
        self.jobs.database.close()

    def fire(self) -> list[str]:
        """Runs what is due at the clock's time and waits for it; answers the jobs' names."""
        submitted = self._submit()
        wait(submitted.values())
        return list(submitted)

    def create_job(self, request: types.CreateJobRequest) -> types.Job:
        asked = types.Job(request.job)
        asked.name = asked.name or f"{request.parent}/jobs/{uuid.uuid4().hex}"
        job = rules.completed(asked)
        if not job.name.startswith(f"{request.parent}/jobs/"):
            raise wire.invalid(f"{job.name} does not lie in {request.parent}.")
        with self._lock:
            if self.jobs.find(job.name):
                raise wire.already_exists(f"Job {job.name} exists already.")
            return self._plan(job, State.ENABLED)

    def update_job(self, request: types.UpdateJobRequest) -> types.Job:
        with self._lock:
            changed = self.jobs.get(request.job.name).job
            for field in _fields(request):
                setattr(changed, field, getattr(request.job, field))
            return self._plan(rules.completed(changed), changed.state)

    def get_job(self, request: types.GetJobRequest) -> types.Job:
        return _shown(self.jobs.get(request.name))

    def list_jobs(self, request: types.ListJobsRequest) -> types.ListJobsResponse:
        inside = f"{request.parent}/jobs/"
        found = [found for found in self.jobs.all() if found.job.name.startswith(inside)]
        return types.ListJobsResponse(jobs=[_shown(execution) for execution in found])

    def delete_job(self, request: types.DeleteJobRequest) -> None:
        self.jobs.drop(request.name)

    def pause_job(self, request: types.PauseJobRequest) -> types.Job:
        return self._switch(request.name, State.ENABLED, State.PAUSED)

    def resume_job(self, request: types.ResumeJobRequest) -> types.Job:
        return self._switch(request.name, State.PAUSED, State.ENABLED)

    def run_job(self, request: types.RunJobRequest) -> types.Job:
        """Runs the job now, paused or not; its schedule stays as it is. Answers when it has run."""
        execution = self.jobs.get(request.name)
        reason = attempt(execution.job, None, self._publish, self._clock())
        with self._lock:
            current = self.jobs.get(request.name)
            marked = replace(current, job=_marked(current.job, reason, self._clock()))
            self.jobs.put(marked)
        return _shown(marked)

    def _plan(self, job: types.Job, state: int) -> types.Job:
        now = self._clock()
        job.state = State(state)
        job.user_update_time = rules.timestamp(now)
        execution = rules.planned(job, now)
        self.jobs.put(execution)
        self._ticker.wake()
        return _shown(execution)

    def _switch(self, name: str, before: int, after: int) -> types.Job:
        with self._lock:
            job = self.jobs.get(name).job
            if job.state != before:
                raise wire.precondition_failed(f"Job {name} is not {State(before).name}.")
            return self._plan(job, after)

    def _step(self) -> float | None:
        self._submit()
        now = self._clock()
        due = self.jobs.next_due(now)
        return None if due is None else due - now

    def _submit(self) -> JsonObject:
        """Starts what is due; a job never runs twice at once on its schedule."""
        with self._lock:
            due = [
                execution
                for execution in self.jobs.due(self._clock())
                if execution.job.name not in self._running
            ]
            self._running |= {execution.job.name for execution in due}
            return {
                execution.job.name: self._pool.submit(self._execute, execution) for execution in due
            }

    def _execute(self, execution: Execution) -> None:
        name, began = execution.job.name, self._clock()
        reason = "The attempt was cut short."
        try:
            reason = attempt(execution.job, execution.scheduled, self._publish, began)
        finally:
            with self._lock:
                self._conclude(execution, began, reason)
                self._running.discard(name)
        self._ticker.wake()

    def _conclude(self, execution: Execution, began: float, reason: str) -> None:
        current, now = self.jobs.find(execution.job.name), self._clock()
        if current is None:
            return
        first = began if current.began is None else current.began
        attempted = replace(current, job=_marked(current.job, reason, now), began=first)
        if current.due != execution.due or current.job.state != State.ENABLED:
            # changed or paused in the meantime: what was planned then stands
            self.jobs.put(replace(attempted, began=None))
        else:
            self.jobs.put(rules.concluded(attempted, not reason, now))

    def _service(self, authorize: wire.Authorize | None) -> object:
        methods = {
            "CreateJob": self.create_job,
            "UpdateJob": self.update_job,
            "GetJob": self.get_job,
            "ListJobs": self.list_jobs,
            "DeleteJob": self.delete_job,
            "PauseJob": self.pause_job,
            "ResumeJob": self.resume_job,
            "RunJob": self.run_job,
        }
        return wire.service("google.cloud.scheduler.v1.CloudScheduler", methods, authorize)


def _shown(execution: Execution) -> types.Job:
    job = types.Job(execution.job)
    job.schedule_time = rules.timestamp(execution.due)
    return job


def _marked(job: types.Job, reason: str, now: float) -> types.Job:
    made = types.Job(job)
    made.last_attempt_time = rules.timestamp(now)
    code = code_pb2.UNKNOWN if reason else code_pb2.OK
    made.status = status_pb2.Status(code=code, message=reason)
    return made


def _fields(request: types.UpdateJobRequest) -> list[str]:
    named = list(request.update_mask.paths)
    fixed = sorted(set(named) - rules.MUTABLE)
    if fixed:
        raise wire.invalid(f"A job's {', '.join(fixed)} cannot be changed.")
    return named or sorted(field for field in rules.MUTABLE if field in request.job)
