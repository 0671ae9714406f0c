"""The contract every driver keeps, tested against a real peer of its protocol; a driver joins with one `case_<name>.py`."""
