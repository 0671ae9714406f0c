"""Foreign peers: servers and clients of the protocols that were not written by us, and a proxy that spoils connections."""
