"""
The library beside its peers: the same rows, files and markup, each contestant in a process of its own.

`python -m sandbox.peers`, or `make bench-peers`. The peers live in an environment under build/, of which this
project knows nothing else.
"""
