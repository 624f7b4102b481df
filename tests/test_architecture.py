"""The rules of the layout, read from the source: who may import whom, and who may import Ray."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent

# A room imports only what stands before it. A tuple: these may not import each other either way but stand together.
ORDER = [
    "errors",
    "parsing",
    "progress",
    "models",
    "tracing",
    "records",
    "store",
    "lock",
    "stage",
    "stages",
    "telemetry",
    "shard",
    "runner",
    "sandbox",
    "teacher",
    "programs",
    "semantics",
    "claims",
    "verification",
    "monologue",
    "repair",
    "mixture",
    "training",
    "serving",
    "evaluation",
    "reward",
    "report",
    "api",
    "capacity",
    "doctor",
    "debugging",
    "cli",
]
MAY_IMPORT_RAY = {
    "ray_app/telemetry.py",
    "ray_app/runner.py",
    "ray_app/sandbox/pool.py",
    "ray_app/teacher/engine.py",
    "ray_app/training/trainer.py",
    "ray_app/serving/app.py",
    "ray_app/serving/llm.py",
    "ray_app/serving/replicas.py",
    "cluster/session.py",
    "cluster/jobs.py",
}


def sources(*roots: str) -> list[Path]:
    return sorted(path for root in roots for path in (PROJECT / root).rglob("*.py"))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "ray_app" and len(parts) > 1 else None


def test_rooms_every_module_has_a_place_in_the_order():
    rooms = {path.relative_to(PROJECT / "ray_app").parts[0].removesuffix(".py") for path in sources("ray_app")}
    assert rooms - {"__init__"} <= set(ORDER)


@pytest.mark.parametrize("path", sources("ray_app"), ids=lambda path: str(path.relative_to(PROJECT)))
def test_imports_point_to_earlier_rooms_only(path):
    own = path.relative_to(PROJECT / "ray_app").parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for module in imports(path):
        assert module.split(".")[0] not in ("pipelines", "cluster", "tests"), f"{path} imports {module}"
        other = room(module)
        if other in ORDER and other != own:
            assert ORDER.index(other) < ORDER.index(own), f"{own} imports {module}, which stands after it"


def test_cluster_does_not_import_pipelines():
    for path in sources("cluster"):
        assert not any(module.startswith("pipelines") for module in imports(path)), path


def test_ray_is_imported_only_where_work_is_distributed():
    users = {
        str(path.relative_to(PROJECT))
        for path in sources("ray_app", "cluster", "pipelines")
        if any(module.split(".")[0] == "ray" for module in imports(path))
    }
    assert users <= MAY_IMPORT_RAY


def test_evaluation_parses_where_threads_may():
    """Several threads grade at once: see `ray_app.parsing`."""
    for path in sources("ray_app/evaluation"):
        called = {
            ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
        }
        assert called.isdisjoint({"ast.parse", "ast.literal_eval", "compile"}), path


def test_modules_do_not_import_in_cycles():
    graph = {
        ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): imports(path)
        for path in sources("ray_app", "cluster", "pipelines")
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"import cycle: {' -> '.join((*trail, module))}"
        if module in done:
            return
        for other in graph[module]:
            if other in graph and other != module and not module.startswith(other + "."):
                visit(other, (*trail, module))
        done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("path", sources("ray_app/claims", "ray_app/verification"), ids=lambda path: path.name)
def test_claims_and_verification_share_nothing_with_the_narrator(path):
    assert not any(module.startswith("ray_app.monologue") for module in imports(path))
