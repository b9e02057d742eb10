"""``python -m flambeau script.py [arguments]``: runs a script written for PyTorch, with ``torch`` meaning flambeau.

Also ``-m module [arguments]``, ``-c code [arguments]`` and ``-`` for a script on standard input.
"""

from __future__ import annotations

import os
import runpy
import sys
import types

from flambeau import torch_alias

USAGE = """\
usage: python -m flambeau [-h] [--version] (script.py | -m module | -c code | -) [arguments ...]

Runs a Python program in which `torch` and everything below it mean flambeau, and `torchvision` flambeau.vision.
"""


def _run_code(source: str, name: str) -> None:
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = main
    exec(compile(source, name, "exec"), main.__dict__)


def _run_file(path: str) -> None:
    """Runs a file as the interpreter does: in a ``__main__`` that stays, so that what it defines can be pickled."""
    path = os.path.abspath(path)
    with open(path, "rb") as file:
        source = file.read()
    main = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=__builtins__, __file__=path, __cached__=None)
    sys.modules["__main__"] = main
    exec(compile(source, path, "exec"), main.__dict__)


def main(arguments: list[str]) -> int:
    """Runs what the command line says; returns the exit status for a wrong one."""
    if not arguments:
        sys.stderr.write(USAGE)
        return 2
    first, *rest = arguments
    if first in ("-h", "--help"):
        sys.stdout.write(USAGE)
        return 0
    if first in ("-V", "--version"):
        from flambeau.version import __version__

        print(f"flambeau {__version__}")
        return 0
    if first in ("-m", "-c"):
        if not rest:
            sys.stderr.write(f"Argument expected for the {first} option\n{USAGE}")
            return 2
        target, *rest = rest
    elif first.startswith("-") and first != "-":
        sys.stderr.write(f"unknown option {first}\n{USAGE}")
        return 2
    torch_alias.install()
    if first == "-m":
        sys.argv = [target, *rest]
        sys.path[0] = os.getcwd()
        runpy.run_module(target, run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv = ["-c", *rest]
        sys.path[0] = ""
        _run_code(target, "<string>")
    elif first == "-":
        sys.argv = ["-", *rest]
        sys.path[0] = ""
        _run_code(sys.stdin.read(), "<stdin>")
    else:
        sys.argv = [first, *rest]
        if os.path.isdir(first) or first.endswith((".zip", ".pyz")):
            sys.path[0] = first
            runpy.run_path(first, run_name="__main__")
        elif not os.path.exists(first):
            sys.stderr.write(f"can't open file {os.path.abspath(first)!r}: [Errno 2] No such file or directory\n")
            return 2
        else:
            sys.path[0] = os.path.dirname(os.path.abspath(first))
            _run_file(first)
    return 0


def _without_our_frames(kind, error, traceback) -> None:
    """Shows a traceback from where the program begins, as the interpreter would."""
    own = os.path.dirname(os.path.abspath(__file__))
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if os.path.abspath(file) != os.path.join(own, "__main__.py") and "runpy" not in file:
            break
        traceback = traceback.tb_next
    sys.__excepthook__(kind, error.with_traceback(traceback), traceback)


if __name__ == "__main__":
    sys.excepthook = _without_our_frames
    status = main(sys.argv[1:])
    if status:
        sys.exit(status)
