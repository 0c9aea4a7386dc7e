"""One file for each group of commands; its `group` is found by `cli.py`. A command is one function."""
