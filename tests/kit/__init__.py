"""Helpers the tests share.

oracles     slow, obviously right references in plain NumPy
strict      a stand-in for CuPy that shows CuPy-only mistakes on a machine without a GPU
"""
