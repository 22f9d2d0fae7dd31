"""Three parties as processes: searches, a party that dies and comes back, no template in any of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from matcher.errors import MatcherError, PrivacyError, ShareCorruptError, SubjectNotFoundError
from matcher.privacy.certificates import load_identity, make_identities
from matcher.privacy.client import PrivacyClient, Record
from matcher.privacy.encode import IrisForm
from matcher.privacy.layout import Layout
from matcher.privacy.rule import rule_for
from matcher.privacy.share_file import ShareFile, sealed, unsealed
from matcher.v1 import privacy_pb2 as pb
from matcher.v1 import privacy_pb2_grpc as pb_grpc

LAYOUT = Layout(IrisForm(), rule_for(0.2285, 2048, 0.35), reach=1, eyes=("right",))

RIGHT = ["right"]


def free_ports() -> list[int]:
    sockets = [socket.socket() for _ in range(3)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Deployment:
    """Three party processes on loopback and a client of theirs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_identities(folder / "keys")
        (folder / "keys" / "layout.json").write_text(json.dumps(LAYOUT.to_json()))
        self.addresses = [f"127.0.0.1:{port}" for port in free_ports()]
        self.processes: dict[int, subprocess.Popen[str]] = {}
        self.client = PrivacyClient(self.addresses, load_identity(folder / "keys" / "client"), LAYOUT)
        self.rng = np.random.default_rng(4)
        for index in range(3):
            self.start(index)
        self.wait()

    def start(self, index: int, *options: str) -> None:
        keys = self.folder / "keys"
        command = [sys.executable, "-m", "matcher.cli.main", "privacy", "party", "--id", str(index)]
        command += [
            "--store",
            str(self.folder / f"store-{index}"),
            "--identity",
            str(keys / f"party-{index}"),
        ]
        command += ["--layout", str(keys / "layout.json"), "--parties", ",".join(self.addresses)]
        command += ["--timeout", "20", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        self.processes[index] = process

    def stop(self, index: int, number: int = signal.SIGTERM) -> None:
        process = self.processes.pop(index)
        process.send_signal(number)
        process.wait(timeout=20)
        assert process.stdout is not None
        process.stdout.close()

    def wait(self) -> None:
        """Wait until all parties have met."""
        for _ in range(200):
            try:
                if all(one.connected for one in self.client.statuses()):
                    return
            except MatcherError:
                pass
            time.sleep(0.05)
        raise AssertionError("the parties did not meet")

    def refreshed_beyond(self, generation: int) -> None:
        """Wait until all parties' shares are of a later generation."""
        for _ in range(400):
            if min(one.generation for one in self.client.statuses()) > generation:
                return
            time.sleep(0.05)
        raise AssertionError("the shares were not refreshed")

    def person(self) -> Record:
        mask = (self.rng.random(2048) < 0.6).astype(np.uint8)
        found = LAYOUT.eye_from_bits(self.rng.integers(0, 2, 2048, dtype=np.uint8), mask)
        return {"right.code": found.code, "right.mask": found.mask}

    def close(self) -> None:
        self.client.close()
        for index in list(self.processes):
            self.stop(index)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    made = Deployment(tmp_path_factory.mktemp("country"))
    try:
        yield made
    finally:
        made.close()


def regions_of(process: int) -> Iterator[bytes]:
    """Yield what a process has in its writable memory, as far as it is in use."""
    span: tuple[int, int] | None = None
    with open(f"/proc/{process}/smaps") as maps, open(f"/proc/{process}/mem", "rb", 0) as memory:
        for line in maps:
            words = line.split()
            if "-" in words[0] and len(words) > 4:
                begin, end = (int(part, 16) for part in words[0].split("-"))
                span = (begin, end) if words[1].startswith("rw") else None
            elif words[0] == "Rss:" and span is not None and int(words[1]):
                try:
                    memory.seek(span[0])
                    yield memory.read(span[1] - span[0])
                except (OSError, ValueError, OverflowError):
                    continue


def holds(region: bytes, piece: bytes) -> bool:
    """Return whether bytes lie anywhere in a region; `in` takes seconds over memory that is mostly zeros."""
    key = np.frombuffer(piece[:8], np.uint64)[0]
    for shift in range(8):
        words = np.frombuffer(region[shift : shift + (len(region) - shift) // 8 * 8], np.uint64)
        places = 8 * np.flatnonzero(words == key) + shift
        if any(region[place : place + len(piece)] == piece for place in places):
            return True
    return False


def test_a_country_of_three_processes(deployment: Deployment) -> None:
    client = deployment.client
    people = {f"s{k}": deployment.person() for k in range(12)}
    stranger = deployment.person()
    assert client.enroll(people) == []
    assert client.identify([people["s3"], stranger, people["s11"]], RIGHT) == [["s3"], [], ["s11"]]
    assert client.verify("s5", people["s5"], RIGHT)
    assert not client.verify("s5", people["s6"], RIGHT)
    assert client.check([stranger, people["s0"]], RIGHT) == [False, True]
    assert client.enroll({"again": people["s2"]}, unique=RIGHT) == ["again"]

    # No template in a party's files or memory.
    plain = people["s5"]["right.code"].tobytes()
    piece = plain[1000:1032]
    for index, process in deployment.processes.items():
        stored = (deployment.folder / f"store-{index}" / "generation-0" / "right.code").read_bytes()
        assert piece not in stored
        own_name = f"store-{index}/generation-0".encode()
        regions = list(regions_of(process.pid))
        assert not any(holds(region, piece) for region in regions)
        # The search finds what is there.
        assert any(holds(region, own_name) for region in regions)
    client.enroll({"kept": deployment.person()})
    with pytest.raises(SubjectNotFoundError):
        client.verify("nobody", people["s5"], RIGHT)

    # One dies: no answer. It comes back: in step, without being told.
    deployment.stop(2, signal.SIGKILL)
    with pytest.raises(PrivacyError):
        client.identify([people["s3"]], RIGHT)
    with pytest.raises(PrivacyError):
        client.enroll({"late": stranger})
    deployment.start(2)
    deployment.wait()
    assert client.identify([people["s3"], stranger], RIGHT) == [["s3"], []]
    client.delete("s3")

    # One loses its disk, another the power: rebuilt from the others, the same answers.
    deployment.stop(1, signal.SIGKILL)
    shutil.rmtree(deployment.folder / "store-1")
    deployment.start(1)
    deployment.wait()
    assert client.identify([people["s3"], people["s4"]], RIGHT) == [[], ["s4"]]
    client.refresh()
    deployment.stop(0, signal.SIGKILL)
    deployment.start(0)
    deployment.wait()
    assert client.identify([people["s3"], people["s4"]], RIGHT) == [[], ["s4"]]
    statuses = client.statuses()
    assert {one.sequence for one in statuses} == {14}
    assert {one.generation for one in statuses} == {1}
    assert {one.subject_count for one in statuses} == {12}

    # Refreshes on schedule: a party that dies among them holds them up, and comes back into step.
    deployment.stop(0)
    deployment.start(0, "--refresh-every", "0.2s")
    deployment.wait()
    for killed in (2, 0):
        deployment.refreshed_beyond(min(one.generation for one in client.statuses()) + 1)
        deployment.stop(killed, signal.SIGKILL)
        deployment.start(killed, *(["--refresh-every", "0.2s"] if killed == 0 else []))
        deployment.wait()
    deployment.refreshed_beyond(min(one.generation for one in client.statuses()) + 1)
    assert client.identify([people["s3"], people["s4"], stranger], RIGHT) == [[], ["s4"], []]
    deployment.stop(0)
    deployment.start(0)
    deployment.wait()
    assert client.verify("s5", people["s5"], RIGHT)
    assert len({one.generation for one in client.statuses()}) == 1


def test_only_who_may_is_heard(deployment: Deployment) -> None:
    keys = deployment.folder / "keys"
    with load_identity(keys / "party-1").channel(0, deployment.addresses[0]) as channel:
        stub = pb_grpc.PartyServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.GetPartyStatus(pb.GetPartyStatusRequest(), timeout=10)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    with load_identity(keys / "client").channel(0, deployment.addresses[0]) as channel:
        stub = pb_grpc.PartyServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.DeliverFrames(iter([pb.Frame()]), timeout=10)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    # A party under another's name, and a caller of another authority.
    make_identities(deployment.folder / "others")
    for caller, party in ((keys / "client", 1), (deployment.folder / "others" / "client", 0)):
        channel = load_identity(caller).channel(party, deployment.addresses[0])
        with channel, pytest.raises(grpc.RpcError):
            pb_grpc.PartyServiceStub(channel).GetPartyStatus(pb.GetPartyStatusRequest(), timeout=3)


def test_share_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    make_identities(tmp_path)
    own, other = load_identity(tmp_path / "party-0"), load_identity(tmp_path / "party-1")
    file = ShareFile(0, LAYOUT, ("ann",), os.urandom(LAYOUT.record_bytes))
    data = sealed(file, own.certificate)
    assert unsealed(data, own.key) == file
    assert file.records[:32] not in data
    with pytest.raises(ShareCorruptError):
        unsealed(data, other.key)
    for place in (0, 4, 5, 30, 80, len(data) - 1):
        damaged = bytearray(data)
        damaged[place] ^= 1
        with pytest.raises(ShareCorruptError):
            unsealed(bytes(damaged), own.key)
    for length in (0, 10, len(data) - 1):
        with pytest.raises(ShareCorruptError):
            unsealed(data[:length], own.key)
