"""What a run keeps of what it was asked for: names, never passwords."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from matcher.dedup.manifest import NAME, Run, kept_name, read_run, title_of
from matcher.dedup.settings import Settings
from matcher.errors import ArgumentError
from matcher.face.model import DEFAULT_MODEL


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("postgresql+psycopg://u:hidden@host", "host"),
        ("postgresql+psycopg://u:hidden@host/", "host"),
        ("postgresql+psycopg://u:hidden@host/people", "people"),
        ("postgresql+psycopg://u:hid%2Fhidden@host:5433/people?password=hidden&sslmode=require", "people"),
        ("postgresql+psycopg:///?host=server&user=u&password=hidden", "postgresql+psycopg"),
        ("postgresql+psycopg://host/people?sslpassword=hidden&PassFile=hidden", "people"),
        ("sqlite:////data/gallery.db", "gallery.db"),
        ("/data/register", "register"),
    ],
)
def test_no_password_is_in_a_title_or_beside_the_results(tmp_path: Path, name: str, title: str) -> None:
    """Wherever a URL holds it; what else is asked of the connection stays."""
    assert title_of(name) == title
    Run(name, Settings(), against=name).write(tmp_path)
    told = (tmp_path / NAME).read_text()
    assert "hidden" not in told
    assert ("sslmode=require" in told) == ("sslmode" in name)
    asked = read_run(tmp_path)
    assert asked.source == asked.against == kept_name(name)


def test_what_is_no_url_is_refused_without_its_text() -> None:
    """It may hold a password all the same."""
    for name in ("://u:hidden@host", "postgresql://u:hidden@host:port/x"):
        for function in (title_of, kept_name):
            with pytest.raises(ArgumentError, match="database URL") as refused:
                function(name)
            assert "hidden" not in str(refused.value)


def test_templates_are_of_the_model_not_of_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another model behind the same path begins anew, the same one behind another goes on."""
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    text = (files("matcher.face") / "manifests" / f"{DEFAULT_MODEL}.toml").read_text()
    one.write_text(text)
    two.write_text(text)
    digest = Settings(face_model=str(one)).extraction_digest()
    assert Settings(face_model=str(two)).extraction_digest() == digest
    assert Settings(extractor="leader", face_model=str(one)).extraction_digest() != digest
    two.write_text(text.replace("flip = true", "flip = false"))
    assert two.read_text() != text
    assert Settings(face_model=str(two)).extraction_digest() != digest
    two.unlink()
    assert Settings(face_model=str(two)).extraction_digest() != digest
    monkeypatch.setattr("matcher.iris.parameters.EXTRACTOR_ID", "iris-numba/99")
    assert Settings(face_model=str(one)).extraction_digest() != digest
