"""The files for several machines: read, and held against README.md and the settings that there are."""

from pathlib import Path

import pytest

from cues.web.settings import read_settings

ROOT = Path(__file__).parent.parent
yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: pip install -r tests/requirements.txt")


def test_the_containers_run_what_the_readme_says() -> None:
    said = (ROOT / "README.md").read_text()
    services = yaml.safe_load((ROOT / "cues/deployment/compose.yaml").read_text())["services"]
    ours = {name: one for name, one in services.items() if one["image"] == "cues"}
    assert set(ours) == {"web-1", "web-2", "coordinator"}
    caddy = (ROOT / "cues/deployment/Caddyfile").read_text()
    for name, one in ours.items():
        assert one["command"].replace("python ", ".venv/bin/python ", 1) in said, name
        settings = {key: value.replace("${CUES_DATABASE_PASSWORD}", "x") for key, value in one["environment"].items()}
        assert all(f"`{key}`" in said for key in settings), name
        read = read_settings(settings)
        assert not read.coordinates and read.public_address.removeprefix("https://") in caddy
        assert read.port is None or f"127.0.0.1:{read.port}" in caddy
