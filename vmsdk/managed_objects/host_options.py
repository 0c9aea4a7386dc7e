"""The host's advanced options: those of ESXi's that mean something here.

Two sorts: notes that clients leave on a host for each other (greetings, what the web client remembers), and facts of this server
under the names that clients look for. Switches of a kernel that is not ours are not here: to answer for them would be a lie.
"""

from __future__ import annotations

from ..engine.site import Site
from .option_manager import Option


def _session_minutes(site: Site) -> int:
    return (site.settings.idle_seconds or site.personality.idle_seconds) // 60


ADVANCED_OPTIONS: tuple[Option, ...] = (
    Option(key="Annotations.WelcomeMessage", label="Welcome message"),
    Option(
        key="Config.HostAgent.plugins.solo.enableMob", label="Debug Managed Object Browser enabled", kind="bool", default=False,
        told=lambda site: False,
    ),
    Option(
        key="Config.HostAgent.vmacore.soap.sessionTimeout", label="vmacore.soap.sessionTimeout",
        summary="Minutes until an idle session ends", kind="int", default=30, told=_session_minutes,
    ),
    Option(key="UserVars.HardwareHealthIgnoredSensors", label="Hardware Health Ignored Sensors"),
    Option(key="UserVars.HostClientCEIPOptIn", label="Host client CEIP opt-in state", kind="long", default=0, most=2),
    Option(
        key="UserVars.HostClientDefaultConsole", label="Default console type when clicking on screen shot", default="webmks"
    ),
    Option(key="UserVars.HostClientEnableMOTDNotification", label="Show MOTD notification", kind="long", default=1, most=1),
    Option(key="UserVars.HostClientEnableVisualEffects", label="Enable visual effects", kind="long", default=1, most=1),
    Option(key="UserVars.HostClientSessionTimeout", label="Web client session timeout", kind="long", default=900, most=7200),
    Option(key="UserVars.HostClientShowOnlyRecentObjects", label="Show recent objects", kind="long", default=1, most=1),
    Option(
        key="UserVars.HostClientWelcomeMessage", label="Welcome message of the web client's login",
        default="Welcome to {{hostname}}",
    ),
    Option(key="UserVars.SuppressCoredumpWarning", label="SuppressCoredumpWarning", kind="long", default=0, most=1),
    Option(key="UserVars.SuppressHyperthreadWarning", label="SuppressHyperthreadWarning", kind="long", default=0, most=1),
    Option(key="UserVars.SuppressShellWarning", label="SuppressShellWarning", kind="long", default=0, most=1),
)  # fmt: skip
