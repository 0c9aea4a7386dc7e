"""Hosts that run machines: the port (records, errors, interface) and its backends."""
