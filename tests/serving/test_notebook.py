"""The notebook of the documentation runs over a release of the sample data, and shows what its text says."""

import nbformat
import pytest
from factories import PROJECT
from local_services import running_services
from nbclient import NotebookClient
from pipeline.conftest import deploy

SAMPLE_DATA = PROJECT / "source_services" / "sample_data"


@pytest.mark.long
def test_the_notebook_runs_over_the_sample_data(tmp_path, monkeypatch):
    deployment = deploy(tmp_path, monkeypatch)
    monkeypatch.delenv("FINSYNC_REFERENCE")
    with running_services(SAMPLE_DATA) as urls:
        deployment.use(urls)
        assert deployment.finsync("run") == 0
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    notebook = nbformat.read(PROJECT / "docs" / "python.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)  # they would be of another machine
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = [str(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]
    assert all(outputs != "[]" for outputs in shown)
    assert "42905000000.0" in shown[2]
    assert "42,905,000" in shown[6]
