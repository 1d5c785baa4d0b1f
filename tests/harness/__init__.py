"""What the black-box tests stand on: a daemon in a sandbox, ways to talk to it, ways to look at it."""
