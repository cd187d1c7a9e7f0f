"""
Where the time goes: a picture of a warm page and a build, stage by stage, beside the whole.

`python -m sandbox.profile`. A stage is timed by itself, with what it is given on a real page; what the whole takes
beyond the sum of its stages is shown as the rest. Processor time alone: what Redis and a disk do meanwhile is left
out. Machines differ: the shares are the figures, an absolute time is not.
"""
