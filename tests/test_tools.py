"""The checkers themselves: what is wrong in a small tree is found, what is right is not."""

import os
import shutil
import subprocess

import pytest

TOOLS = os.path.join(os.path.dirname(__file__), "..", "tools")


class Tree:
    """A miniature of the project."""

    def __init__(self, root):
        self.root = root
        self.write("cmake/ranks.txt", "# comment\n0 base\n1 sys\n1 spec\n3 store\n5 engine\n")
        for folder in ("base", "sys", "spec", "store", "engine"):
            self.write(f"src/{folder}/README.md", f"# {folder}\n")
            self.write(f"src/{folder}/{folder}.h", "#pragma once\n")
        self.write("src/store/impl/inner.h", "#pragma once\n")

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def run(self, tool):
        return subprocess.run(
            ["/usr/bin/python3", os.path.join(TOOLS, tool), "--root", str(self.root)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_includes_of_a_right_tree(tree):
    tree.write("src/engine/x.cc", '#include "engine/engine.h"\n#include <vector>\n#include "store/store.h"\n')
    tree.write("src/store/y.cc", '#include <sqlite3.h>\n#include "store/impl/inner.h"\n#include "base/base.h"\n')
    result = tree.run("check-includes")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    "path,line,text",
    [
        ("src/base/x.cc", '#include "engine/engine.h"', "may not include engine"),
        ("src/sys/x.cc", '#include "spec/spec.h"', "may not include spec"),
        ("src/engine/x.cc", '#include "store/impl/inner.h"', "is private to store"),
        ("src/engine/x.cc", '#include "engine.h"', "does not exist under src"),
        ("src/engine/x.cc", '#include "../store/store.h"', "does not exist under src"),
        ("src/engine/x.cc", "#include <iostream>", "is banned"),
        ("src/engine/x.cc", "  #  include <regex>", "is banned"),
        ("src/engine/x.cc", "#include <boost/json.hpp>", "may be included only by"),
        ("src/engine/x.cc", "#include <boost/beast/http.hpp>", "may be included only by"),
        ("src/engine/x.cc", "#include <sqlite3.h>", "may be included only by"),
        ("src/engine/x.h", "#include <gtest/gtest.h>", "may be included only by"),
        ("src/unknown/x.cc", "", "is not in cmake/ranks.txt"),
    ],
)
def test_wrong_includes(tree, path, line, text):
    tree.write(path, line + "\n")
    result = tree.run("check-includes")
    assert result.returncode == 1
    assert result.stdout.startswith(path + ":1: ") and text in result.stdout


def test_lint_of_a_right_tree(tree):
    tree.write("src/base/x.cc", "// TODO(#12): later\nvoid f() {\n}\n")
    tree.write("docs/page.md", "See `base/base.h`, `src/sys/sys.h` and [ranks](../cmake/ranks.txt).\n")
    result = tree.run("lint")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    "path,content,text",
    [
        ("src/base/x.cc", "// TODO: later\n", "a bare TODO"),
        ("src/base/x.cc", "// FIXME\n", "a bare FIXME"),
        ("src/base/x.cc", "//\n" * 601, "601 lines, at most 600"),
        ("src/base/x.h", "//\n" * 251, "251 lines, at most 250"),
        ("src/base/x.cc", "int f() {\n" + "    g();\n" * 61 + "}\n", "a function of 61 lines"),
        ("src/base/util.h", "\n", "nothing is named util"),
        ("docs/page.md", "See `src/base/nosuch.h`.\n", "cites src/base/nosuch.h"),
        ("docs/page.md", "See [it](nosuch.md).\n", "cites nosuch.md"),
    ],
)
def test_lint_finds(tree, path, content, text):
    tree.write(path, content)
    result = tree.run("lint")
    assert result.returncode == 1 and text in result.stdout, result.stdout


def test_lint_wants_a_readme(tree):
    os.remove(os.path.join(tree.root, "src/base/README.md"))
    assert "src/base: has no README.md" in tree.run("lint").stdout


def test_lint_lets_tables_be_long(tree):
    tree.write("src/base/x.cc", "// lint: table\n" + "//\n" * 700)
    assert tree.run("lint").returncode == 0


@pytest.mark.skipif(shutil.which("clang-format-19") is None, reason="clang-format-19 is missing")
def test_lint_checks_the_format(tree):
    tree.write(".clang-format", "BasedOnStyle: Google\nIndentWidth: 4\n")
    tree.write("src/base/x.cc", "int   f( );\n")
    assert "src/base/x.cc:1: not formatted" in tree.run("lint").stdout


def test_sandbox_is_one(tmp_path):
    script = "ip -o link | wc -l; mount -t tmpfs tmpfs " + str(tmp_path) + "; touch " + str(tmp_path) + "/x"
    result = subprocess.run(
        [os.path.join(TOOLS, "sandbox"), "sh", "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout == "1\n"
    assert list(tmp_path.iterdir()) == []
