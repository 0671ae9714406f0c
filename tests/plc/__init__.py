"""The watchdog blocks that go into PLCs, run as they are shipped."""
