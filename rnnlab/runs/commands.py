"""What pages and shell may ask of the supervisor, each command checked before anything happens."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError, RunError
from rnnlab.runs import admission, links, protocol, questions
from rnnlab.runs.desk import Visitor
from rnnlab.runs.jobs import Job
from rnnlab.runs.local import memory_pss_mb
from rnnlab.runs.protocol import ENDED, LIVE, encode
from rnnlab.runs.store import RunRecord, check_title, checkpoint_folder, state_error

if TYPE_CHECKING:
    from rnnlab.runs.supervisor import Supervisor

LATER = object()  # the answer comes when it is there
TRIES = 8  # times that a question follows a newest checkpoint that was replaced before it was read


class Commands:
    """Obeys; every method ``_command_...`` is a command, and returns its result, or `LATER`."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._waiters: list[tuple[Visitor, Any, str, int]] = []

    def obey(self, visitor: Visitor, message: dict[str, Any]) -> None:
        request = message.get("id")
        name = str(message.get("command"))
        command = getattr(self, f"_command_{name}", None)
        try:
            if command is None:
                raise RunError("command_unknown", f"There is no command {name!r}.", command=name[:40])
            self._supervisor.flush()
            result = command(visitor, message)
        except RNNLabError as error:
            self._send(visitor, {"id": request, "error": error.to_dict()})
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            wrong = RunError("command_invalid", f"The command {name!r} cannot be read: {error!r}.", command=name[:40])
            self._send(visitor, {"id": request, "error": wrong.to_dict()})
        else:
            if result is not LATER:
                self._send(visitor, {"id": request, "result": result})

    def _command_status(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        pids = [os.getpid(), *self._supervisor.engine.pids()]
        return {
            "ready": self._supervisor.ready,
            "pid": os.getpid(),
            "pids": pids,
            "runs": {job.run: job.pid for job in self._supervisor.jobs.values() if job.question is None},
            "slots": self._supervisor.limits.slots,
            "clients": self._supervisor.desk.present(),
            "memory_mb": sum(memory_pss_mb(pid) or 0.0 for pid in pids) if message.get("memory") else None,
        }

    def _command_create(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        config = TrainConfig.from_json(str(message["config"]))
        admission.check_space(self._supervisor.home, self._supervisor.limits)
        waiting = len(self._supervisor.store.queue())
        admission.check_queue(waiting, self._supervisor.limits)
        self._check_text(config)
        run = _new_id()

        def about(name: str) -> str:
            return str(message.get(name, ""))[:200]

        self._supervisor.write(
            lambda: self._supervisor.store.create(
                run,
                config,
                name=about("name"),
                based_on=about("based_on"),
                owner=about("owner"),
                language=about("language"),
            )
        )
        self._supervisor.pump()
        return run

    def _check_text(self, config: TrainConfig) -> None:
        """Refuse at once what a worker would refuse later."""
        from rnnlab.text.preparation import check_trainable, prepare
        from rnnlab.text.vocab import Vocab

        train = prepare(self._supervisor.text(config), config.preprocessing, config.num_chars).train
        check_trainable(train, config)
        vocab = Vocab(train)
        for prefix in config.prefixes:
            vocab.encode(prefix)
        minibatches = max(1, len(train) // (config.batch_size * config.num_steps))
        admission.check_memory(config, len(vocab), minibatches, self._supervisor.limits)

    def _command_pause(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        return self._steer(message, {"control": "pause"}, {"running"})

    def _command_resume(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        return self._steer(message, {"control": "resume"}, {"paused"})

    def _command_step(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        unit = str(message["unit"])
        if unit not in protocol.STEP_UNITS:
            allowed = ", ".join(protocol.STEP_UNITS)
            raise RunError("step_unknown", f"A step is one of: {allowed}.", unit=unit[:40], allowed=allowed)
        return self._steer(message, {"control": "step", "unit": unit}, {"running", "paused"})

    def _command_set(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        name, value = str(message["name"]), message["value"]
        if name not in ("learning_rate", "clip_norm"):
            raise RunError(
                "setting_fixed",
                f"{name[:40]} cannot be changed during a run; learning_rate and clip_norm can.",
                name=name[:40],
                allowed="learning_rate, clip_norm",
            )
        value = getattr(TrainConfig.make(**{name: value}), name)
        return self._steer(message, {"control": "set", "name": name, "value": value}, {"running", "paused"})

    def _command_stop(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        record = self._mine(message)
        job = self._supervisor.training(record.id)
        if record.state == "queued" and job is None:
            self._supervisor.write(lambda: self._supervisor.store.move(record.id, "stopped"))
            return None
        return self._steer(message, {"control": "stop"}, set(LIVE))

    def _steer(self, message: dict[str, Any], control: dict[str, Any], states: set[str]) -> None:
        record = self._mine(message)
        job = self._supervisor.training(record.id)
        starting = record.state == "queued" and job is not None  # it hears of it before its first minibatch
        if job is None or job.final or not (record.state in states or starting):
            raise RunError(
                "run_state",
                f"Run {record.id} is {record.state}; this is for a run that is: {', '.join(sorted(states))}.",
                run=record.id,
                state=record.state,
                allowed=", ".join(sorted(states)),
            )
        job.unsent += encode(control)
        self._supervisor.write_worker(job)

    def _command_continue(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        record = self._mine(message)
        more = int(message.get("more_epochs") or 0)
        if record.state not in ENDED:
            raise state_error(record.id, record.state, protocol.TRANSITIONS[record.state])
        if not record.continuable:
            raise RunError(
                "run_not_continuable",
                f"Run {record.id} cannot be continued: "
                + ("it diverged." if record.state == "diverged" else "it left no checkpoint."),
                run=record.id,
                state=record.state,
            )
        if more < 0 or (record.state == "finished" and more == 0):
            raise RunError("run_complete", f"Run {record.id} is complete; say how many more epochs.", run=record.id)
        admission.check_space(self._supervisor.home, self._supervisor.limits)
        admission.check_queue(len(self._supervisor.store.queue()), self._supervisor.limits)

        def work() -> None:
            if more:
                self._supervisor.store.set_num_epochs(record.id, record.num_epochs + more)
            self._supervisor.store.move(record.id, "queued")

        self._supervisor.write(work)
        self._supervisor.pump()

    def _command_delete(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        record = self._mine(message)
        for job in self._supervisor.jobs.values():
            if job.run == record.id:
                job.dropped = True
                self._supervisor.engine.kill(job.id)
        self._supervisor.write(lambda: self._supervisor.store.delete(record.id))
        shutil.rmtree(checkpoint_folder(self._supervisor.home, record.id), ignore_errors=True)

    def _command_star(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        record = self._supervisor.store.run(str(message["run"]))
        self._supervisor.write(lambda: self._supervisor.store.star(record.id, bool(message["starred"])))

    def _command_rename(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        record = self._mine(message)
        title = check_title(message["title"])
        self._supervisor.write(lambda: self._supervisor.store.rename(record.id, title))

    def _command_shorten(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        parameters = links.checked(message["parameters"])
        known = self._supervisor.store.code_of(parameters)
        if known is not None:
            return known
        admission.check_space(self._supervisor.home, self._supervisor.limits)
        codes: list[str] = []
        self._supervisor.write(lambda: codes.append(self._supervisor.store.add_link(parameters)))
        return codes[-1]

    def _command_add_text(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        from rnnlab.text import corpora

        corpus = corpora.from_text(str(message["text"]), str(message.get("title", ""))[:200])
        admission.check_space(self._supervisor.home, self._supervisor.limits)
        self._supervisor.write(lambda: self._supervisor.store.add_text(corpus.name, corpus.text, corpus.title))
        return corpus.name

    def _command_import(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        from rnnlab.runs.export import import_run

        recording = import_run(str(message["data"]))
        admission.check_space(self._supervisor.home, self._supervisor.limits)
        run, owner = _new_id(), str(message.get("owner", ""))[:200]

        def work() -> None:
            self._supervisor.store.create(
                run,
                recording.config,
                name=recording.name,
                based_on=recording.based_on,
                owner=owner,
                language=recording.language,
            )
            self._supervisor.store.rename(run, recording.title)
            self._supervisor.store.add_recorded(run, recording.events)

        self._supervisor.write(work)
        return run

    def _command_wait(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        run, version = str(message["run"]), int(message["version"])
        now = self._supervisor.store.version(run)
        if now != version:
            return now
        self._waiters.append((visitor, message.get("id"), run, version))
        return LATER

    def _command_ask(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        record = self._supervisor.store.run(str(message["run"]))
        question = questions.checked(dict(message["question"]), record.config)
        checkpoints = self._supervisor.store.checkpoints(record.id)
        epoch = message.get("epoch")
        if epoch is not None:
            at_epoch = [checkpoint for checkpoint in checkpoints if checkpoint[:2] == (int(epoch), 0)]
            if not at_epoch:
                allowed = ", ".join(str(epoch) for epoch, minibatch, _ in checkpoints if minibatch == 0) or "none yet"
                raise RunError(
                    "checkpoint_unknown",
                    f"Run {record.id} keeps no checkpoint of epoch {epoch}; it keeps those of: {allowed}.",
                    run=record.id,
                    epoch=epoch,
                    allowed=allowed,
                )
            checkpoints = at_epoch
        if not checkpoints:
            raise RunError("checkpoint_none", f"Run {record.id} has no checkpoint yet.", run=record.id)
        epoch, minibatch, file = checkpoints[-1]
        # the same question to the same weights has the same answer
        key = json.dumps({**question, "epoch": epoch, "minibatch": minibatch}, sort_keys=True, ensure_ascii=False)
        known = self._supervisor.store.answer(record.id, key)
        if known is not None:
            return known
        return self._ask(visitor, message, record.id, record.config, question, key, str(file))

    def _command_parity(self, visitor: Visitor, message: dict[str, Any]) -> Any:
        config = TrainConfig.from_json(str(message["config"])).change(**dict(message["changes"]))
        config = config.change(sampling="consecutive", offset="zero")  # the one minibatch begins the text
        self._check_text(config)
        return self._ask(visitor, message, "", config, {"kind": "parity"}, "", None)

    def _ask(
        self,
        visitor: Visitor,
        message: dict[str, Any],
        run: str,
        config: TrainConfig,
        question: dict[str, Any],
        key: str,
        checkpoint: str | None,
    ) -> Any:
        order = {
            "order": "ask",
            "config": config.to_json(),
            "text": self._supervisor.text(config),
            "checkpoint": checkpoint,
            "device": self._supervisor.store.device(run),
            "question": question,
            "limits": {"memory_mb": self._supervisor.limits.memory_mb},
        }
        job = Job(secrets.token_hex(6), run, order, question=key, visitor=visitor, request=message.get("id"))
        tries = int(message.get("tries", 0))
        if message.get("epoch") is None and tries < TRIES:
            job.again = {**message, "tries": tries + 1}
        self._supervisor.questions.append(job)
        self._supervisor.pump()
        return LATER

    def _mine(self, message: dict[str, Any]) -> RunRecord:
        record = self._supervisor.store.run(str(message["run"]))
        admission.check_owner(record.owner, message.get("owner"))
        return record

    def answer_waiters(self) -> None:
        """Answer those whose run has changed."""
        if not self._waiters:
            return
        versions = {run: self._supervisor.store.version(run) for run in {waiter[2] for waiter in self._waiters}}
        waiters, self._waiters = self._waiters, []
        for visitor, request, run, version in waiters:
            if versions[run] != version:
                self._send(visitor, {"id": request, "result": versions[run]})
            else:
                self._waiters.append((visitor, request, run, version))

    def forget(self, visitor: Visitor) -> None:
        """No longer answer one who has left."""
        self._waiters = [waiter for waiter in self._waiters if waiter[0] is not visitor]

    def _send(self, visitor: Visitor, message: dict[str, Any]) -> None:
        self._supervisor.desk.send(visitor, message)


def _new_id() -> str:
    return "".join(secrets.choice("23456789abcdefghjkmnpqrstuvwxyz") for _ in range(8))
