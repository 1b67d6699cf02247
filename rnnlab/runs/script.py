"""A run as a short Python program that repeats it: same network, text and results, bit for bit."""

from __future__ import annotations

import pprint
from collections.abc import Iterable

from rnnlab.config import TrainConfig
from rnnlab.errors import CorpusError, RunError
from rnnlab.events import EpochFinished, Event, RunFinished, RunStarted, SettingChanged
from rnnlab.runs.logbook import one_line
from rnnlab.runs.store import Queries
from rnnlab.text import corpora
from rnnlab.text.preparation import for_sample

_HEAD = '''\
"""{title}: repeats a run of RNN Lab and prints its log.

Needs the folder `rnnlab` of RNN Lab beside this file (or on the path) and the packages of its requirements.txt.
The figures are those of the run, bit for bit, with the same version of torch ({torch}) on the same kind of machine.
"""

{imports}

config = TrainConfig.make(
{settings})
{text}
vocab = Vocab(text)
prepare_thread(config)
model = build_model(config, len(vocab), {device!r})
{start}state = TrainingState.begin(model, config)
{steering}
for event in {events}:
    if event.kind == "epoch_finished":
        print(f"epoch {{event.epoch}}, perplexity {{event.perplexity}}, time {{event.seconds:.2f}} sec", flush=True)
    elif event.kind == "text_generated":
        print(" -", event.text)
{until}'''

_UNTIL = """\
    elif event.kind == "minibatch_finished" and event.epoch > {done}:
        break  # the run was ended here
"""

_START = """\
# the weights that the run started from: "Starting weights" in its exports, beside this file
load_weights(model, Path(__file__).with_name({name!r}))
"""

_FURTHER = """
# the run was trained further after it had finished, each time to so many epochs; early stopping then counts anew
def further():
    for num_epochs in {plans}:
        state.config = config.change(num_epochs=num_epochs)
        state.patience.renew()
        yield from {events}


"""

_REGISTERED = """
text, held_out = prepare(corpora.load(config.corpus).text, config.preprocessing, config.num_chars)
{sample}"""

_UPLOADED = """
# the text that was trained on, as the network saw it
text = (
{lines}
)
"""

_HELD_OUT = """
# passages of the rest, on which early stopping measures
held_out = (
{lines}
)
"""

_STEERING = """
# changed by hand during the run: (epochs done, minibatches done of the next, setting, value)
changes = {changes}


def steer(_):
    while changes and (state.epoch, state.minibatch) >= changes[0][:2]:
        control.set(*changes.pop(0)[2:])


control = Control(steer)
"""


def script(store: Queries, run_id: str) -> str:
    """Return a program that repeats a run and prints the perplexity of each epoch with all digits.

    The program contains an uploaded training text; it reads a text of the book from the folder of downloads.

    Raises:
        RunError: ``run_unknown``.
        CorpusError: an uploaded text is no longer on this machine.
    """
    record = store.run(run_id)
    events = [event for _, event in store.events_since(run_id)]
    started = [event for event in events if isinstance(event, RunStarted)]
    done = max((event.epoch for event in events if isinstance(event, EpochFinished)), default=0)
    changes = _changes(events)
    config = record.config
    registered = config.corpus in corpora.corpus_names()
    needed = "for_sample, prepare" if config.early_stopping else "prepare"
    imports = [
        *(["from pathlib import Path\n"] if config.start_from else []),
        "from rnnlab.config import TrainConfig",
        *(["from rnnlab.engine.control import Control"] if changes else []),
        "from rnnlab.engine.model import build_model",
        "from rnnlab.engine.training import TrainingState, prepare_thread, train",
        *(["from rnnlab.runs.checkpoints import load_weights"] if config.start_from else []),
        *(["from rnnlab.text import corpora", f"from rnnlab.text.preparation import {needed}"] if registered else []),
        "from rnnlab.text.vocab import Vocab",
    ]
    training = "train(state, vocab, vocab.encode(text)"
    training += (", control" if changes else "") + (", held_out=held_out" if config.early_stopping else "") + ")"
    plans = _plans(events)
    further = _FURTHER.format(plans=plans, events=training) if len(plans) > 1 else ""
    steering = (_STEERING.format(changes=pprint.pformat(changes, width=100)) if changes else "") + further
    return _HEAD.format(
        title=_title(record.title or record.name or (f"based on {record.based_on}" if record.based_on else run_id)),
        torch=(started[-1].versions.get("torch", "unknown") if started else "unknown")[:40],
        imports="\n".join(imports),
        device=started[0].device if started else "cpu" if config.device == "auto" else config.device,
        settings="".join(f"    {name}={value!r},\n" for name, value in config.model_dump().items()),
        text=_registered(config) if registered else _uploaded(store, config),
        start=_START.format(name=start_file_name(run_id)) if config.start_from else "",
        steering=steering,
        events="further()" if further else training,
        until=_UNTIL.format(done=done) if done < config.num_epochs else "",
    )


def _plans(events: Iterable[Event]) -> list[int]:
    """Return the number of epochs that was planned, anew for each time that the run was trained further."""
    plans: list[int] = []
    finished = True
    for event in events:
        if isinstance(event, RunStarted) and event.num_epochs is not None:
            plans[len(plans) if finished else -1 :] = [event.num_epochs]
            finished = False
        elif isinstance(event, RunFinished):
            finished = event.reason == "finished"
    return plans


def _changes(events: Iterable[Event]) -> list[tuple[int, int, str, float | None]]:
    """Return the changes of settings during the run that are in force, in order.

    A continuation starts from a checkpoint and undoes the changes made after it.
    """
    changes: list[SettingChanged] = []
    for event in events:
        if isinstance(event, SettingChanged):
            changes.append(event)
        elif isinstance(event, RunStarted):
            changes = [old for old in changes if (old.epoch, old.minibatch) <= (event.epoch, event.minibatch)]
    return [(change.epoch, change.minibatch, change.name, change.value) for change in changes]


def start_file_name(run_id: str) -> str:
    """Return the name of the file with the weights that a run started from, which the program reads."""
    return f"{run_id}-start.safetensors"


def starting_weights(store: Queries, run_id: str) -> bytes:
    """Return the file with the weights that a run started from: its checkpoint before the first minibatch.

    Raises:
        RunError: ``run_unknown``, or ``checkpoint_none``.
    """
    store.run(run_id)
    first = next((path for epoch, minibatch, path in store.checkpoints(run_id) if (epoch, minibatch) == (0, 0)), None)
    try:
        if first is not None:
            return first.read_bytes()
    except FileNotFoundError:
        pass
    raise RunError("checkpoint_none", f"Run {run_id} has no checkpoint of its start.", run=run_id)


def _registered(config: TrainConfig) -> str:
    return _REGISTERED.format(sample="held_out = for_sample(held_out, config)\n" if config.early_stopping else "")


def _uploaded(store: Queries, config: TrainConfig) -> str:
    text = store.text(config.corpus)
    if text is None:
        raise CorpusError(
            "corpus_text_gone",
            f"The uploaded text {config.corpus!r} is no longer on this machine. Upload it again.",
            name=config.corpus,
        )
    prepared = corpora.prepare(text, config.preprocessing, config.num_chars)
    source = _UPLOADED.format(lines=_literal(prepared.train))
    if config.early_stopping:
        source += _HELD_OUT.format(lines=_literal(for_sample(prepared.held_out, config)))
    return source


def _literal(text: str, width: int = 80) -> str:
    return "\n".join(f"    {text[start : start + width]!r}" for start in range(0, len(text), width))


def _title(text: str) -> str:
    """Return `text` on one line, without the characters that could end a docstring."""
    return one_line(text).replace("\\", "/").replace('"', "'")
