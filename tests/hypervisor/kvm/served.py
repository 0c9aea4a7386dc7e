"""A hypervisor in a process of its own, for tests that kill the process: orders come in as lines, answers go out as
lines.

{"verb": "start", "words": ["uuid"]}  ->  {"answer": null} or {"error": "WrongPower", "text": "..."}
announcements                         ->  {"said": {...}}, as msgspec writes them, with their class in "type"
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import msgspec

HERE = Path(__file__).resolve().parents[3]
LIMIT = 60.0


class Served:
    """The test's end. `settings`: what KvmHypervisor is made with, as JSON has it."""

    def __init__(self, settings: dict[str, Any]):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.hypervisor.kvm.served", json.dumps(settings)], cwd=HERE, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.said: list[dict[str, Any]] = []
        self._answers: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._news = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            if "said" in told:
                with self._news:
                    self.said.append(told["said"])
                    self._news.notify_all()
            else:
                self._answers.put(told)

    def ask(self, verb: str, *words: Any) -> Any:
        """What the verb returns, as JSON; AssertionError where it fails."""
        told = self.try_(verb, *words)
        assert "answer" in told, told
        return told["answer"]

    def try_(self, verb: str, *words: Any) -> dict[str, Any]:
        self.send(verb, *words)
        return self.answer()

    def send(self, verb: str, *words: Any) -> None:
        assert self.process.stdin is not None
        plain = [msgspec.to_builtins(word) for word in words]
        self.process.stdin.write(json.dumps({"verb": verb, "words": plain}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        try:
            return self._answers.get(timeout=LIMIT)
        except Empty:
            raise AssertionError(f"no answer within {LIMIT} s; the process: {self.process.poll()}") from None

    def until(self, wanted: Any) -> dict[str, Any]:
        """The first announcement, past or to come, for which `wanted` is true."""
        with self._news:
            found = self._news.wait_for(lambda: next(filter(wanted, self.said), None), LIMIT)
        assert found, f"not announced within {LIMIT} s: {self.said[-5:]}"
        return found

    def forget(self) -> None:
        with self._news:
            self.said.clear()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT)

    def end(self) -> None:
        """Close the hypervisor and end the process."""
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("the process did not end by itself") from None


def main() -> None:
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred, ensureDeferred

    from vmsdk.hypervisor.errors import HypervisorError
    from vmsdk.hypervisor.kvm.backend import KvmHypervisor
    from vmsdk.hypervisor.kvm.schedule import Deadlines
    from vmsdk.hypervisor.records import Definition, FilePlace, NetworkRecord

    settings = json.loads(sys.argv[1])
    if "deadlines" in settings:
        settings["deadlines"] = Deadlines(**settings["deadlines"])
    settings.setdefault("networks", [{"name": "VM Network"}])
    networks = tuple(NetworkRecord(**one) for one in settings.pop("networks"))
    hypervisor = KvmHypervisor(reactor, networks=networks, sample_seconds=0, **settings)
    hypervisor.listen(lambda said: tell({"said": {"type": type(said).__name__, **msgspec.to_builtins(said)}}))

    def tell(line: dict[str, Any]) -> None:
        print(json.dumps(line), flush=True)

    def word(value: Any) -> Any:
        if isinstance(value, dict):
            return msgspec.convert(value, Definition if "uuid" in value else FilePlace)
        return value

    async def order(line: str) -> None:
        told = json.loads(line)
        target: Any = hypervisor
        for name in told["verb"].split("."):
            target = getattr(target, name)
        try:
            tell({"answer": msgspec.to_builtins(await target(*map(word, told["words"])))})
        except HypervisorError as error:
            tell({"error": type(error).__name__, "text": str(error)})

    async def end() -> None:
        try:
            await hypervisor.close()
        finally:
            reactor.stop()  # type: ignore[attr-defined]

    def read() -> None:
        for line in sys.stdin:
            reactor.callFromThread(lambda line=line: ensureDeferred(order(line)))  # type: ignore[attr-defined]
        reactor.callFromThread(lambda: Deferred.fromCoroutine(end()))  # type: ignore[attr-defined]

    threading.Thread(target=read, daemon=True).start()
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
