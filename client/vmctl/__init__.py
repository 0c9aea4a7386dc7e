"""`vmctl`: a client of the vSphere Web Services API, as a library and as a command line.

>>> from vmctl import connect
>>> with connect("https://host:8443", "root", "secret", fingerprint="12:ab:…") as session:    # doctest: +SKIP
...     for machine in session.find("VirtualMachine", "name", "runtime.powerState"):
...         print(machine["name"], machine["runtime.powerState"])
...     task = session.call("PowerOnVM_Task", session.named("VirtualMachine", "web").ref)
...     session.wait(task, progress=print)

Law: it knows the server by the contract alone, never by its code: `vmsdk` is not imported, not even for a name. Names of the
contract are never translated. The library neither prints nor ends the program; the command line stands in `commands/`.
"""

from .errors import Fault, Problem
from .session import Found, Session, connect

__all__ = ["Fault", "Found", "Problem", "Session", "connect"]
