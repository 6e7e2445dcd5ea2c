"""The folders of the services import each other in one direction."""

import ast

from factories import PROJECT

LAYERS = ["__main__", "cli", "server", "web", "served_table", "query", "data", "settings", "errors", "__init__"]
"""From top to bottom."""

RANK = {name: rank for rank, name in enumerate(LAYERS)}
PACKAGE = PROJECT / "source_services"


def imports(file):
    """The modules of the services that a file imports, by their paths without the package."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("source_services."):
            base = node.module.removeprefix("source_services.")
            folder = PACKAGE / base.replace(".", "/")
            yield from (f"{base}.{each.name}" for each in node.names) if folder.is_dir() else (base,)


def graph():
    """Each module with the modules that it imports."""
    return {
        ".".join(file.relative_to(PACKAGE).with_suffix("").parts): set(imports(file)) for file in PACKAGE.rglob("*.py")
    }


def test_every_import_goes_to_a_lower_layer_or_stays_within_its_folder():
    modules = graph()
    assert {name.partition(".")[0] for name in modules} == RANK.keys()
    for module, imported in modules.items():
        here = module.partition(".")[0]
        for there in {each.partition(".")[0] for each in imported}:
            assert here == there or RANK[here] < RANK[there], f"{module} imports {there}"


def test_no_modules_import_each_other_in_a_circle():
    modules, done = graph(), set()

    def visit(module, path):
        assert module not in path, f"a circle: {' -> '.join([*path, module])}"
        if module not in done:
            for imported in modules[module]:
                visit(imported, [*path, module])
            done.add(module)

    for module in modules:
        visit(module, [])
    assert len(done) == len(modules)


def test_the_services_do_not_import_the_pipeline():
    assert not [file for file in PACKAGE.rglob("*.py") if "finsync_pipeline" in file.read_text(encoding="utf-8")]
