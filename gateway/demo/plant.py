"""The simulated PLC of the demo plant: `python -m gateway.demo.plant --port 1502 [--script] [--control PATH]`.

A Modbus TCP server (codec: pymodbus) in front of `physics.Plant`. Every unit id answers. Zero-based addresses:

    what                        address         type           unit   range      remark
    tank1.level                 holding:100     float32/cdab   cm     0..300     pump7 drains, fill valve refills
    tank1.temperature           holding:102     float32/cdab   degC   0..120
    tank2.level                 holding:104     float32/cdab   cm     0..300     pump7 fills, pump8 drains
    tank2.temperature           holding:106     float32/cdab   degC   0..120
    pump7.pressure              holding:108     float32/cdab   bar    0..10      about 3.2 while pump7 runs
    pump7.flow                  holding:110     float32/cdab   L/min  0..100     about 42 while pump7 runs
    vent1.flow                  holding:112     float32/cdab   m3/h   0..2000    about 900 while vent1 runs
    tank1.level_b               holding:114     float32/cdab   cm     0..300     second transmitter, for voting
    tank1.level_c               holding:116     float32/cdab   cm     0..300     third transmitter
    gas1.lel                    input:100       uint16 x 0.1   %LEL   0..100     tank farm
    gas2.lel                    input:101       uint16 x 0.1   %LEL   0..100     pump pit
    gas4.h2s                    input:102       uint16 x 0.1   ppm    0..100     pickling hall
    tank1.current               input:103       uint16 x 0.001 mA     4..20      level transmitter as current (NE 43)

    outputs of the gateway (coils; while the watchdog is dropped the PLC overwrites them with `safe` each scan):
    pump7.permit                coil:20         bool                             safe 0
    vent1.start                 coil:22         bool                             safe 1: the fan must run
    horn1.on                    coil:23         bool                             safe 0
    beacon1.on                  coil:24         bool                             safe 0
    fill1.permit                coil:25         bool                             safe 0
    pump8.permit                coil:26         bool                             safe 0
    heat1.permit                coil:27         bool                             safe 0
    heartbeat                   holding:400     uint16                           the counter the PLC watches

    feedback (discrete inputs):
    watchdog.healthy            discrete:20     bool                             0 = dropped and latched
    pump7.running               discrete:21     bool                             contactor feedback, 80 ms
    vent1.running               discrete:22     bool
    fill1.open                  discrete:23     bool
    pump7.ready                 discrete:24     bool                             permit and watchdog healthy
    pump8.running               discrete:26     bool
    heat1.on                    discrete:27     bool

    the PLC about itself (input registers):
    counter                     input:400       uint16                           +1 every 100 ms: the reverse heartbeat
    watchdog.state              input:401       uint16                           1 healthy, 2 dropped
    watchdog.silence            input:402       uint16         ms                since the heartbeat changed, 65535 = long
    watchdog.trips              input:403       uint16
    heartbeat.seen              input:404       uint16                           the counter as the PLC sees it

    for people at the PLC (coils that clear themselves); NOT outputs of the gateway, keep them out of tags.csv as writable:
    watchdog.reset              coil:30         push                             refused while the heartbeat is silent
    pump7.start                 coil:31         push                             refused without permit (I15: reset never starts)
    pump7.stop                  coil:32         push
    pump7.auto                  coil:33         bool                             the PLC starts it itself 2 s after ready

Coils 0..63, discrete inputs 0..63, holding and input registers 0..499 answer; free ones hold 0 and holding registers 200..399
and coils 40..63 store what is written (for a write that went to the wrong address). A coil that is not free and not listed
refuses writes. `--script` tells the story of `script.py`. `--control PATH` opens a Unix socket with the fault hooks of
`faults.py`, one JSON object per line.
"""
