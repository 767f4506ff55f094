"""`python -m bindfe` is the command line."""

import subprocess
import sys

import bindfe


def test_the_module_runs_the_command_line_and_hands_its_exit_code_on() -> None:
    command = [sys.executable, "-m", "bindfe"]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout == f"bindfe {bindfe.__version__}\n"
    wrong = subprocess.run([*command, "run", "no-such-protocol.yaml"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 3
    assert "no-such-protocol.yaml" in wrong.stderr
