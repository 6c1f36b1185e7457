"""A skipped test fails where CI=true, however it is skipped, and is told; elsewhere not. And files have an order."""

from __future__ import annotations

from pathlib import Path

import pytest

SKIPPING = {
    "marked": "@pytest.mark.skip(reason='why not')\ndef test(): pass",
    "if": "@pytest.mark.skipif(True, reason='why not')\ndef test(): pass",
    "inside": "def test(): pytest.skip('why not')",
    "fixture": "@pytest.fixture\ndef thing(): pytest.skip('why not')\ndef test(thing): pass",
    "module": "pytest.skip('why not', allow_module_level=True)",
}


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """An empty suite under this suite's own conftest, with no plugin but that whose hook it has."""
    pytester.makeini("[pytest]\naddopts = --disable-plugin-autoload -p xdist")
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text(encoding="utf-8"))
    return pytester


@pytest.mark.parametrize("way", SKIPPING)
def test_a_skip_fails_in_ci(way: str, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    suite.makepyfile(test_it=f"import pytest\n{SKIPPING[way]}")
    result = suite.runpytest()
    assert result.ret != 0
    result.stdout.fnmatch_lines("*test_it.py* was skipped, and CI=true: *why not*")


@pytest.mark.parametrize("way", SKIPPING)
def test_a_skip_passes_elsewhere(way: str, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    suite.makepyfile(test_it=f"import pytest\n{SKIPPING[way]}")
    suite.runpytest().assert_outcomes(skipped=1)


def test_other_outcomes_stay_in_ci(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    suite.makepyfile(
        "import pytest",
        "def test_good(): pass",
        "def test_bad(): assert False",
        "@pytest.mark.xfail(strict=True)\ndef test_known(): assert False",
    )
    suite.runpytest().assert_outcomes(passed=1, failed=1, xfailed=1)


def test_files_of_folders_come_first_by_their_own_names(suite: pytest.Pytester) -> None:
    names = ("test_a", "one/test_b", "one/test_d", "two/test_c", "two/test_e", "test_f")
    suite.makepyfile(**dict.fromkeys(names, "def test(): pass"))
    told = suite.runpytest("--collect-only", "-q", "test_f.py", "one", "test_a.py", "two").outlines
    files = [line.partition(".py::")[0] for line in told if "::" in line]
    assert files == ["one/test_b", "two/test_c", "one/test_d", "two/test_e", "test_f", "test_a"]
