"""HTTP of the daemon: a lean protocol on a C parser, and what answers at each path. Twisted only; no SOAP knowledge but `sdk`."""
