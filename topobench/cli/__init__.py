"""The command `topobench`: options, unpack, one call; each command imports what it needs when it is called."""
