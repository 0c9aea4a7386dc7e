"""Real machines: the port over libvirt, QEMU, and directories of files.

Law: libvirt's words stay in this room; what leaves it are records and errors of the port.
"""

import os

# libvirt reads these when it is first imported, and writes a warning to the terminal for every machine it starts as
# root ("tainted: high-privileges") otherwise. Whoever wants its log sets the variables; their word counts.
if not {"LIBVIRT_DEBUG", "LIBVIRT_LOG_FILTERS", "LIBVIRT_LOG_OUTPUTS"} & set(os.environ):
    os.environ["LIBVIRT_DEBUG"] = "4"
