"""vmhttpd: the reverse proxy in front of vmctld. TLS, one port, a table of paths, back ends on unix sockets.

Law: knows no libvirt and nothing of vmsdk; believes nothing that a client sends; a request is parsed strictly and
written anew for the back end, so both read it alike; every wait has a limit and every buffer a bound.
"""
