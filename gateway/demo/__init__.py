"""The demo plant: a simulated PLC with its watchdog, a broker, sensors and a throw-away CA. For trying and for tests.

May touch: its own processes, sockets and directories; pymodbus and amqtt (extra `demo`), aiomqtt, cryptography.
May not touch: any other room of the gateway; the gateway knows the plant only through its protocols.
"""
