"""Runs a command and ends its whole process group when standard input closes.

For programs that do not watch their standard input themselves. Usage: tied.py COMMAND ARGUMENT…
"""

import os
import signal
import subprocess
import sys
import threading


def end_with_caller(process: subprocess.Popen) -> None:
    """Waits until the caller's end of standard input closes, then ends the command and this process group."""
    sys.stdin.buffer.read()
    # The command gets 3 s to end the processes that it started in other process groups.
    process.terminate()
    try:
        process.wait(3.0)
    except subprocess.TimeoutExpired:
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Runs the command and exits with its status."""
    # Its own process group: an interrupt at the terminal reaches only the caller, which then stops this process.
    os.setpgid(0, 0)
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=end_with_caller, args=(process,), daemon=True).start()
    sys.exit(process.wait())


if __name__ == "__main__":
    main()
