"""The units that plants write most, with what pint says of them: a start loads pint only for a unit that is not here.

Half a second of a start is pint and its definitions. `tests/rulebook/test_common_units.py` holds each row against pint itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

# symbol, scale to the base unit, offset where there is one; a heading names the dimension of the rows below it
_TABLE = """
= [length]^1
m 1
cm 1/100
mm 1/1000
um 1/1000000
µm 1/1000000
km 1000
ft 381/1250
in 127/5000
meter 1
= [length]^3
L 1/1000
l 1/1000
mL 1/1000000
kL 1
liter 1/1000
litre 1/1000
gal 473176473/125000000000
= [time]^1
s 1
ms 1/1000
us 1/1000000
min 60
h 3600
d 86400
day 86400
second 1
minute 60
hour 3600
= [temperature]^1
K 1
degC 1 5463/20
°C 1 5463/20
degF 5/9 45967/180
°F 5/9 45967/180
= [share]^1
% 1
= [lower_explosive_limit]^1
%LEL 1
= [volume_fraction]^1
%vol 1/100
%VOL 1/100
ppm 1/1000000
ppb 1/1000000000
= [mass]^1
mg 1/1000
g 1
kg 1000
t 1000000
= [length]^1 [mass]^1 [time]^-2
N 1000
kN 1000000
= [length]^2 [mass]^1 [time]^-2
Nm 1000
J 1000
kJ 1000000
MJ 1000000000
kWh 3600000000
Wh 3600000
MWh 3600000000000
cal 4184
kcal 4184000
= [length]^1 [mass]^-1
kNm 1000
= [length]^-1 [mass]^1 [time]^-2
Pa 1000
kPa 1000000
MPa 1000000000
bar 100000000
mbar 100000
psi 8896443230521/1290320
inH2O 24908891/100
mmH2O 196133/20
cmH2O 196133/2
mmHg 26664477483/200000
atm 101325000
hPa 100000
= [gauge_pressure]^1
barg 100000000
kPag 1000000
MPag 1000000000
psig 8896443230521/1290320
Pag 1000
mbarg 100000
= [absolute_pressure]^1
bara 100000000
kPaa 1000000
MPaa 1000000000
psia 8896443230521/1290320
Paa 1000
mbara 100000
= [length]^2 [mass]^1 [time]^-3
W 1000
kW 1000000
MW 1000000000
= [current]^-1 [length]^2 [mass]^1 [time]^-3
V 1000
mV 1
kV 1000000
= [current]^1
A 1
mA 1/1000
kA 1000
= [time]^-1
Hz 1
kHz 1000
MHz 1000000
= [current]^-2 [length]^2 [mass]^1 [time]^-3
ohm 1000
kohm 1000000
= [rotation]^1 [time]^-1
rpm 1/60
= [rotation]^1
r 1
rev 1
= [acidity]^1
pH 1
= [sound_level]^1
dB 1
= [sound_level_a]^1
dBA 1
= [turbidity]^1
NTU 1
= [reactive_power]^1
var 1
kvar 1000
= [apparent_power]^1
VA 1
kVA 1000
= [pieces]^1
pcs 1
= [relative_humidity]^1
%RH 1
= [current]^2 [length]^-2 [mass]^-1 [time]^3
S 1/1000
mS 1/1000000
uS 1/1000000000
µS 1/1000000000
= [length]^-2 [luminosity]^1
lux 1
= ratio
rad 1
= [normal_volume]^1
Nm3 1
= [standard_volume]^1
Sm3 1
= [substance]^1
mol 1
mmol 1/1000
= [luminosity]^1
lm 1
cd 1
= [current]^-1 [mass]^1 [time]^-2
T 1000
mT 1
= [current]^-2 [length]^2 [mass]^1 [time]^-2
H 1000
"""


def _read() -> Mapping[str, tuple[str, Fraction, Fraction]]:
    found, dimension = dict[str, tuple[str, Fraction, Fraction]](), ""
    for row in _TABLE.strip().splitlines():
        first, rest = row.split(" ", 1)
        if first == "=":
            dimension = rest
            continue
        scale, _, offset = rest.partition(" ")
        found[first] = (dimension, Fraction(scale), Fraction(offset or 0))
    return found


COMMON = _read()
