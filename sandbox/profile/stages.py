"""What there is to do, in the order of the work. To know the names takes no project."""

from __future__ import annotations

REST, WHOLE = "rest", "whole"
OTHERS = {
    REST: "what the whole takes beyond its stages",
    WHOLE: "all of it, measured by itself",
}

# Stage → what is done.
OF_A_PICTURE = {
    "response": "request, view and a page without pictures, shared by all of them",
    "loop and row": "the query, the row made into an object, the loop, the title",
    "variables": "`photo.image` and `photo.title` looked up",
    "attributes": "`alt` escaped, all attributes put together",
    "tag": "what else a tag does: who collects, which source, which spec, what its marker stands for",
    "marker": "remembered from an earlier page; else written and signed, for 1 µs more",
    "find and replace": "markers found in the page, markup put in their places",
    "key": "the cache key, and one of each picture",
    "get_many": "the one call of the cache",
    "parse": "the manifest of the cached text: a memo of a pure function",
    "markup": "the URLs and the element",
    "garbage": "Python's collector of it, which sets in as often as objects are made; left out above",
}

OF_A_BUILD = {
    "open": "the source in its storage",
    "header": "format, size, orientation",
    "decode": "at a reduced scale, once",
    "resize to 800 px": "of the decoded source",
    "resize to 400 px": "of the 800 px",
    "encode 800 px webp": "the bytes of a file",
    "encode 800 px jpeg": "the bytes of a file",
    "encode 400 px webp": "the bytes of a file",
    "encode 400 px jpeg": "the bytes of a file",
    "save": "four files, each complete or absent, synced",
    "records": "source and picture, the claim, the result",
    "cache": "the manifest written",
}
