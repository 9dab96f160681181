"""The Dockerfile says what is so here; `python -m tests.container` runs its steps."""

from __future__ import annotations

import json
import re
import tomllib

from tests.container.instructions import stages
from tests.helpers.command_lines import carnet
from tests.helpers.paths import ROOT
from tests.test_packaging import pinned

BUILD, IMAGE = stages(ROOT / "Dockerfile")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COPIED = [word for text in BUILD.of("COPY") for word in text.split()[:-1]]


def test_what_is_copied_is_there_and_is_all_that_the_engine_gets() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    everything, *kept = [line for line in lines if not line.startswith(("#", "**/"))]
    assert everything == "*"
    assert all((ROOT / name).exists() for name in COPIED)
    assert {name.partition("/")[0] for name in COPIED} == {name.removeprefix("!") for name in kept}


def test_all_packages_of_the_project_and_what_its_metadata_names_are_copied() -> None:
    packages = {name.partition(".")[0] for name in PROJECT["tool"]["setuptools"]["packages"]}
    named = {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}
    assert packages | named | {"pyproject.toml"} <= set(COPIED)


def test_everything_is_installed_by_hash_from_a_lock_that_was_copied_before() -> None:
    present: set[str] = set()
    defaults = dict(text.split("=", 1) for text in BUILD.of("ARG"))
    installed = []
    for each in BUILD.instructions:
        if each.keyword == "COPY":
            present |= set(each.words[:-1])
        elif each.keyword == "RUN" and "pip install" in each.text:
            locks = re.findall(r"-r (\S+)", each.text)
            assert "--no-deps" in each.text
            assert ("--require-hashes" in each.text) == bool(locks)
            for lock in locks:
                chosen = lock.replace("$TORCH.", defaults["TORCH"] + ".")
                assert chosen in present
                installed.append(chosen)
    assert installed == [f"requirements/{name}.lock" for name in ("build", "torch-cpu", "app")]


def test_the_lock_of_the_app_has_what_it_needs_but_for_pytorch() -> None:
    locked = set(pinned(ROOT / "requirements" / "app.lock"))
    assert locked >= set(pinned(ROOT / "requirements" / "carnet.lock"))
    needed = PROJECT["project"]["optional-dependencies"]
    names = [re.split(r"[><=\[]", each)[0] for extra in ("app", "report") for each in needed[extra]]
    assert set(names) - {"natural-tensors"} <= locked
    assert "torch" not in locked


def test_the_image_has_the_python_that_the_build_of_pytorch_is_for() -> None:
    python = {"bookworm": "3.11"}  # of Debian's releases
    assert BUILD.base == IMAGE.base
    release = BUILD.base.removeprefix("debian:").removesuffix("-slim")
    text = (ROOT / "requirements" / "torch-cpu.lock").read_text(encoding="utf-8")
    assert f"# {python[release]}, Linux" in text


def test_it_runs_as_a_user_without_rights_and_takes_nothing_that_builds() -> None:
    assert IMAGE.of("USER") == ["carnet"]
    assert IMAGE.of("COPY") == ["--from=build /opt/carnet /opt/carnet"]
    keywords = [each.keyword for each in IMAGE.instructions]
    assert not {"RUN", "COPY"} & set(keywords[keywords.index("USER") :])
    (packages,) = [re.findall(r"recommends (.*?) &&", text)[0] for text in IMAGE.of("RUN")[:1]]
    assert packages == "python3"


def test_entry_port_and_health_speak_of_the_same_app() -> None:
    names = ("ENTRYPOINT", "EXPOSE", "HEALTHCHECK")
    (entry,), (port,), (health,) = (IMAGE.of(name) for name in names)
    program, command, *options = json.loads(entry)
    assert (program, command) == ("carnet", "app")
    assert options == ["--host", "0.0.0.0", "--port", port]
    shown = carnet("app", "--help").stdout
    assert {"--host", "--port"} <= set(re.findall(r"--\w+", shown))
    (asked,) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\S+)'", health)
    api = (ROOT / "carnet_model" / "app" / "api.py").read_text(encoding="utf-8")
    assert asked[0] == port
    assert f'@router.get("{asked[1].removeprefix("/api")}"' in api
