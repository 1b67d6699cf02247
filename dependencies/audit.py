"""Known vulnerabilities of the packages in the lock.

    python -m dependencies.audit   # or: make audit

It asks an advisory database over the network. Where that does not answer, the command says that nothing was checked,
and succeeds: it is a question, and no test of the project. The exit code is 1 if a vulnerability is known.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from dependencies.lock import LOCK, ROOT

NOTHING = "The advisory database does not answer from here: nothing was checked."


def verdict(output: str) -> tuple[str, int]:
    """Return the verdict on the output of pip-audit as text, and the exit code."""
    try:
        report: dict[str, Any] = json.loads(output)
        listed = report["dependencies"]
    except (ValueError, KeyError, TypeError):
        return NOTHING, 0
    skipped = [package for package in listed if "skip_reason" in package]
    found = [(package, known) for package in listed for known in package.get("vulns", ())]
    if len(skipped) == len(listed):
        return NOTHING, 0
    lines = [
        f"{package['name']} {package['version']}: {known['id']}"
        + (f", mended in {', '.join(known['fix_versions'])}" if known.get("fix_versions") else "")
        for package, known in found
    ]
    checked = f"{len(listed) - len(skipped)} of {len(listed)} packages were checked"
    lines.append(f"{checked}; {len(found)} known vulnerabilities." if found else f"{checked}; no known vulnerability.")
    if skipped:
        lines.append(f"Not checked: {', '.join(sorted(str(package['name']) for package in skipped))}.")
    return "\n".join(lines), 1 if found else 0


def main() -> int:
    """Print the verdict; return the exit code."""
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", LOCK.name, "--no-deps", "--disable-pip", "--format", "json",
        "--progress-spinner", "off",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said, code = verdict(done.stdout)
    print(said)
    if not done.stdout.strip() and done.stderr.strip():
        print(done.stderr.strip().splitlines()[-1])
    return code


if __name__ == "__main__":
    sys.exit(main())
