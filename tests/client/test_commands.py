"""The commands against a real vmctld; what they did is seen by pyVmomi."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from vmctl import commands

from tests.client.conftest import Shell
from tests.vmctld_process import Vmctld


def test_a_machine_is_made_as_asked_and_goes_with_its_disks(shell: Shell, witness: Any, server: Vmctld):
    image = "[datastore1] vm-0001/vm-0001.vmx"  # a file that is there; what is in it matters to no one here
    made = shell.json("vm", "create", "web", "--memory", "512M", "--cpus", "2", "--disk", "1G", "--disk", "1.5G", "--network", "VM Network",
                      "--iso", image)  # fmt: skip
    vm = witness("web")
    assert made == {"name": "web", "id": f"VirtualMachine:{vm._moId}"}
    hardware = vm.config.hardware
    assert (hardware.memoryMB, hardware.numCPU, vm.runtime.powerState) == (512, 2, "poweredOff")
    disks = [d.capacityInBytes for d in hardware.device if hasattr(d, "capacityInBytes")]
    cards = [d.backing.deviceName for d in hardware.device if hasattr(d, "macAddress")]
    [cd] = [d.backing.fileName for d in hardware.device if type(d).__name__ == "vim.vm.device.VirtualCdrom"]
    assert (disks, cards, cd) == ([1 << 30, 3 << 29], ["VM Network"], image)

    info = shell.json("vm", "info", "web")
    assert (info["state"], info["cpus"], info["instance_uuid"]) == ("off", 2, vm.config.instanceUuid)
    assert {"Hard disk 1", "Hard disk 2", "Network adapter 1"} <= set(info["devices"])

    assert shell("vm", "rm", "web").exit_code == 1, "a person who does not say yes keeps the machine"
    assert witness("web") is not None
    shell.done("vm", "rm", "web", "--yes")
    assert witness("web") is None


def test_power_commands_do_what_they_say_to_every_machine_named(shell: Shell, witness: Any):
    def states() -> list[str]:
        return [witness(name).runtime.powerState for name in ("vm-0001", "vm-0002")]

    both = ["vm-0001", "vm-0002"]
    shell.done("vm", "off", *both)
    assert states() == ["poweredOff", "poweredOff"]
    shell.done("vm", "on", *both)
    assert states() == ["poweredOn", "poweredOn"]
    shell.done("vm", "suspend", "vm-0002")
    assert states() == ["poweredOn", "suspended"]
    shell.done("vm", "on", "vm-0002")
    shell.done("vm", "reset", "vm-0001")
    assert states() == ["poweredOn", "poweredOn"]
    [reset] = [t for t in shell.json("task", "ls") if t["what"] == "VirtualMachine.reset"]
    assert (reset["on"], reset["state"], reset["error"]) == ("vm-0001", "success", None)


def test_shutdown_asks_the_guest(shell: Shell, witness: Any):
    shell.done("vm", "create", "bare", "--memory", "64M")
    shell.done("vm", "on", "bare")
    said = shell.refused("vm", "shutdown", "bare")
    assert "ToolsUnavailable" in said and "vmctl vm off" in said
    said = shell.refused("vm", "rm", "bare", "--yes")
    assert "InvalidPowerState" in said and witness("bare") is not None
    shell.done("vm", "rm", "bare", "--yes", "--force")
    assert witness("bare") is None


def test_a_table_for_people_and_json_for_programs(shell: Shell):
    head, *rows = shell.done("vm", "list").splitlines()
    assert head.split() == ["NAME", "STATE", "CPUS", "MEMORY_MIB", "IP", "ID"]
    listed = shell.json("vm", "list")
    assert [row.split()[0] for row in rows] == [vm["name"] for vm in listed] and len(listed) >= 3
    assert shell.done("-o", "json", "vm", "list") == shell.done("vm", "list", "-o", "json")
    host = shell.json("host", "info")
    assert (host["api"], host["threads"]) == ("8.0.3.0", 16) and host["memory_mib"] > host["memory_used_mib"] > 0


def test_any_operation_with_arguments_in_plain_words(shell: Shell, witness: Any):
    ident = witness("vm-0003")._moId
    machine = ["--object", f"VirtualMachine:{ident}"]
    extra = '[{"_type": "OptionValue", "key": "k", "value": "v"}]'
    shell.done("api", "ReconfigVM_Task", *machine, f'spec={{"annotation": "mine", "extraConfig": {extra}}}')
    config = witness("vm-0003").config
    assert config.annotation == "mine" and ("k", "v") in [(o.key, o.value) for o in config.extraConfig]
    found = shell.json("api", "FindByUuid", "--object", "searchIndex", f"uuid={config.uuid}", "vmSearch=true")
    assert found == f"VirtualMachine:{ident}"
    there = witness("vm-0003")
    config = '{"name": "spelled", "memoryMB": 64, "guestId": "otherGuest64", "files": {"vmPathName": "[datastore1]"}}'
    folder, pool = f"Folder:{there.parent._moId}", f"ResourcePool:{there.resourcePool._moId}"
    made = shell.json("api", "CreateVM_Task", "--object", folder, f"config={config}", f"pool={pool}")
    assert made == f"VirtualMachine:{witness('spelled')._moId}"
    listed = {row["operation"]: row["arguments"] for row in shell.json("api", "--list")}
    assert listed["CreateVM_Task"] == ["config", "pool", "host"]


def test_what_goes_wrong_says_what_to_do_next(shell: Shell):
    assert "VMCTL_URL=https://HOST" in shell.refused("vm", "list", VMCTL_URL="")
    assert "Check VMCTL_USER and VMCTL_PASSWORD" in shell.refused("vm", "list", VMCTL_PASSWORD="wrong")
    assert "cannot be reached" in shell.refused("vm", "list", VMCTL_URL="http://127.0.0.1:1")
    assert "unencrypted" in shell.refused("vm", "list", VMCTL_URL="http://192.0.2.1")
    assert re.search("There are: .*vm-0001, vm-0002", shell.refused("vm", "on", "vm-9"))
    assert "Did you mean Rename_Task" in shell.refused("api", "Renam_Task")
    assert "It takes newName" in shell.refused("api", "Rename_Task", "name=x")
    assert "is no VirtualMachineConfigSpec" in shell.refused("api", "ReconfigVM_Task", "spec=[]")
    assert "a VirtualMachineConfigSpec has no memory" in shell.refused("api", "ReconfigVM_Task", 'spec={"memory": 5}')
    assert "there is no network 'x'" in shell.refused("vm", "create", "n", "--network", "x")
    assert "write 512M, 8G" in shell("vm", "create", "n", "--disk", "huge").stderr


def test_names_of_others_cannot_command_the_terminal(shell: Shell, witness: Any):
    vm = witness("vm-0003")
    name = "a\x9b31mb\u202e"  # a colour by a C1 control, and what turns the rest of the line round
    shell.done("api", "Rename_Task", "--object", f"VirtualMachine:{vm._moId}", f"newName={name}")
    assert vm.name == name
    shown = shell.done("vm", "list")
    assert "a\ufffd31mb\ufffd" in shown and not {"\x9b", "\u202e"} & set(shown)
    shell.done("api", "Rename_Task", "--object", f"VirtualMachine:{vm._moId}", "newName=vm-0003")
    assert vm.name == "vm-0003"


def test_python_dash_m_vmctl_is_the_same_program(environment: dict[str, str], shell: Shell):
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        settings = {**os.environ, **environment}
        return subprocess.run([sys.executable, "-m", "vmctl", *words], env=settings, capture_output=True, text=True, timeout=60)

    assert run("vm", "list", "-o", "json").stdout == shell.done("vm", "list", "-o", "json")
    failed = run("vm", "on", "nobody")
    assert (failed.returncode, failed.stdout) == (1, "") and re.match("Error: there is no VirtualMachine 'nobody'\n", failed.stderr)


CLOCK = '''
import click
from vmctl.app import App
from vmctl.cli import Command

@click.command(cls=Command)
@click.pass_obj
def group(app: App) -> None:
    """The server's time."""
    app.facts({"time": app.session.call("CurrentTime", app.session.ref("ServiceInstance", "ServiceInstance"))})
'''


def test_one_more_file_is_one_more_command(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "clock.py").write_text(CLOCK)
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    assert re.search(r"clock +The server's time", shell.done("--help"))
    assert re.match(r"\d{4}-\d\d-\d\dT", shell.json("clock")["time"])
