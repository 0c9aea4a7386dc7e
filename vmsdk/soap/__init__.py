"""SOAP 1.1: framing (`envelope`) and the stop of cold operations (`spyne`)."""
