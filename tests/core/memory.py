"""The memory a process has used at most."""

import resource
import sys
from pathlib import Path


def peak_megabytes() -> float:
    """Of this program alone: getrusage would count what its parent used when it started us."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
