"""The parameters of the address of the Diagnose page."""

from __future__ import annotations

from rnnlab.view.data import recorded
from rnnlab.view.page.address import Address, Parameter, one_of, stored_run, whole

TOPICS = {
    "layers": ":material/layers:",
    "directions": ":material/swap_horiz:",
    "clipping": ":material/content_cut:",
    "overfitting": ":material/psychology:",
}
"""The topics and their icons."""


def _recording(text: str) -> str:
    return recorded.ask(text).name


ADDRESS = Address(
    {
        "topic": Parameter("the topic; without it a topic that suits the run", read=one_of(TOPICS)),
        "run": Parameter("the examined run; without it the page chooses", read=stored_run),
        "recording": Parameter("the examined recording", read=_recording),
        "epoch": Parameter("the checkpoint; without it the newest", read=whole(0, 10_000_000)),
        "beside": Parameter("the run or recording to compare gradients with; without it one of two layers"),
    }
)
