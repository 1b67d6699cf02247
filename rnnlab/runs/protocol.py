"""The messages between page, supervisor, zygote, worker and the machines of a cluster, and the states of a run.

Every message is a frozen class below. It is sent as one line of UTF-8 JSON over a socket of this machine; ``kind``
names its class. `encode` writes the line, and `Channel.decode` reads and validates it. Nothing is ever unpickled.
`CHANNELS` lists the senders, receivers and messages; ``python -m rnnlab.runs.protocol`` prints it as docs/protocol.md.
"""

from __future__ import annotations

import functools
import inspect
import json
import operator
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic_core import PydanticSerializationError

from rnnlab.errors import RNNLabError
from rnnlab.events import Event
from rnnlab.nesting import MAX_DEPTH, too_deep

# the states of a run

RunState = Literal["queued", "running", "paused", "finished", "stopped", "diverged", "failed", "interrupted"]
STATES: tuple[RunState, ...] = get_args(RunState)

TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    "queued": frozenset({"running", "stopped", "failed", "interrupted"}),
    # a parked run, which has no worker, goes on in its turn
    "running": frozenset({"paused", "queued", "finished", "stopped", "diverged", "failed", "interrupted"}),
    "paused": frozenset({"running", "queued", "finished", "stopped", "diverged", "failed", "interrupted"}),
    # an ended run goes back to the queue when it is continued from a checkpoint
    "finished": frozenset({"queued"}),
    "stopped": frozenset({"queued"}),
    "failed": frozenset({"queued"}),
    "interrupted": frozenset({"queued"}),
    "diverged": frozenset(),
}
"""The allowed transitions between the states of a run."""

LIVE: frozenset[RunState] = frozenset({"queued", "running", "paused"})
ENDED: frozenset[RunState] = frozenset(STATES) - LIVE

StepUnit = Literal["minibatch", "epoch", "period"]
STEP_UNITS: tuple[StepUnit, ...] = get_args(StepUnit)

SettingName = Literal["learning_rate", "clip_norm"]
CHANGEABLE: tuple[SettingName, ...] = get_args(SettingName)
"""The settings that can be changed while a run trains."""

FIRST_LINE = 4096
"""The longest line in bytes that is read from a connection before it has shown a token."""
MAX_LINE = 64 * 2**20
"""The longest line in bytes that is read afterwards: a file of 20 MB fits, with the quotation marks escaped."""


class Message(BaseModel):
    """Base class of the messages; `kind` names the class in JSON."""

    # the receiver refuses a non-finite number with a reason, so the number must arrive unchanged
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants", defer_build=True)


class ErrorData(BaseModel):
    """An `RNNLabError` as plain data."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants", defer_build=True)

    error: str  # name of the class
    code: str
    message: str
    params: dict[str, Any] = {}

    @classmethod
    def of(cls, error: RNNLabError) -> ErrorData:
        """Return `error` as data."""
        return cls(**error.to_dict())

    def rebuild(self) -> RNNLabError:
        """Return the error as an exception."""
        return RNNLabError.from_dict(self.model_dump())


# page, shell → supervisor


class Hello(Message):
    """Show the token of the endpoint; the first message of every connection.

    With `resumes`, the runs that waited when nobody was left start again in their turn.
    """

    kind: Literal["hello"] = "hello"
    token: str
    resumes: bool = False


class GetStatus(Message):
    """Ask for the state of the supervisor; with `memory`, also for the memory of its processes, which takes longer."""

    kind: Literal["get_status"] = "get_status"
    memory: bool = False


class CreateRun(Message):
    """Put a run into the queue; the result is its id. `config` is the text of `TrainConfig.to_json`.

    Runs with the same `batch` were started together, as in a race, and count as one for the limits of a visitor. A run
    in a `room` departs from its preset only in the settings that are open.
    """

    kind: Literal["create_run"] = "create_run"
    config: str
    name: str = ""
    based_on: str = ""
    language: str = ""
    batch: str = ""
    room: str = ""


class PauseRun(Message):
    """Pause a run before its next minibatch; no effect on a paused run."""

    kind: Literal["pause_run"] = "pause_run"
    run: str


class ResumeRun(Message):
    """Resume a paused run; no effect on a running run."""

    kind: Literal["resume_run"] = "resume_run"
    run: str


class StepRun(Message):
    """Run to the end of the next minibatch, epoch or prediction period (`unit`), then pause."""

    kind: Literal["step_run"] = "step_run"
    run: str
    unit: str


class ChangeSetting(Message):
    """Change the learning rate or the clipping threshold from the next minibatch on."""

    kind: Literal["change_setting"] = "change_setting"
    run: str
    name: str
    value: float | None


class StopRun(Message):
    """Stop a run before its next minibatch; no effect on a run that is stopping or stopped."""

    kind: Literal["stop_run"] = "stop_run"
    run: str


class ContinueRun(Message):
    """Put an ended run back into the queue, to continue from its last checkpoint."""

    kind: Literal["continue_run"] = "continue_run"
    run: str
    more_epochs: int = 0


class DeleteRun(Message):
    """Remove a run, its events and its checkpoints; a run that trains is killed first.

    The result is the number of seconds in which `RestoreRun` brings it back; 0 if the disk has no space for it.
    """

    kind: Literal["delete_run"] = "delete_run"
    run: str


class RestoreRun(Message):
    """Bring a deleted run back."""

    kind: Literal["restore_run"] = "restore_run"
    run: str


class StarRun(Message):
    """Mark a run with a star, or remove the star."""

    kind: Literal["star_run"] = "star_run"
    run: str
    starred: bool


class RenameRun(Message):
    """Give a run a title; an empty one removes it."""

    kind: Literal["rename_run"] = "rename_run"
    run: str
    title: str


class ShortenLink(Message):
    """Store the parameters of a page; the result is their code.

    With `address`, the code is only the page's own address: it is kept for some days, and few are for each visitor.
    """

    kind: Literal["shorten_link"] = "shorten_link"
    parameters: dict[str, str]
    address: bool = False


class AddText(Message):
    """Store a text to train on; the result is the name of the corpus.

    The text belongs to whoever asks; with `shared`, everybody may read and train on it.
    """

    kind: Literal["add_text"] = "add_text"
    text: str
    title: str = ""
    shared: bool = False


class ImportRun(Message):
    """Add an exported run; the result is its new id."""

    kind: Literal["import_run"] = "import_run"
    data: str


class ImportCheckpoint(Message):
    """Add a run with the checkpoint that was exported with it; the result is the run's new id.

    `file` names a file in the folder ``incoming`` of the home, which the supervisor takes over or removes.
    """

    kind: Literal["import_checkpoint"] = "import_checkpoint"
    file: str


class OpenRoom(Message):
    """Open a room with a preset, for a teacher; the result is its code.

    `opened` names the settings that members may change.
    """

    kind: Literal["open_room"] = "open_room"
    config: str
    recipe: str = ""
    title: str = ""
    opened: tuple[str, ...] = ()


class EndRoom(Message):
    """End a room, for a teacher."""

    kind: Literal["end_room"] = "end_room"
    room: str


class JoinRoom(Message):
    """Join a room with a name, or change the name."""

    kind: Literal["join_room"] = "join_room"
    room: str
    name: str


class RemoveName(Message):
    """Remove the name of a member of a room, for a teacher."""

    kind: Literal["remove_name"] = "remove_name"
    room: str
    member: str


class AskRoom(Message):
    """Put a question to a room, for a teacher; the result is its number. With an empty `asks` it is taken back."""

    kind: Literal["ask_room"] = "ask_room"
    room: str
    asks: str


class ResolveRoom(Message):
    """Let a run answer the question of a room, for a teacher; no guess is taken any more."""

    kind: Literal["resolve_room"] = "resolve_room"
    room: str
    run: str


class GuessInRoom(Message):
    """Guess the answer to the question of a room, in place of an earlier guess."""

    kind: Literal["guess_in_room"] = "guess_in_room"
    room: str
    guess: str


class FocusRoom(Message):
    """Show a page to all members of a room, for a teacher; without parameters, everybody looks for themselves."""

    kind: Literal["focus_room"] = "focus_room"
    room: str
    parameters: dict[str, str] = {}


class WaitForChange(Message):
    """Wait until the version of a run differs from `version`; the result is the new version."""

    kind: Literal["wait_for_change"] = "wait_for_change"
    run: str
    version: int


class AskCheckpoint(Message):
    """Ask a question of `rnnlab.runs.questions` to the newest checkpoint, or to the checkpoint of `epoch`."""

    kind: Literal["ask_checkpoint"] = "ask_checkpoint"
    run: str
    question: dict[str, Any]
    epoch: int | None = None


class CompareImplementations(Message):
    """Compare the cells written from their equations with the library's, for `config` with `changes`."""

    kind: Literal["compare_implementations"] = "compare_implementations"
    config: str
    changes: dict[str, Any] = {}


Command = Annotated[
    GetStatus
    | CreateRun
    | PauseRun
    | ResumeRun
    | StepRun
    | ChangeSetting
    | StopRun
    | ContinueRun
    | DeleteRun
    | RestoreRun
    | StarRun
    | RenameRun
    | ShortenLink
    | AddText
    | ImportRun
    | ImportCheckpoint
    | OpenRoom
    | EndRoom
    | JoinRoom
    | RemoveName
    | AskRoom
    | ResolveRoom
    | GuessInRoom
    | FocusRoom
    | WaitForChange
    | AskCheckpoint
    | CompareImplementations,
    Field(discriminator="kind"),
]


class Asker(BaseModel):
    """The visitor on whose behalf a command is sent, as identified by the page server.

    Attributes:
        id: the visitor's identity; a visitor without one can only watch.
        teacher: whether the visitor may do everything that the owner of the machine may do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: str = Field(max_length=64)
    teacher: bool = False


class Request(Message):
    """Ask the supervisor to carry out a command; its result has the same `id`.

    Without an `asker`, the owner of the machine asks, e.g. by the shell.
    """

    kind: Literal["request"] = "request"
    id: int
    command: Command
    asker: Asker | None = None


# supervisor → page, shell


class Welcome(Message):
    """Accept a connection; `pid` is the process of the supervisor."""

    kind: Literal["welcome"] = "welcome"
    pid: int


class Ending(Message):
    """Report that the supervisor shuts down; it saves its runs, which resume after its next start."""

    kind: Literal["ending"] = "ending"


class Result(Message):
    """Return the result of request `id`; None if the command has no result."""

    kind: Literal["result"] = "result"
    id: int
    value: Any = None


class Refusal(Message):
    """Refuse request `id`, with the reason."""

    kind: Literal["refusal"] = "refusal"
    id: int
    error: ErrorData


# supervisor → page, shell that started it: one line on standard output


class SupervisorReady(Message):
    """Report that the supervisor listens."""

    kind: Literal["supervisor_ready"] = "supervisor_ready"
    pid: int


class HomeBusy(Message):
    """Report that another supervisor serves this home."""

    kind: Literal["home_busy"] = "home_busy"


class StartFailure(Message):
    """Report why the supervisor cannot start."""

    kind: Literal["start_failure"] = "start_failure"
    error: ErrorData


# supervisor → worker


class StartingWeights(BaseModel):
    """The trained network that a new run starts from.

    `path` is the file with its weights, `config` its configuration, and `vocab` its characters in the order of their
    indices.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    path: str
    config: str
    vocab: str


class TrainOrder(Message):
    """Train; the first message to the worker of a run.

    `text` is the prepared training text, `held_out` passages of the held-out text, `checkpoint` a file to continue
    from, `start` the weights that a new run starts from (None: random), `further` whether the run had finished at the
    checkpoint, `device` the device on which the run started (None: not started yet), `folder` the folder of the
    checkpoints, `keep_every` the number of epochs between two checkpoints that are kept, `memory_mb` the memory limit
    of the process, and `processor_clock` whether the seconds of the training are processor time.
    """

    kind: Literal["train_order"] = "train_order"
    run: str
    config: str
    text: str
    held_out: str
    checkpoint: str | None
    start: StartingWeights | None
    further: bool
    device: str | None
    folder: str
    keep_every: int
    memory_mb: int
    processor_clock: bool


class AnswerOrder(Message):
    """Answer a checked question; the only message to the worker of a question.

    `text` and `held_out` are the prepared text; `checkpoint` is a file, or None if the question needs no checkpoint.
    """

    kind: Literal["answer_order"] = "answer_order"
    config: str
    text: str
    held_out: str
    checkpoint: str | None
    device: str | None
    question: dict[str, Any]
    memory_mb: int


class Pause(Message):
    """Pause before the next minibatch."""

    kind: Literal["pause"] = "pause"


class Resume(Message):
    """Resume after a pause."""

    kind: Literal["resume"] = "resume"


class Step(Message):
    """Run to the end of the next `unit`, then pause."""

    kind: Literal["step"] = "step"
    unit: StepUnit


class Set(Message):
    """Change a setting from the next minibatch on."""

    kind: Literal["set"] = "set"
    name: SettingName
    value: float | None


class Stop(Message):
    """Stop before the next minibatch."""

    kind: Literal["stop"] = "stop"


class Park(Message):
    """Save a checkpoint before the next minibatch and end; the run goes on later, from there."""

    kind: Literal["park"] = "park"


ControlMessage = Pause | Resume | Step | Set | Stop | Park


class Share(Message):
    """Use at most `threads` threads from the next minibatch on: the run's share of the processor cores."""

    kind: Literal["share"] = "share"
    threads: int


class Lease(Message):
    """End the process if no message arrives for `seconds`; sent again and again by the agent of another machine."""

    kind: Literal["lease"] = "lease"
    seconds: float = Field(gt=0, allow_inf_nan=False)


# worker → supervisor


class EventReport(Message):
    """Report an event of the run; the last one ends it."""

    kind: Literal["event_report"] = "event_report"
    event: Event


class Parked(Message):
    """Report that the run is saved and its worker ends: whether it was paused, and the step that it was taking."""

    kind: Literal["parked"] = "parked"
    paused: bool
    step: StepUnit | None = None


class Answer(Message):
    """Answer the question; the store keeps the answer if `keep`."""

    kind: Literal["answer"] = "answer"
    answer: dict[str, Any]
    keep: bool = True


class AnswerFailure(Message):
    """Report why the question cannot be answered."""

    kind: Literal["answer_failure"] = "answer_failure"
    error: ErrorData


# worker → supervisor, if workers are started separately


class WorkerHello(Message):
    """Report that torch is loaded: the token, the process, and the speed of this machine.

    `facts`: see `rnnlab.runs.warm.measure_speed`.
    """

    kind: Literal["worker_hello"] = "worker_hello"
    token: str
    pid: int
    facts: dict[str, float]


# supervisor ⇄ zygote


class Fork(Message):
    """Fork a worker for `job`; its end of the socket is passed with the message."""

    kind: Literal["fork"] = "fork"
    job: str


class Kill(Message):
    """Kill the worker of `job` if it is still running."""

    kind: Literal["kill"] = "kill"
    job: str


class ZygoteReady(Message):
    """Report that torch is loaded, and the speed of this machine."""

    kind: Literal["zygote_ready"] = "zygote_ready"
    facts: dict[str, float]


class Forked(Message):
    """Report that the worker of `job` runs as process `pid`."""

    kind: Literal["forked"] = "forked"
    job: str
    pid: int


class Exited(Message):
    """Report that the worker of `job` exited with `status`, or by signal number ``-status``."""

    kind: Literal["exited"] = "exited"
    job: str
    status: int


# supervisor ⇄ bridge, if workers run on the machines of a cluster


class Relay(Message):
    """Pass complete lines on, to or from the worker of `job`."""

    kind: Literal["relay"] = "relay"
    job: str
    lines: str


class Hang(Message):
    """Close the socket of the worker of `job`, which then ends."""

    kind: Literal["hang"] = "hang"
    job: str


class Placed(Message):
    """Report that the worker of `job` has been started on `host`."""

    kind: Literal["placed"] = "placed"
    job: str
    host: str


class Vanished(Message):
    """Report that `host` is gone, and the workers of `jobs` with it."""

    kind: Literal["vanished"] = "vanished"
    host: str
    jobs: list[str]


class HostFacts(BaseModel):
    """What a machine of the cluster says of itself.

    `version` and `torch` are the versions of RNN Lab and of torch, `cores` the processor cores that it lends,
    `memory_mb` the memory that is free, `devices` its accelerators, and `speed` the result of
    `rnnlab.runs.warm.measure_speed`; {} until torch is loaded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants", defer_build=True)

    name: str
    version: str
    torch: str
    cores: int
    memory_mb: float
    devices: list[str] = []
    speed: dict[str, float] = {}


class HostState(BaseModel):
    """A machine of the cluster: its facts, the runs that it trains, and why it is refused ("": it is not)."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants", defer_build=True)

    facts: HostFacts
    runs: list[str] = []
    refused: str = ""


class ClusterState(Message):
    """Report all machines of the cluster, and whether its scheduler answers.

    `mistrusted` says why it does not: certificates of different authorities.
    """

    kind: Literal["cluster_state"] = "cluster_state"
    connected: bool
    mistrusted: bool = False
    hosts: list[HostState]


# bridge ⇄ agent of a machine, over the scheduler of the cluster


class Greet(Message):
    """Ask an agent for its facts; from then on it works for `bridge` only, until its lease ends."""

    kind: Literal["greet"] = "greet"
    bridge: str
    version: str
    torch: str


class Leave(Message):
    """End all workers; the bridge ends, and another may greet."""

    kind: Literal["leave"] = "leave"


class Begin(Message):
    """Start a worker for `job`; blobs take the places of the texts and the files of `order`, see `Blobs`."""

    kind: Literal["begin"] = "begin"
    job: str
    order: TrainOrder | AnswerOrder


class AgentReply(Message):
    """Answer a message: `missing` blobs have to be sent with it, or it was `refused`."""

    kind: Literal["agent_reply"] = "agent_reply"
    missing: list[str] = []
    refused: str = ""
    facts: HostFacts | None = None
    beat: int = 0


class FileSaved(Message):
    """Announce a checkpoint of `job`, whose bytes come with the message and before the event that names it."""

    kind: Literal["file_saved"] = "file_saved"
    job: str
    name: str


M = TypeVar("M", bound=Message)


class Channel(Generic[M]):
    """The messages that one kind of process sends to another.

    Args:
        sender: name of the sender in the documentation.
        receiver: name of the receiver in the documentation.
        messages: classes of the messages.
    """

    def __init__(self, sender: str, receiver: str, *messages: type[M]) -> None:
        self.sender, self.receiver, self.messages = sender, receiver, messages

    @cached_property
    def _adapter(self) -> TypeAdapter[M]:
        union: Any = functools.reduce(operator.or_, self.messages)
        form: Any = Annotated[union, Field(discriminator="kind")] if len(self.messages) > 1 else union
        return TypeAdapter(form)

    def decode(self, line: bytes) -> M:
        """Return the message of a line.

        Raises:
            ValueError: the line is not JSON, nested too deeply, or not a message of this channel.
        """
        if too_deep(line):
            raise ValueError(f"a message is nested more than {MAX_DEPTH} deep")
        return self._adapter.validate_json(line)


CLIENT_TO_SUPERVISOR: Channel[Hello | Request] = Channel("page, shell", "supervisor", Hello, Request)
SUPERVISOR_TO_CLIENT: Channel[Welcome | Ending | Result | Refusal] = Channel(
    "supervisor", "page, shell", Welcome, Ending, Result, Refusal
)
SUPERVISOR_TO_STARTER: Channel[SupervisorReady | HomeBusy | StartFailure] = Channel(
    "supervisor", "page or shell that started it", SupervisorReady, HomeBusy, StartFailure
)
SUPERVISOR_TO_WORKER: Channel[TrainOrder | AnswerOrder | ControlMessage | Share | Lease] = Channel(
    "supervisor", "worker", TrainOrder, AnswerOrder, Pause, Resume, Step, Set, Stop, Park, Share, Lease
)
WORKER_TO_SUPERVISOR: Channel[EventReport | Parked | Answer | AnswerFailure] = Channel(
    "worker", "supervisor", EventReport, Parked, Answer, AnswerFailure
)
WORKER_TO_EXECUTOR: Channel[WorkerHello] = Channel("spawned worker", "supervisor", WorkerHello)
SUPERVISOR_TO_ZYGOTE: Channel[Fork | Kill] = Channel("supervisor", "zygote", Fork, Kill)
ZYGOTE_TO_SUPERVISOR: Channel[ZygoteReady | Forked | Exited] = Channel(
    "zygote", "supervisor", ZygoteReady, Forked, Exited
)
SUPERVISOR_TO_BRIDGE: Channel[Relay | Hang | Kill] = Channel("supervisor", "bridge", Relay, Hang, Kill)
BRIDGE_TO_SUPERVISOR: Channel[Relay | Placed | Exited | Vanished | ClusterState] = Channel(
    "bridge", "supervisor", Relay, Placed, Exited, Vanished, ClusterState
)
BRIDGE_TO_AGENT: Channel[Greet | Leave | Begin | Relay | Hang | Kill] = Channel(
    "bridge", "agent", Greet, Leave, Begin, Relay, Hang, Kill
)
AGENT_TO_BRIDGE: Channel[Relay | FileSaved | Exited | AgentReply] = Channel(
    "agent", "bridge", Relay, FileSaved, Exited, AgentReply
)

CHANNELS: tuple[Channel[Any], ...] = (
    CLIENT_TO_SUPERVISOR,
    SUPERVISOR_TO_CLIENT,
    SUPERVISOR_TO_STARTER,
    SUPERVISOR_TO_WORKER,
    WORKER_TO_SUPERVISOR,
    WORKER_TO_EXECUTOR,
    SUPERVISOR_TO_ZYGOTE,
    ZYGOTE_TO_SUPERVISOR,
    SUPERVISOR_TO_BRIDGE,
    BRIDGE_TO_SUPERVISOR,
    BRIDGE_TO_AGENT,
    AGENT_TO_BRIDGE,
)
COMMANDS: tuple[type[Message], ...] = get_args(get_args(Command)[0])


def encode(message: Message) -> bytes:
    """Return a message as a line of UTF-8 JSON; a lone surrogate, which UTF-8 cannot encode, becomes ``?``."""
    try:
        return message.model_dump_json().encode() + b"\n"
    except PydanticSerializationError:
        text = json.dumps(message.model_dump(), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace") + b"\n"


class Lines:
    """A buffer that splits a stream of bytes into lines.

    Args:
        limit: the longest line in bytes, by default `MAX_LINE`; it may be changed at any time.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = MAX_LINE if limit is None else limit
        self._rest = bytearray()
        self._searched = 0  # bytes of the rest that hold no line break

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Add `data` to the buffer and yield the lines that are now complete.

        Raises:
            ValueError: a line is too long.
        """
        self._rest += data
        while 0 <= (end := self._rest.find(b"\n", self._searched)) <= self.limit:
            line = bytes(self._rest[:end])
            del self._rest[: end + 1]
            self._searched = 0
            yield line
        if len(self._rest) > self.limit:
            raise ValueError("a message is too long")
        self._searched = len(self._rest)


def document() -> str:
    """Return the documentation of all messages as Markdown."""
    parts = [
        "# The messages between the processes",
        "",
        "Written by `python -m rnnlab.runs.protocol` from the classes of `rnnlab/runs/protocol.py`; a test checks it.",
        "Each message is one line of UTF-8 JSON; `kind` names its class, e.g. `"
        + encode(Request(id=7, command=PauseRun(run="k3x9"))).decode().strip()
        + "`.",
    ]
    for channel in CHANNELS:
        parts += ["", f"## {channel.sender} → {channel.receiver}", "", *_table(channel.messages)]
        if Request in channel.messages:
            parts += ["", "The commands of a `Request`:", "", *_table(COMMANDS)]
    parts += ["", "## Data inside messages", "", *_table((ErrorData,)), ""]
    parts += ["An `Event` is one of `rnnlab/events.py`.", ""]
    return "\n".join(parts)


def _table(classes: tuple[type[BaseModel], ...]) -> list[str]:
    rows = ["| class | `kind` | fields | |", "|---|---|---|---|"]
    for cls in classes:
        fields = dict(cls.model_fields)
        kind = fields.pop("kind", None)
        shown = []
        for name, field in fields.items():
            annotation = str(inspect.get_annotations(cls)[name]).replace("|", "\\|")
            default = "" if field.is_required() else f" = {field.get_default()!r}"
            shown.append(f"`{name}: {annotation}{default}`")
        text = " ".join(inspect.getdoc(cls).split())  # type: ignore[union-attr]
        rows.append(f"| `{cls.__name__}` | {f'`{kind.default}`' if kind else ''} | {', '.join(shown)} | {text} |")
    return rows


if __name__ == "__main__":
    print(document(), end="")
