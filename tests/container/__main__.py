"""``python -m tests.container``: the steps of the Dockerfile where no container engine runs.

Each stage is a copy of a fresh root that ``debootstrap`` made of the release that FROM names; its
RUN lines run by ``chroot`` there. The last one is then started as its ENTRYPOINT says, by its
USER, asked by its HEALTHCHECK until that succeeds, asked for a prediction, and told to end. Needs
root on Linux, and some gigabytes.

A fresh root differs from the image of that name on Docker Hub: it is not slimmed, and it shares
the kernel's network with this machine, so port 8000 must be free.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

from tests.container.instructions import Stage, stages
from tests.helpers.paths import ROOT, STRUCTURES

PORT = 8000


class Root:
    """A folder that processes take for the whole machine."""

    def __init__(self, folder: Path, outside: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.outside = outside
        self.user, self.place = "root", "/"

    def command(self, *words: str) -> list[str]:
        """Return what runs a command in there, as the user and in the folder of now."""
        inside = str(self.folder)
        home = "/root" if self.user == "root" else f"/home/{self.user}"
        settings = [f"{k}={v}" for k, v in {**self.environment, "HOME": home}.items()]
        return [
            "unshare", "--mount", "--pid", "--fork", f"--mount-proc={inside}/proc", "--kill-child",
            "chroot", f"--userspec={self.user}", inside,
            "env", "--ignore-environment", f"--chdir={self.place}", *settings, *words,
        ]  # fmt: skip

    def run(self, line: str) -> None:
        reaching = [f"{name}={value}" for name, value in self.outside.items()]
        subprocess.run(self.command("env", *reaching, "sh", "-c", line), check=True)

    def path(self, inside: str) -> Path:
        return self.folder / str(Path(self.place, inside)).lstrip("/")

    def copy(self, words: list[str], roots: dict[str, Root]) -> None:
        """Copy as COPY does: files into a folder, what a folder holds into one of that name."""
        origin = ROOT
        if words[0].startswith("--from="):
            origin = roots[words.pop(0).partition("=")[2]].folder
        *sources, target = words
        for source in sources:
            start, end = origin / source.lstrip("/"), self.path(target)
            if start.is_dir():
                shutil.copytree(
                    start, end, symlinks=True, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("__pycache__") if origin == ROOT else None,
                )  # fmt: skip
            else:
                end = end / start.name if target.endswith("/") else end
                end.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(start, end)


def built(stage: Stage, root: Root, roots: dict[str, Root], arguments: dict[str, str]) -> None:
    """Carry out what stands under one FROM."""
    for each in stage.instructions:
        begun = time.monotonic()
        if each.keyword == "RUN":
            root.run(each.text)
        elif each.keyword == "COPY":
            root.copy(each.words, roots)
        elif each.keyword == "WORKDIR":
            root.place = each.text
            root.path(".").mkdir(parents=True, exist_ok=True)
        elif each.keyword == "USER":
            root.user = each.text
        elif each.keyword in ("ENV", "ARG"):
            for word in each.words:
                name, _, value = word.partition("=")
                known = root.environment.get(name, root.environment["PATH"])
                root.environment[name] = arguments.get(name, value).replace("$PATH", known)
        print(f"{time.monotonic() - begun:7.1f} s  {each.keyword} {each.text[:90]}", flush=True)


def checked(stage: Stage, root: Root, wait: float) -> None:
    """Start the program of the image, ask it, and end it."""
    (entry,), (health,) = stage.of("ENTRYPOINT"), stage.of("HEALTHCHECK")
    asking = root.command(*json.loads(health.partition("CMD ")[2]))
    begun = time.monotonic()
    running = subprocess.Popen(root.command(*json.loads(entry)))
    try:
        while subprocess.run(asking, stderr=subprocess.DEVNULL).returncode:
            if running.poll() is not None or time.monotonic() - begun > wait:
                raise SystemExit(f"not healthy after {time.monotonic() - begun:.0f} s")
            time.sleep(1)
        print(f"healthy after {time.monotonic() - begun:.1f} s")
        content = (STRUCTURES / "quartz.cif").read_bytes()
        body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="quartz.cif"\r\n\r\n'
        request = Request(
            f"http://127.0.0.1:{PORT}/api/predict", data=body + content + b"\r\n--b--\r\n",
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )  # fmt: skip
        with urlopen(request, timeout=wait) as answer:
            (prediction,) = json.load(answer)["predictions"]
        print(f"quartz: K = {prediction['moduli']['bulk_hill']:.1f} GPa")
    finally:
        for process in Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split():
            print(f"process {process} belongs to user {os.stat(f'/proc/{process}').st_uid}")
            os.kill(int(process), signal.SIGTERM)
        print(f"ended with {running.wait(timeout=60)}")


def main() -> int:
    """Build, start and ask."""
    parser = argparse.ArgumentParser(prog="python -m tests.container", description=__doc__)
    parser.add_argument("folder", type=Path, help="an empty folder, for the roots")
    parser.add_argument("--base", type=Path, help="a fresh root that is there already")
    parser.add_argument("--mirror", default="", help="of Debian, for debootstrap")
    parser.add_argument("--bring", nargs="*", default=[], help="files of this machine, into each")
    parser.add_argument("--set", nargs="*", default=[], help="NAME=VALUE for RUN lines, or an ARG")
    parser.add_argument("--wait", type=float, default=120.0, help="seconds until it is healthy")
    chosen = parser.parse_args()
    outside = dict(each.split("=", 1) for each in chosen.set)
    roots: dict[str, Root] = {}
    found = stages(ROOT / "Dockerfile")
    for number, stage in enumerate(found):
        release = stage.base.removeprefix("debian:").removesuffix("-slim")
        base = chosen.base or chosen.folder / release
        if not base.exists():
            words = ["debootstrap", "--variant=minbase", release, str(base), chosen.mirror]
            subprocess.run([word for word in words if word], check=True)
        root = Root(chosen.folder / (stage.name or f"stage-{number}"), outside)
        subprocess.run(["cp", "--archive", str(base), str(root.folder)], check=True)
        for path in map(Path, chosen.bring):
            target = root.path(str(path))
            target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "--archive", "--dereference", path, target], check=True)
        roots[stage.name] = root
        print(f"FROM {stage.base}")
        built(stage, root, roots, outside)
    for root in roots.values():
        size = subprocess.run(
            ["du", "--summarize", "--human-readable", str(root.folder)],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        print(size.strip())
    checked(found[-1], root, chosen.wait)
    return 0


if __name__ == "__main__":
    sys.exit(main())
