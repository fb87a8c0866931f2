"""Settings from the environment."""

import pytest

from cues.web.settings import SettingError, host_of, read_settings


def test_without_any_setting_everything_is_local() -> None:
    settings = read_settings({})
    assert settings.hosts == ("127.0.0.1", "localhost", "[::1]")
    assert not settings.secure and settings.port is None and settings.database_url is None
    assert settings.largest_upload == 8_000_000_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CUES_PUBLIC_ADDRESS", "http://cues.example.org"),
        ("CUES_PUBLIC_ADDRESS", "https://cues.example.org/path"),
        ("CUES_PUBLIC_ADDRESS", "cues.example.org"),
        ("CUES_PORT", "eighty"),
        ("CUES_PORT", "70000"),
        ("CUES_LARGEST_UPLOAD_GB", "-1"),
        ("CUES_LARGEST_UPLOAD_GB", "much"),
        ("CUES_LARGEST_UPLOAD_GB", "nan"),
        ("CUES_COORDINATOR", "off"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        read_settings({name: value})


@pytest.mark.parametrize(
    ("netloc", "host"),
    [
        ("127.0.0.1:8501", "127.0.0.1"),
        ("Cues.Example.org", "cues.example.org"),
        ("[::1]:80", "[::1]"),
        ("[::1]", "[::1]"),
    ],
)
def test_a_host_is_known_with_and_without_its_port(netloc: str, host: str) -> None:
    assert host_of(netloc) == host
