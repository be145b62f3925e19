"""Runs a command until it ends or standard input closes; then the command's whole process group ends.

For programs that do not watch their standard input themselves. usage: tied.py COMMAND ARGUMENT…
"""

import os
import signal
import subprocess
import sys
import threading


def end_group() -> None:
    """Blocks until the caller's end of standard input closes, then ends this process group."""
    sys.stdin.buffer.read()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    threading.Event().wait(1.0)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Runs the command."""
    # A group of its own: an interrupt at the terminal reaches the caller, which stops this in order.
    os.setpgid(0, 0)
    threading.Thread(target=end_group, daemon=True).start()
    sys.exit(subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, check=False).returncode)


if __name__ == "__main__":
    main()
