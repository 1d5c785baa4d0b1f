"""The command lines on a terminal: raw mode, window size, detach keys, interrupts."""

import termios

from harness import wait
from harness.image import IMAGE


def test_run_it(cli):
    with cli.terminal("run", "-it", "--rm", IMAGE, "sh", rows=33, columns=111) as terminal:
        terminal.expect("# ")
        terminal.type("stty size; tty; echo $TERM\n")
        terminal.expect("33 111")
        terminal.expect("/dev/")
        terminal.expect("xterm")
        terminal.type("exit 5\n")
        assert terminal.finish()[0] == 5


def test_window_size_follows(cli):
    with cli.terminal("run", "-it", "--rm", IMAGE, "sh") as terminal:
        terminal.expect("# ")

        def resized():
            # The stock client begins to listen for SIGWINCH some time after the start: one that it
            # missed would not come again by itself, and none comes without a change.
            terminal.resize(43, 98)
            terminal.resize(44, 99)
            terminal.type("stty size\n")
            return "44 99" in terminal.expect("# ")

        wait.until(resized, "the new size inside", pause=0.1)
        terminal.type("exit\n")
        terminal.finish()


def test_keyboard_interrupt_goes_to_the_container(cli):
    with cli.terminal("run", "-it", "--rm", IMAGE, "sh", "-c", "trap 'echo caught; exit 6' INT; echo up; while :; do sleep 0.05; done") as terminal:
        terminal.expect("up")
        terminal.type("\x03")
        terminal.expect("caught")
        assert terminal.finish()[0] == 6


def test_detach_and_attach(cli):
    with cli.terminal("run", "-it", "--name", "kept", IMAGE, "sh") as terminal:
        terminal.expect("# ")
        terminal.type("\x10\x11")
        assert terminal.finish()[0] == 0
    assert cli.out("inspect", "-f", "{{.State.Running}}", "kept") == "true"
    with cli.terminal("attach", "kept") as terminal:
        terminal.type("echo again-$((1+1))\n")
        terminal.expect("again-2")
        terminal.type("exit 7\n")
        assert terminal.finish()[0] == 7


def test_own_detach_keys(cli):
    with cli.terminal("run", "-it", "--detach-keys", "ctrl-x,x", "--name", "kept", IMAGE, "sh") as terminal:
        terminal.expect("# ")
        terminal.type("\x18x")
        assert terminal.finish()[0] == 0
    assert cli.out("inspect", "-f", "{{.State.Running}}", "kept") == "true"


def test_exec_it(cli):
    cli.out("run", "-d", "--name", "box", IMAGE, "/bin/probe", "wait")
    with cli.terminal("exec", "-it", "box", "sh", rows=20, columns=70) as terminal:
        terminal.expect("# ")

        def size():
            terminal.type("stty size\n")
            return "20 70" in terminal.expect("# ")

        wait.until(size, "the size inside", pause=0.1)
        terminal.type("exit 8\n")
        assert terminal.finish()[0] == 8


def test_start_ai(cli):
    cli.out("create", "-it", "--name", "box", IMAGE, "sh")
    with cli.terminal("start", "-ai", "box") as terminal:
        terminal.type("echo here-$((2+3))\n")
        terminal.expect("here-5")
        terminal.type("exit 3\n")
        assert terminal.finish()[0] == 3


def test_tty_without_a_terminal_is_refused(cli):
    result = cli("run", "-it", "--rm", IMAGE, "true")
    assert result.code == 1
    assert "the input device is not a TTY" in result.err


def test_terminal_is_restored(cli):
    with cli.terminal("run", "-it", "--rm", IMAGE, "sh") as terminal:
        before = termios.tcgetattr(terminal.fd)
        terminal.expect("# ")
        assert termios.tcgetattr(terminal.fd)[3] & termios.ECHO == 0
        terminal.type("exit\n")
        terminal.finish()
        after = termios.tcgetattr(terminal.fd)
        assert before[:4] == after[:4] or after[3] & termios.ECHO
