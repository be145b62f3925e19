"""Runs a command until it ends or standard input closes; then the command's whole process group ends.

For programs that do not watch their standard input themselves. usage: tied.py COMMAND ARGUMENT…
"""

import os
import signal
import subprocess
import sys
import threading


def end_with_caller(process: subprocess.Popen) -> None:
    """Blocks until the caller's end of standard input closes, then ends the command and this process group."""
    sys.stdin.buffer.read()
    # The command gets a moment to end what it started in groups of its own.
    process.terminate()
    try:
        process.wait(3.0)
    except subprocess.TimeoutExpired:
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Runs the command."""
    # A group of its own: an interrupt at the terminal reaches the caller, which stops this in order.
    os.setpgid(0, 0)
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=end_with_caller, args=(process,), daemon=True).start()
    sys.exit(process.wait())


if __name__ == "__main__":
    main()
