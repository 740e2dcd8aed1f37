"""The tests; a package so that `from tests.kit...` means this folder and no other."""
