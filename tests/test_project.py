"""The project against itself: layers, registries, sizes, and what the documents say against what the code does."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from package_trees import FILES, PACKAGE, ROOT, parse, walk

from statecheck import __version__, experiments
from statecheck.__main__ import main
from statecheck.cli import commands
from statecheck.errors import ExitCode
from statecheck.judge import causes, checks
from statecheck.options import config
from statecheck.report import FORMATS
from statecheck.scenarios import bundled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_LINES = 320
# Modules that may be longer, each with its reason. One that is not longer any more must go.
LONGER = {
    "statecheck.probe.frameworks": "one table: a second file would be a second place for what is known of a framework",
    "statecheck.source.handlers.flow": "one walk: statements, expressions and calls ask each other, so a cut opens it",
    "statecheck.lab.driver": "one class: a step takes a turn, and a turn what all steps have left",
}

# Lowest first. A module imports from layers below its own and from its own package, never sideways or upward; a name
# stands for all modules below it.
LAYERS = (
    ("statecheck.probe",),  # what runs in the target's processes
    ("statecheck.credentials",),  # how they look, and what stands for them
    ("statecheck.steps", "statecheck.so_far"),  # what experiments are made of, and by what they apply
    ("statecheck.guards",),
    (
        "statecheck",
        "statecheck.errors",
        "statecheck.experiments",
        "statecheck.history",
        "statecheck.model",
    ),
    ("statecheck.version",),
    ("statecheck.source.code",),  # what the user's Python says
    ("statecheck.source", "statecheck.source.field_evidence"),
    ("statecheck.source.fields",),
    ("statecheck.source.weights",),
    ("statecheck.source.roles",),
    ("statecheck.source.project",),  # what the project's other files say
    ("statecheck.source.json_schema", "statecheck.source.pattern_texts"),
    ("statecheck.source.schema_checks",),
    ("statecheck.source.schema_samples",),
    ("statecheck.source.openapi",),
    ("statecheck.source.handlers",),  # what a server takes
    ("statecheck.source.clients",),  # what its clients send
    ("statecheck.target",),  # what is diagnosed
    ("statecheck.talk",),  # how a client talks to it
    ("statecheck.options",),
    ("statecheck.kept",),
    ("statecheck.judge.conversation",),  # what a history says of each turn
    ("statecheck.judge.checks",),  # judge it
    ("statecheck.judge.evidence.answer_caches", "statecheck.judge.evidence.lines"),
    ("statecheck.judge.evidence.services", "statecheck.judge.evidence.whereabouts"),
    ("statecheck.judge.evidence.intent",),  # what is meant to be kept
    ("statecheck.lab",),  # run it, record ops; asks these only what later experiments hang on
    ("statecheck.judge",),  # name the cause
    ("statecheck.doctor",),
    ("statecheck.diagnose",),
    ("statecheck.scenarios",),
    ("statecheck.report",),
    ("statecheck.cli",),
    ("statecheck.__main__",),
)
# What the probe may import besides the standard library and itself: the server that the target's own environment has.
PROBE_MAY_IMPORT = {
    "statecheck.probe.adapters.aiohttp": {"aiohttp"},
    "statecheck.probe.adapters.asgi": {"uvicorn"},
    "statecheck.probe.adapters.chainlit": {"chainlit", "socketio"},
    "statecheck.probe.adapters.gradio": {"fastapi", "gradio", "httpx"},
    "statecheck.probe.adapters.site": {"uvicorn"},
    "statecheck.probe.adapters.streamlit": {"streamlit"},
    "statecheck.probe.adapters.streamlit_harness": {"streamlit"},
    "statecheck.probe.adapters.django": {"django"},
    "statecheck.probe.adapters.sanic": {"sanic"},
    "statecheck.probe.adapters.tornado": {"tornado"},
    "statecheck.probe.adapters.wsgi": {"waitress"},
    "statecheck.probe.checkup": {"llama_index"},
}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_name(path): path for path in FILES}


def _types_only(tree: ast.Module) -> set[ast.AST]:
    """All nodes below an `if TYPE_CHECKING:`."""
    guarded = [node for node in walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return {inner for guard in guarded for statement in guard.body for inner in ast.walk(statement)}


def _imports(name: str, *, types: bool) -> Iterator[str]:
    """Absolute names of the modules that a module imports, early or late."""
    skipped = set() if types else _types_only(parse(MODULES[name]))
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in walk(parse(MODULES[name])):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base


def _layer(name: str) -> tuple[int, str]:
    """The layer of a module, and the name in the table that stands for it: the longest that fits."""
    fitting = [
        (number, entry)
        for number, layer in enumerate(LAYERS)
        for entry in layer
        if name == entry or (name.startswith(f"{entry}.") and entry != "statecheck")
    ]
    assert fitting, f"{name} is in no layer: add it to LAYERS"
    return max(fitting, key=lambda found: len(found[1]))


def test_imports_run_only_downward() -> None:
    """Those for types alone too."""
    upward = []
    for name in MODULES:
        layer, entry = _layer(name)
        for imported in _imports(name, types=True):
            if imported.split(".")[0] == "statecheck":
                below, other = _layer(imported)
                if below >= layer and other != entry:
                    upward.append(f"{name} imports {imported}")

    assert upward == []


def test_no_imports_run_in_circles() -> None:
    """Not even those for types alone."""
    edges = {name: {*_imports(name, types=True)} & MODULES.keys() - {name} for name in MODULES}

    assert [name for name in MODULES if name in _reached(edges, name)] == []


def _reached(edges: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [*edges[start]]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += edges[name]
    return found


def test_the_layers_name_nothing_that_is_gone() -> None:
    assert [entry for layer in LAYERS for entry in layer if entry not in MODULES] == []


PROBE = [name for name in MODULES if name.startswith("statecheck.probe")]


def test_the_probe_imports_only_the_standard_library() -> None:
    allowed = {*sys.stdlib_module_names, "statecheck"}
    imported = {name: {module.split(".")[0] for module in _imports(name, types=False)} - allowed for name in PROBE}

    assert {name: roots for name, roots in imported.items() if not roots <= PROBE_MAY_IMPORT.get(name, set())} == {}


def test_the_probe_names_itself_by_relative_imports() -> None:
    """In a target's process it has another name."""
    absolute = {
        (name, module)
        for name in PROBE
        for node in walk(parse(MODULES[name]))
        if isinstance(node, ast.Import | ast.ImportFrom) and not getattr(node, "level", 0)
        for module in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    }

    assert {(name, module) for name, module in absolute if module.split(".")[0] == "statecheck"} == set()


def test_every_module_is_short() -> None:
    lengths = {name: len(path.read_text("utf-8").splitlines()) for name, path in MODULES.items()}

    assert {name: lines for name, lines in lengths.items() if lines >= MOST_LINES}.keys() == {*LONGER}


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, path in MODULES.items() if not ast.get_docstring(parse(path))] == []


def _loaded(code: str) -> set[str]:
    """Modules that a fresh interpreter has loaded after some code, but not before."""
    program = f"import sys; before = {{*sys.modules}}\n{code}\nprint(*({{*sys.modules}} - before), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stderr.split())


def test_importing_the_package_imports_nothing() -> None:
    assert _loaded("import statecheck") == {"statecheck"}


@pytest.mark.parametrize(
    ("words", "never"),
    [
        (["--version"], {"typer", "click", "rich", "re", "pathlib", "asyncio"}),
        (["list"], {"rich", "pydantic", "httpx", "llama_index", "statecheck.lab", "statecheck.source"}),
        (["explain", "SC102"], {"rich", "httpx", "llama_index", "statecheck.lab", "statecheck.source"}),
    ],
    ids=["version", "list", "explain"],
)
def test_quick_commands_import_little(words: list[str], never: set[str]) -> None:
    loaded = _loaded(f"from statecheck.__main__ import main\nmain({words})")

    assert loaded & never == set()


# ------------------------------------------------------------------------------------------------------ registries


def _with(package: str, *names: str) -> list[str]:
    """Modules right below a package that define these names, without its prefix."""
    found = [name for name in MODULES if name.rpartition(".")[0] == package]
    return [
        name.rpartition(".")[2]
        for name in found
        if all(hasattr(importlib.import_module(name), wanted) for wanted in names)
    ]


def test_every_cause_is_registered_and_asked() -> None:
    files = _with("statecheck.judge.causes", "CAUSE")
    asked = {question.ask.__module__ for cause in causes.CAUSES for question in cause.questions}

    assert sorted(cause.name.replace("-", "_") for cause in causes.CAUSES) == sorted(files)
    assert len({cause.code for cause in causes.CAUSES}) == len(causes.CAUSES)
    for file in files:
        module = importlib.import_module(f"statecheck.judge.causes.{file}")
        assert str(module.__doc__).startswith(f"{module.CAUSE.code} {module.CAUSE.name}: ")
        assert any(f"{one}.".startswith(f"{module.__name__}.") for one in asked), f"{file} is never asked"


def test_every_module_of_a_cause_is_used_by_it() -> None:
    for name, path in MODULES.items():
        package = name.rpartition(".")[0]
        if package.startswith("statecheck.judge.causes."):
            assert name in {*_imports(package, types=False)}, f"{path} is a part of no question"


def test_every_format_is_registered() -> None:
    assert sorted(FORMATS) == sorted(_with("statecheck.report", "render", "render_scenarios"))


def test_every_experiment_has_a_check() -> None:
    assert {*experiments.REPORTED} == {*checks.CHECKS}


def test_every_experiment_comes_after_those_that_it_waits_for() -> None:
    names = [experiment.name for experiment in experiments.EXPERIMENTS]

    assert len({*names}) == len(names)
    for position, experiment in enumerate(experiments.EXPERIMENTS):
        assert {*experiment.after} <= {*names[:position]}


def test_every_scenario_has_broken_and_fixed_apps() -> None:
    folders = sorted(
        path for path in (ROOT / "scenarios").iterdir() if path.is_dir() and (path / "scenario.toml").exists()
    )
    known = [bundled.load(name) for name in bundled.names()]

    assert [scenario.name for scenario in known] == [folder.name for folder in folders]
    shown = [one for s in known for one in (*([s] if s.broken else []), *s.variants)]
    apps = [app for one in shown for app in (*one.broken, *one.fixed)]
    assert all(one.broken and one.fixed and (one.kind or one.cause in one.expected) for one in shown)
    assert {app.path for app in apps} == set((ROOT / "scenarios").rglob("*.py")), "each is used, and each used exists"
    assert {cause for app in apps for cause in app.expected} <= {cause.name for cause in causes.CAUSES}


# ------------------------------------------------------------------------------------------------------- documents


def _document(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of a page, without its head."""
    section = _document(page).split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[2:]]


def _blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", _document(page), re.DOTALL)


def test_the_readme_lists_the_causes() -> None:
    assert [cause.code for cause in causes.CAUSES] == sorted(cause.code for cause in causes.CAUSES)
    assert _rows("README.md", "Causes") == [[cause.code, cause.name, cause.question] for cause in causes.CAUSES]


def test_a_page_names_every_experiment() -> None:
    page = "docs/how-it-works.md"

    assert [row[0] for row in _rows(page, "Experiments")] == list(experiments.REPORTED)
    assert [name for name in experiments.ASIDE if f"`{name}`" not in _document(page)] == []


def test_a_page_and_the_help_list_the_exit_codes() -> None:
    rows = _rows("docs/diagnose.md", "Exit codes")

    assert [int(row[0]) for row in rows] == [int(code) for code in ExitCode]
    assert [[row[0], row[1].partition(":")[0].replace("`", "")] for row in rows] == [
        [code, text.partition(":")[0]] for code, text in re.findall(r"^  (\d+) +(.*)$", commands._EPILOG, re.MULTILINE)
    ]


def test_the_pages_name_every_option_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert [main([command, "--help"]) for command in ("run", "diagnose", "analyze", "explain")] == [0] * 4
    helps = capsys.readouterr().out
    offered = {
        "--version",
        "--debug",
        "--install-completion",
        "--show-completion",
        *re.findall(r"--[a-z][a-z-]+", helps),
    }
    foreign = {"--workers", "--from"}  # uvicorn's and uvx's

    assert {*re.findall(r"--[a-z][a-z-]+", _document("docs/diagnose.md"))} == offered
    assert {*re.findall(r"--[a-z][a-z-]+", _document("README.md"))} - foreign <= offered


def test_the_configuration_on_the_page_is_accepted(tmp_path: Path) -> None:
    blocks = _blocks("docs/diagnose.md", "toml")
    for number, block in enumerate(blocks):
        file = tmp_path / f"{number}.toml"
        file.write_text(block)
        config.read(file)

    assert blocks


def test_links_between_the_documents_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks" / "README.md"]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
        if not (page.parent / link).exists()
    ]

    assert broken == []


def test_the_map_is_short_and_leads_to_what_is_there() -> None:
    text = _document("ARCHITECTURE.md")
    named = set(re.findall(r"`([a-z_]+/[a-z_/]*(?:\.py)?|[a-z_]+\.py)`", text)) - {"code/", "handlers/", "clients/"}
    named -= {"project/", "workers/", "services/", "environment/"}  # inside the wing whose row names them
    named -= {"frameworks.py", "ops.py"}  # likewise

    assert len(text.encode()) <= 15_000
    assert {name for name in named if not (ROOT / name).exists() and not (PACKAGE / name).exists()} == set()


def test_every_package_says_what_is_inside() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        assert len(said.split()) >= 8, path.relative_to(ROOT)


def test_the_changelog_has_this_version() -> None:
    headings = re.findall(r"^## (\S+)", _document("CHANGELOG.md"), re.MULTILINE)

    assert headings[headings[0] == "Unreleased"] == __version__


def test_the_documents_name_only_what_make_can_do() -> None:
    targets = set(re.findall(r"^([a-z-]+):", _document("Makefile"), re.MULTILINE))
    named = {
        target
        for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs/diagnose.md", ".ci/run")
        for target in re.findall(r"(?:^|[`$;] ?)make ([a-z-]+)", _document(name), re.MULTILINE)
    }

    assert named <= targets
    assert {"demo", "test", "lint"} <= named


def _own_files() -> list[Path]:
    """What git tracks or would track; in a source distribution, everything that is no environment or cache."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        paths = [
            path for path in ROOT.rglob("*") if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
        ]
    return [path for path in paths if path.is_file()]


# Put together here, so that this file does not name them.
_HOSTS = tuple(
    ".".join(words) for words in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org"))
)
_MACHINE = tuple(f"/{folder}/" for folder in ("work", "root"))


def test_no_file_names_a_package_registry_or_a_place_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in _own_files()
        for word in (*_HOSTS, *_MACHINE)
        if word.encode() in path.read_bytes()
    ]

    assert found == []


def test_every_runtime_dependency_is_used_and_has_its_reason() -> None:
    text = _document("pyproject.toml").split("\ndependencies = [\n")[1].split("\n]")[0]
    sources = "".join(
        path.read_text("utf-8") for folder in ("statecheck", "scenarios") for path in (ROOT / folder).rglob("*.py")
    )
    imported_as = {"llama-index-core": "llama_index", "python-dotenv": "dotenv", "PyYAML": "yaml"}
    for line in text.splitlines():
        name = re.split(r"[>=;\"]", line.strip().strip('"'))[0]
        name = imported_as.get(name, name.replace("-", "_"))
        assert "#" in line, line
        assert re.search(rf"\b(?:import|from) {name}\b|\+{name}:", sources), f"{name} is imported nowhere"


def _pins(lock: str) -> set[tuple[str, str]]:
    """Each distribution and version that a lock names."""
    return set(re.findall(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==(\S+)", _document(lock), re.MULTILINE))


def test_what_the_package_needs_is_a_part_of_what_the_suite_needs() -> None:
    package, suite = _pins("requirements.lock"), _pins("requirements-dev.lock")

    declared = _document("pyproject.toml").split("\ndependencies = [\n")[1].split("\n]")[0]
    needed = {name.lower() for name in re.findall(r'^ +"([A-Za-z0-9-]+)', declared, re.MULTILINE)}

    assert needed <= {name for name, _ in package}
    assert package < suite
    assert not {name for name, _ in package} & {"pytest", "mypy", "flask", "streamlit", "chainlit", "gradio"}
