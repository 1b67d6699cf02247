"""The settings of a process that come from environment variables.

They are read once, where a process starts (the shell, the server of the pages, the supervisor), and passed on as an
`Environment`; a test checks that no other module reads them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ENGINES = ("fork", "spawn")
PROFILES = ("alone", "class")


@dataclass(frozen=True)
class Environment:
    """Where a process keeps its files, and how it runs other processes.

    Attributes:
        home: the folder of all data: runs, checkpoints, downloaded texts (``RNNLAB_HOME``).
        data: another folder that holds the book's texts, which is only read (``RNNLAB_DATA``).
        engine: how workers are started, "fork" or "spawn"; empty: as is best on this system (``RNNLAB_ENGINE``).
        tcp: let clients connect to the supervisor by TCP instead of a Unix socket (``RNNLAB_TRANSPORT=tcp``).
        processor_clock: measure the seconds of a training in processor time (``RNNLAB_CLOCK=processor``).
        profile: "alone" for a single user or "class" for separate visitors; empty: decided for each request, see
            `rnnlab.view.page.visitor` (``RNNLAB_PROFILE``).
        teacher_key: the key for signing in as a teacher; empty: a generated key (``RNNLAB_TEACHER_KEY``).
        teachers: e-mail addresses that `st.login` recognises as teachers (``RNNLAB_TEACHERS``, with commas).
        hosts: host names that are allowed besides the names of the machine and IP addresses; "*" allows all
            (``RNNLAB_HOSTS``, with commas).
        cluster: address of the scheduler of a cluster on which runs train, ``tls://HOST:PORT``; empty: they train on
            this machine (``RNNLAB_CLUSTER``).
        tls: the folder with the certificates of the cluster (``RNNLAB_TLS``).
    """

    home: Path
    data: Path | None = None
    engine: str = ""
    tcp: bool = False
    processor_clock: bool = False
    profile: str = ""
    teacher_key: str = ""
    teachers: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    cluster: str = ""
    tls: Path | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Environment:
        """Return the settings that the variables `environ` hold, by default those of this process."""
        data, engine = environ.get("RNNLAB_DATA"), environ.get("RNNLAB_ENGINE", "")
        return cls(
            home=_home(environ),
            data=Path(data).expanduser() if data else None,
            engine=engine if engine in ENGINES else "",
            tcp=environ.get("RNNLAB_TRANSPORT") == "tcp",
            processor_clock=environ.get("RNNLAB_CLOCK") == "processor",
            profile=profile if (profile := environ.get("RNNLAB_PROFILE", "")) in PROFILES else "",
            teacher_key=environ.get("RNNLAB_TEACHER_KEY", ""),
            teachers=_listed(environ.get("RNNLAB_TEACHERS", "")),
            hosts=_listed(environ.get("RNNLAB_HOSTS", "")),
            cluster=environ.get("RNNLAB_CLUSTER", ""),
            tls=Path(tls).expanduser().absolute() if (tls := environ.get("RNNLAB_TLS")) else None,
        )

    @property
    def corpus_folder(self) -> Path:
        """Return the folder where downloaded texts are kept."""
        return self.home / "corpora"

    @property
    def corpus_folders(self) -> tuple[Path, ...]:
        """Return the folders where the book's texts may lie, in the order in which they are searched."""
        return (self.corpus_folder,) if self.data is None else (self.data, self.corpus_folder)

    def variables(self) -> dict[str, str]:
        """Return the variables that give the supervisor these settings; settings at their defaults are omitted."""
        variables = {"RNNLAB_HOME": str(self.home)}
        if self.data is not None:
            variables["RNNLAB_DATA"] = str(self.data)
        if self.engine:
            variables["RNNLAB_ENGINE"] = self.engine
        if self.tcp:
            variables["RNNLAB_TRANSPORT"] = "tcp"
        if self.processor_clock:
            variables["RNNLAB_CLOCK"] = "processor"
        if self.profile:
            variables["RNNLAB_PROFILE"] = self.profile
        if self.cluster:
            variables["RNNLAB_CLUSTER"] = self.cluster
        if self.tls is not None:
            variables["RNNLAB_TLS"] = str(self.tls)
        return variables


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def _home(environ: Mapping[str, str]) -> Path:
    named = environ.get("RNNLAB_HOME")
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("rnnlab", appauthor=False))
