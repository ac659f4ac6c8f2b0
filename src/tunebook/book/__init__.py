"""The recipes and options that there are: found on disk, explained, copied, compared, checked.

Everything here reads files alone: no torch, no network.
"""
