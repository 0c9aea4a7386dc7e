"""Accounts, intents, tasks and facts: what is put in is there after the file was opened again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from vmsdk.store.accounts import Account
from vmsdk.store.database import Database
from vmsdk.store.history import History, TaskRecord
from vmsdk.store.plain import from_plain, to_plain
from vmsdk.store.store import Store
from vmsdk.wsdl import MoRef, vim
from vmsdk.wsdl.values import Array, Long

NOW = 1_800_000_000.0
MOMENT = datetime.fromtimestamp(NOW, UTC)


class Again:
    """A store that can be closed and opened again."""

    def __init__(self, path: Path):
        self._path, self.now = path, NOW
        self.store = self._open()

    def _open(self) -> Store:
        return Store(Database(self._path, threaded=False), lambda: self.now)

    def again(self) -> Store:
        self.store.close()
        self.store = self._open()
        return self.store


@pytest.fixture
def opened(tmp_path: Path) -> Again:
    return Again(tmp_path / "store.sqlite")


def test_the_host_keeps_the_identity_it_was_given_once(opened: Again) -> None:
    identity = opened.store.identity
    assert len(identity) == 36
    assert opened.again().identity == identity


def test_facts_are_copies_and_stay(opened: Again) -> None:
    facts = opened.store.facts
    facts.put("settings.limits", {"a": [1, 2]})
    facts.get("settings.limits")["a"].append(3)
    facts.put("settings.gone", 1)
    facts.remove("settings.gone")
    facts.remove("settings.gone")
    facts = opened.again().facts
    assert facts.get("settings.limits") == {"a": [1, 2]}
    assert facts.keys("settings.") == ("settings.limits",)
    assert facts.get("settings.gone", "none") == "none"
    facts.put("settings.limits", {"a": [1, 2]})
    assert opened.store.flushed() is None, "an unchanged fact was written"


def test_accounts_stay_with_the_moment_of_their_password(opened: Again) -> None:
    book = opened.store.accounts
    book.put(Account(name="root", hash="$argon2id$1", full_name="Administrator", administrator=True))
    opened.now += 10
    book.put(msgspec.structs.replace(book.get("root"), failures=2, locked_until=NOW + 900))
    assert book.get("root").password_changed == NOW  # type: ignore[union-attr]
    book.put(msgspec.structs.replace(book.get("root"), hash="$argon2id$2"))
    book.put(Account(name="gone", hash="x"))
    book.remove("gone")
    book.remove("gone")
    [kept] = opened.again().accounts.all()
    assert (kept.hash, kept.administrator, kept.password_changed) == ("$argon2id$2", True, NOW + 10)
    assert (kept.failures, kept.locked_until, kept.full_name) == (2, NOW + 900, "Administrator")
    assert opened.store.accounts.get("nobody") is None


def test_an_unfinished_intent_is_found_with_its_undos_in_order(opened: Again) -> None:
    intents = opened.store.intents
    finished, left = intents.begin("CreateVM_Task", "a"), intents.begin("Destroy_Task", "b")
    for intent in (finished, left):
        intents.add(intent, ("delete_file", "ds", "x/x.vmdk"))
        intents.add(intent, ("finish", [["ds", "ä"]], {"n": None}))
    intents.done(finished)
    intents.done(finished)
    assert intents.unfinished() == []  # of this run none was interrupted
    intents = opened.again().intents
    undos = [("delete_file", "ds", "x/x.vmdk"), ("finish", [["ds", "ä"]], {"n": None})]
    assert intents.unfinished() == [(left, "Destroy_Task", undos)]
    assert intents.unfinished_keys() == {left: "b"}
    newer = intents.begin("Next_Task", "")
    assert newer != left
    intents.done(newer)
    intents.done(left)
    assert intents.unfinished() == []
    assert opened.again().intents.unfinished() == []


def task(number: int, **changes: object) -> TaskRecord:
    record = TaskRecord(
        key=f"haTask-1-vim.VirtualMachine.powerOn-{number}", number=number, name="PowerOnVM_Task",
        description_id="VirtualMachine.powerOn", entity=MoRef("VirtualMachine", "1"), entity_name="web", user="root",
        queued=MOMENT, activation_id="op-1",
    )  # fmt: skip
    return msgspec.structs.replace(record, **changes)


def test_a_finished_task_stays_as_it_ended(opened: Again) -> None:
    history = opened.store.history
    fault = vim.InvalidPowerState(requestedState="poweredOn", existingState="poweredOn", msg="It runs.")
    good = task(1, state="success", completed=MOMENT, result=MoRef("VirtualMachine", "2"))
    bad = task(2, state="error", completed=MOMENT, error=fault)
    for record in (good, bad):
        history.remember(task(record.number))
        history.remember(record)
    history = opened.again().history
    assert history.interrupted() == []
    assert history.next_number == 3
    shown = [msgspec.structs.asdict(record) for record in reversed(history.newest(10))]
    assert shown == [msgspec.structs.asdict(record) for record in (good, bad)]
    assert history.newest(1)[0].error.msg == "It runs."  # type: ignore[union-attr]


def test_a_task_that_a_stop_interrupted_has_failed(opened: Again) -> None:
    opened.store.history.remember(task(7, state="running", started=MOMENT, cancelable=True, progress=40))
    opened.now += 60
    [record] = opened.again().history.interrupted()
    assert (record.key, record.state, record.cancelable, record.progress) == (task(7).key, "error", False, None)
    assert record.completed is not None and record.completed.timestamp() == NOW + 60
    assert record.error is not None and record.error._type.name == "SystemError" and record.error.msg
    history = opened.again().history
    assert (history.interrupted(), history.newest(1)) == ([], [record])
    assert history.next_number == 8


def test_old_tasks_are_dropped_and_numbers_go_on() -> None:
    database = Database(":memory:", threaded=False)
    history = History(database, lambda: NOW, keep=10)
    for number in range(1, 250):
        history.remember(task(number, state="success"))
    database.flushed()
    assert 10 <= len(history.newest(1000)) <= 110
    again = History(database, lambda: NOW, keep=10)
    assert again.newest(1000) == history.newest(1000)
    assert again.next_number == 250


def test_values_of_the_contract_come_back_from_plain_json() -> None:
    value = vim.VirtualMachineConfigSpec(
        name="ä",
        numCPUs=2,
        memoryMB=1 << 40,
        extraConfig=[
            vim.OptionValue(key="a", value=Long(3)),
            vim.OptionValue(key="b", value=Array("xsd:int", (1, 2))),
        ],
        createDate=MOMENT,
    )
    text = msgspec.json.encode(to_plain(value))
    again = from_plain(msgspec.json.decode(text))
    assert again == value
    assert type(again.extraConfig[0].value) is Long
    assert from_plain(to_plain((True, None, 1.5, b"\0\xff", MoRef("Task", "x")))) == (
        (True, None, 1.5, b"\0\xff", MoRef("Task", "x"))
    )
    with pytest.raises(TypeError):
        to_plain(object())


def test_secrets_are_not_written_and_forgotten_types_stay_readable() -> None:
    spec = vim.HostConnectSpec(hostName="h", userName="u", password="secret", force=False)
    assert to_plain(spec) == {"$type": "HostConnectSpec", "hostName": "h", "userName": "u", "force": False}
    assert from_plain({"$type": "NoLongerThere", "x": 1}) is None
    assert from_plain({"$type": "NoLongerThere", "$msg": "It failed."}).msg == "It failed."
    assert from_plain({"$type": "NotFound", "goneMember": 1}) == vim.NotFound()
