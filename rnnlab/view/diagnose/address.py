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
        "topic": Parameter("what is asked; without it what suits the run", read=one_of(TOPICS)),
        "run": Parameter("the run that is examined; without one the page chooses", read=stored_run),
        "recording": Parameter("the recorded run that is examined", read=_recording),
        "epoch": Parameter("the checkpoint; without it the newest", read=whole(0, 10_000_000)),
        "beside": Parameter("the run or recording beside which its gradients are set; without it one of two layers"),
    }
)
