"""What a peer needs beside its tags and settings. Loaded by the contestants' own processes alone."""
