"""Services are those that really run; options keep what clients leave in them and refuse what does not fit."""

from __future__ import annotations

import pytest

from vmsdk.engine.managed_object import ManagedObject
from vmsdk.managed_objects.host_faces import host_faces
from vmsdk.managed_objects.host_options import ADVANCED_OPTIONS
from vmsdk.managed_objects.host_programs import ServiceSeen, look
from vmsdk.managed_objects.host_service_system import HostServiceSystem
from vmsdk.managed_objects.option_manager import Option, OptionManager
from vmsdk.store.store import Store
from vmsdk.wsdl import Long, vim

from .small_site import CALL, encoded, put, small_site


def options_of(site) -> OptionManager:
    put(site, host_faces(site))
    return site.inventory.get("ha-adv-options")


def change(key, value):
    return [vim.OptionValue(key=key, value=value)]


# --- services ------------------------------------------------------------------------------------------------

def test_services_are_found_by_their_programs_and_by_what_starts_them(tmp_path):
    for number, name in enumerate(("sshd", "bash", "chronyd"), 100):
        (tmp_path / "proc" / str(number)).mkdir(parents=True)
        (tmp_path / "proc" / str(number) / "comm").write_text(name + "\n")
    (tmp_path / "proc" / "200").mkdir()  # a process that just went
    wants = tmp_path / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "ssh.service").symlink_to("/nowhere")
    seen = {s.key: (s.running, s.starts) for s in look(str(tmp_path))}
    assert seen == {"TSM-SSH": (True, True), "ntpd": (True, False), "snmpd": (False, False), "vmsyslogd": (False, False)}


def test_a_simulated_host_has_our_own_service_alone_running():
    site = small_site("small")
    put(site, host_faces(site))
    services = site.inventory.get("serviceSystem").serviceInfo().service
    assert [s.key for s in services if s.running] == ["vmctld"]
    assert {"TSM-SSH", "ntpd"} <= {s.key for s in services}


def test_services_are_looked_at_again_when_a_client_says_so():
    seen = [ServiceSeen("ntpd", "NTP Daemon", False, True)]
    system = HostServiceSystem(small_site("small"), "serviceSystem", lambda: tuple(seen))
    before = system.serviceInfo().service[0]
    assert (before.running, before.policy) == (False, "on")
    seen[0] = ServiceSeen("ntpd", "NTP Daemon", True, True)
    assert system.serviceInfo().service[0].running is False
    system.RefreshServices(CALL)
    assert system.serviceInfo().service[0].running is True


def test_the_hosts_configuration_shows_what_its_managers_say():
    site = small_site("small")
    config = put(site, host_faces(site))[0].config()
    assert config.service == site.inventory.get("serviceSystem").serviceInfo()
    assert config.autoStart.defaults.startDelay == 120 and config.autoStart.powerInfo == ()
    assert [o.key for o in config.option] == [o.key for o in ADVANCED_OPTIONS]
    assert config.lockdownMode == "lockdownDisabled"


def test_a_manager_that_has_nothing_yet_is_there_and_has_no_properties():
    site = small_site("small")
    put(site, host_faces(site))
    face: ManagedObject = site.inventory.get("ha-firmwareSystem")
    assert (face.ref.type, face.props, face.operations) == ("HostFirmwareSystem", {}, {})


# --- options -------------------------------------------------------------------------------------------------

def test_options_are_asked_by_key_by_prefix_or_all():
    options = options_of(small_site("small"))
    assert [o.key for o in options.QueryOptions(CALL, name="Annotations.WelcomeMessage")] == ["Annotations.WelcomeMessage"]
    assert {o.key.partition(".")[0] for o in options.QueryOptions(CALL, name="UserVars.")} == {"UserVars"}
    assert len(options.QueryOptions(CALL)) == len(ADVANCED_OPTIONS)
    for name in ("UserVars", "No.Such", "No."):
        with pytest.raises(vim.InvalidName) as refused:
            options.QueryOptions(CALL, name=name)
        assert refused.value.name == name


def test_a_long_option_goes_out_as_a_long():
    site = small_site("small")
    assert '<value xsi:type="xsd:long">900</value>' in (encoded(options_of(site), "setting") or "")


def test_what_is_set_is_kept_over_a_restart():
    store = Store.in_memory()
    options = options_of(small_site("small", store=store))
    options.UpdateOptions(CALL, changedValue=change("UserVars.SuppressShellWarning", Long(1)))
    again = options_of(small_site("small", store=store))
    assert again.QueryOptions(CALL, name="UserVars.SuppressShellWarning")[0].value == 1


def test_who_watches_an_option_hears_of_its_change():
    site = small_site("small")
    options = options_of(site)
    reads, _ = site.graph.track(options.setting)
    assert options._kept in reads


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("No.Such", "x", "InvalidName"),
        ("UserVars.SuppressShellWarning", Long(2), "InvalidArgument"),
        ("UserVars.SuppressShellWarning", True, "InvalidArgument"),
        ("UserVars.SuppressShellWarning", "1", "InvalidArgument"),
        ("Annotations.WelcomeMessage", Long(1), "InvalidArgument"),
        ("Annotations.WelcomeMessage", None, "InvalidArgument"),
        ("Config.HostAgent.plugins.solo.enableMob", True, "InvalidArgument"),
    ],
)
def test_a_value_that_does_not_fit_changes_nothing(key, value, fault):
    options = options_of(small_site("small"))
    before = options.setting()
    with pytest.raises(getattr(vim, fault)):
        options.UpdateOptions(CALL, changedValue=[*change("UserVars.SuppressCoredumpWarning", Long(1)), *change(key, value)])
    assert options.setting() == before


def test_the_sessions_limit_is_the_one_that_holds():
    site = small_site("small", idle_seconds=600)
    (option,) = options_of(site).QueryOptions(CALL, name="Config.HostAgent.vmacore.soap.sessionTimeout")
    assert option.value == 10


def test_every_kind_of_option_can_be_said():
    table = (
        Option(key="a.string", label="s"), Option(key="a.long", label="l", kind="long", default=1),
        Option(key="a.int", label="i", kind="int", default=1), Option(key="a.bool", label="b", kind="bool", default=True),
        Option(key="a.choice", label="c", kind="choice", default="two", choices=("one", "two")),
    )  # fmt: skip
    options = OptionManager(small_site("small"), "HostAgentSettings", table)
    kinds = [type(d.optionType).__name__ for d in options.supportedOption()]
    assert kinds == ["StringOption", "LongOption", "IntOption", "BoolOption", "ChoiceOption"]
    assert encoded(options, "supportedOption") and encoded(options, "setting")
    options.UpdateOptions(CALL, changedValue=[*change("a.bool", False), *change("a.choice", "one"), *change("a.int", 7)])
    assert [o.value for o in options.setting()] == ["", 1, 7, False, "one"]
