"""vim25 devices <-> records, a file for each kind. `build` changes a machine's devices by a spec, `show` spells them for clients."""
