"""Writes what is in each image, as CycloneDX: build/sbom/<image>.json. Arguments: the images.

The packages are those that Debian's and Python's own records in the image name, so nothing but Docker is needed, and
the same image gives the same bytes.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

FOLDER = Path("build") / "sbom"

LIST = """
import json
from importlib.metadata import distributions
from pathlib import Path
debian = []
for entry in Path("/var/lib/dpkg/status").read_text(encoding="utf-8").split("\\n\\n"):
    fields = dict(line.split(": ", 1) for line in entry.splitlines() if ": " in line and line[0] != " ")
    if fields.get("Status") == "install ok installed":
        debian.append([fields["Package"], fields["Version"], fields["Architecture"]])
python = sorted({(each.name, each.version) for each in distributions()})
print(json.dumps({"debian": sorted(debian), "python": python}))
"""


def docker(*arguments: str) -> str:
    """What docker prints. Raises CalledProcessError if it fails."""
    return subprocess.run(["docker", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S607


def _normal(name: str) -> str:
    """The name of a Python package in the one form that a purl and a lock have."""
    return re.sub("[-_.]+", "-", name).lower()


def bill(image: str) -> dict[str, object]:
    """The CycloneDX document of the image."""
    listed = json.loads(docker("run", "--rm", "--network", "none", "--entrypoint", "python3", image, "-c", LIST))
    components = [
        component(name, version, f"pkg:deb/debian/{name}@{version}?arch={architecture}")
        for name, version, architecture in listed["debian"]
    ]
    components += [
        component(name, version, f"pkg:pypi/{_normal(name)}@{version}") for name, version in listed["python"]
    ]
    identity = docker("image", "inspect", "--format", "{{.Id}}", image).strip()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": image, "version": identity}},
        "components": components,
    }


def component(name: str, version: str, purl: str) -> dict[str, str]:
    """A package. `purl` is its address in the notation of package URLs."""
    return {"type": "library", "name": name, "version": version, "purl": quote(purl, safe="/:@?=~"), "bom-ref": purl}


def main(images: list[str]) -> int:
    """Write one file for each image."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for image in images:
        document = bill(image)
        file = FOLDER / f"{image}.json"
        file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        print(f"{file}: {len(document['components'])} packages")  # type: ignore[arg-type]
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
