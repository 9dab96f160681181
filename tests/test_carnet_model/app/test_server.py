"""The application as programs meet it, with workers of its own; and the address it listens at."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from carnet_model.app.server import SMALLER, Address, AddressError, create_app
from carnet_model.weights.shipped import ModelError
from natural_tensors import limits
from tests.helpers.command_lines import carnet_error
from tests.helpers.paths import ROOT

pytestmark = pytest.mark.slow

HERE = Address("127.0.0.1", 8000)
SILICON = ROOT / "docs" / "structures" / "si.cif"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with (
        limits.changed(answer=600),
        TestClient(create_app("elastic", HERE, 1), base_url="http://127.0.0.1:8000") as made,
    ):
        yield made


def send(client: TestClient, path: str = "/api/predict", name: str = "si.cif", **fields: str):  # type: ignore[no-untyped-def]
    return client.post(path, files={"file": (name, SILICON.read_bytes())}, data=fields)


def test_a_structure_is_predicted(client: TestClient) -> None:
    answer = send(client)
    assert answer.status_code == 200
    (found,) = answer.json()["predictions"]
    assert found["name"] == "si.cif"
    assert found["stable"] is True


def test_several_at_once_are_all_answered_and_not_mixed_up(client: TestClient) -> None:
    names = [f"silicon-{n}.cif" for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda name: send(client, name=name), names))
    assert [answer.json()["predictions"][0]["name"] for answer in answers] == names


def test_too_many_are_refused_until_others_are_answered(client: TestClient) -> None:
    with limits.changed(waiting=1), ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(client), range(8)))
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {200, 503}
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.headers["retry-after"]
    assert refused.json()["remedy"] == "ask again in a few seconds"
    assert send(client).status_code == 200


def test_what_takes_too_long_is_ended_and_the_next_is_answered(client: TestClient) -> None:
    frame = f'64\nLattice="{10.3} 0 0 0 {10.3} 0 0 0 {10.3}" Properties=species:S:1:pos:R:3\n'
    atoms = "".join(
        f"Cu {2.6 * x} {2.6 * y} {2.6 * z}\n" for x in range(4) for y in range(4) for z in range(4)
    )
    content = (frame + atoms) * 400
    with limits.changed(answer=1):
        answer = client.post("/api/predict", files={"file": ("many.extxyz", content.encode())})
    assert answer.status_code == 504
    assert "longer than the limit answer of 1 seconds" in answer.json()["error"]
    assert send(client).status_code == 200


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"frame": "crystal"}, "frame: allowed: 'structure', 'canonical' or 'ieee'"),
        ({"format": "xml"}, "format: allowed: 'json', 'csv' or 'extxyz'"),
    ],
)
def test_fields_that_are_wrong_are_named(
    client: TestClient, fields: dict[str, str], message: str
) -> None:
    answer = send(client, **fields)
    assert answer.status_code == 422
    assert answer.json()["error"] == message


def test_a_request_without_a_file_says_so(client: TestClient) -> None:
    assert client.post("/api/predict").json()["error"] == "file: Field required"
    answer = client.post("/api/predict", json={"file": "x"})
    assert answer.status_code == 422
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/nothing", "/static/../work.py", "/report/page.py"]
)
def test_what_there_is_not(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


def test_a_wrong_method_is_refused(client: TestClient) -> None:
    answer = client.get("/api/predict")
    assert answer.status_code == 405
    assert answer.json()["remedy"] == "GET /api lists what there is"


def test_the_openapi_document_has_all_that_can_be_asked(client: TestClient) -> None:
    found = client.get("/api/openapi.json").json()
    assert {"/api/predict", "/api/view", "/api/report", "/api/crystals"} <= found["paths"].keys()
    page = client.get("/api")
    assert page.headers["content-type"].startswith("text/html")
    for path in found["paths"]:
        assert path in page.text
    assert "http://" not in page.text.replace("http://127.0.0.1:8000", "")
    assert "https://" not in page.text


def test_the_pages_load_nothing_from_elsewhere(client: TestClient) -> None:
    index = client.get("/").text
    for part in index.split('src="')[1:] + index.split('href="')[1:]:
        address = part.partition('"')[0]
        assert address.startswith("/")
        assert client.get(address).status_code == 200, address


def test_shipped_crystals_are_files_for_the_other_requests(client: TestClient) -> None:
    names = [each["name"] for each in client.get("/api/crystals").json()]
    assert names[0] == "quartz"
    content = client.get("/api/crystals/silicon-measured").content
    found = client.post("/api/view", files={"file": ("silicon-measured.json", content)}).json()
    assert found["name"] == "Silicon, measured"
    assert found["moduli"]["bulk_hill"] == pytest.approx((165.64 + 2 * 63.94) / 3)


def test_the_app_lowers_limits_that_nobody_changed() -> None:
    with limits.changed(bonds=777_777):
        create_app("elastic", HERE, 1)
        assert limits.limit("bonds") == 777_777
        assert limits.limit("atoms") == SMALLER["atoms"]


def test_a_model_that_is_none_is_refused_before_anything_listens() -> None:
    with pytest.raises(ModelError, match="there is no model 'nothing'"):
        create_app("nothing", HERE, 1)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("lab", False)],
)
def test_which_addresses_only_this_machine_reaches(host: str, loopback: bool) -> None:
    assert Address(host, 1).is_loopback is loopback
    assert bool(Address(host, 1).names) is loopback


def test_a_port_that_is_taken_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressError, match="another program listens there"):
            Address("127.0.0.1", port).listen()
        message = carnet_error("app", "--port", str(port))
    assert "--port N" in message


def test_a_host_that_is_none_says_so() -> None:
    assert "no such name" in carnet_error("app", "--host", "no-such-host.invalid", "--port", "0")


def test_json_is_what_json_says(client: TestClient) -> None:
    about = client.get("/api/about")
    assert json.loads(about.content)["workers"] == 1
