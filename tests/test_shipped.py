"""Everything that is shipped does what it says: protocols, commands, README blocks, documentation, dependencies."""

from __future__ import annotations

import ast
import importlib.util
import re
import resource
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bindfe import errors
from bindfe.cli import app
from bindfe.errors import BindfeError
from bindfe.protocol import Protocol, dump_protocol, load_protocol, parse_protocol
from bindfe.states import LegKind

ROOT = Path(__file__).resolve().parent.parent
PROTOCOLS = sorted((ROOT / "protocols").glob("*.yaml"))
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(command: object = app, name: str = "") -> list[str]:
    """Every command of the command line by its words, groups left out."""
    command = typer.main.get_command(command) if isinstance(command, typer.Typer) else command
    inner = getattr(command, "commands", {})
    return [word for key, each in inner.items() for word in commands(each, f"{name} {key}".strip())] or [name]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def shipped_files() -> list[Path]:
    """What a clone of the repository holds."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def bindfe(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, as the entry point calls it."""
    code = f"import sys; sys.argv = ['bindfe', *{arguments!r}]; from bindfe.cli import main; main()"
    return python(code)


# Protocols and examples


def load_shipped(path: Path) -> Protocol:
    """A protocol; the test is skipped where it names public data that are not here."""
    try:
        return load_protocol(path)
    except BindfeError as error:
        if "bindfe fetch" in str(error):
            pytest.skip(str(error))
        raise


@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda path: path.name)
def test_a_shipped_protocol_loads_and_survives_being_written(path: Path) -> None:
    protocol = load_shipped(path)
    again = parse_protocol(dump_protocol(protocol))
    assert again == protocol
    assert again.fingerprint() == protocol.fingerprint()
    for kind in protocol.leg_kinds:
        assert kind is LegKind.PATH or protocol.schedule_of(kind).n_states >= 2
    assert protocol.repeats.number >= 2


@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda path: path.name)
def test_the_inputs_of_a_shipped_protocol_are_shipped(path: Path) -> None:
    protocol, text = load_shipped(path), path.read_text(encoding="utf-8")
    shipped = shipped_files()
    for file in (protocol.receptor.file, protocol.ligands.file, protocol.catalysts and protocol.catalysts.file):
        fetched = "$BINDFE_DATA/" in text and "bindfe fetch" in text
        assert not file or Path(file) in shipped or fetched or _is_made_as_the_protocol_says(Path(file), text)


def _is_made_as_the_protocol_says(file: Path, text: str) -> bool:
    """Whether a script beside the file makes it, and the protocol names the command."""
    script = file.with_name("build.py")
    return script in shipped_files() and f"python {script.relative_to(ROOT)}" in text


def test_the_quickstart_the_smoke_test_and_the_exact_model_are_among_the_protocols() -> None:
    assert {"quickstart.yaml", "smoke.yaml", "harmonic.yaml"} <= {path.name for path in PROTOCOLS}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_short_and_uses_public_names_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40
    imported = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    assert all(node.module == "bindfe" or not str(node.module).startswith("bindfe") for node in imported)


# Pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_is_valid_in_its_language(page: Path) -> None:
    for block in blocks(page, "python"):
        ast.parse(block)
    for block in blocks(page, "yaml"):
        parse_protocol(block, source=page.name)
    for block in blocks(page, "bash"):
        checked = subprocess.run(["bash", "-n", "-c", block], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


def test_readme_has_one_command_to_run_and_one_to_test_and_names_no_registry() -> None:
    commands = blocks(ROOT / "README.md", "bash")
    assert len(commands) == 2
    assert commands[0].rstrip().endswith("bindfe run protocols/quickstart.yaml")
    assert commands[1].rstrip().endswith('pytest -n 2 -m "not gpu and not heavy"')
    assert all("-c constraints.txt" in command and "://" not in command for command in commands)


def test_every_command_that_readme_names_exists_and_every_command_is_named() -> None:
    named = re.findall(r"^\| `bindfe ([a-z]+(?: [a-z]+)?)", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert sorted(named) == sorted(commands())


@pytest.mark.parametrize("page", ["README.md", "docs/errors-and-exit-codes.md"])
def test_the_exit_codes_that_are_documented_are_those_of_the_exceptions(page: str) -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", (ROOT / page).read_text(), flags=re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BindfeError)]
    assert documented == {0, 130} | {kind.exit_code for kind in kinds}
    for kind in kinds:
        row = rf"^\| {kind.exit_code} \| `{kind.__name__}`"
        assert page == "README.md" or kind is BindfeError or re.search(row, (ROOT / page).read_text(), re.MULTILINE)


def test_the_protocol_reference_is_what_the_models_say() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.PAGE.read_text(encoding="utf-8") == generate.page(), "run: python docs/generate.py"


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_of_the_documentation_is_in_its_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:")[2]
    assert set(re.findall(r"[\w-]+\.md", navigation)) == {page.name for page in (ROOT / "docs").glob("*.md")}


# The command line and the import


@pytest.mark.parametrize("command", ["", *commands()])
def test_every_command_explains_itself(command: str) -> None:
    shown = bindfe(*command.split(), "--help")
    assert shown.returncode == 0, shown.stderr
    assert "Usage: bindfe" in re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout)


def test_help_takes_less_than_half_a_second_of_processor_time() -> None:
    """Processor time of the whole process, Python's own start included: the wall clock would time the neighbours."""

    def spent() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert bindfe("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)

    spent()  # compiles and caches
    assert statistics.median(spent() for _ in range(3)) < 0.5


def test_version_is_the_packages() -> None:
    import bindfe as package

    assert bindfe("--version").stdout.split() == ["bindfe", package.__version__]


@pytest.mark.parametrize(
    "code", ["import bindfe", "import bindfe.results, bindfe.protocol, bindfe.store", "import bindfe.cli"]
)
def test_imports_that_everybody_pays_for_pull_nothing_heavy(code: str) -> None:
    heavy = ("openmm", "openmmtools", "torch", "torchani", "rdkit", "openff", "pymbar", "matplotlib", "scipy.stats")
    found = python(f"{code}; import sys; print(*[name for name in {heavy!r} if name in sys.modules])")
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == []


def test_every_public_name_can_be_imported() -> None:
    import bindfe as package

    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'absent'"):
        _ = package.absent


# The repository


def test_no_file_is_larger_than_a_megabyte() -> None:
    assert [path for path in shipped_files() if path.stat().st_size > 1_000_000] == []


def test_every_dependency_has_a_tested_version_that_its_bounds_allow() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    for requirement in map(Requirement, wanted):
        if requirement.name != "bindfe":
            assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)], prereleases=True)


def test_types_and_data_are_shipped() -> None:
    assert (ROOT / "bindfe" / "py.typed").is_file()
    assert list((ROOT / "bindfe" / "report").glob("*.html"))


def test_ci_runs_the_very_command_of_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    found = re.search(r"command=\$\((awk .*? README\.md)\)", script)
    assert found is not None
    printed = subprocess.run(["bash", "-c", found.group(1)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout == blocks(ROOT / "README.md", "bash")[1]
