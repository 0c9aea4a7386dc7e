"""The wire faces: one vim25 class, one file, one test file. A face is thin; the thing itself lives in `engine`, `collector` or below."""
