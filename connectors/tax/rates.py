"""Standard rates of value-added and sales tax: data, with its date.

Entered by hand, as known at `VERSION`; check against the European Commission's "VAT rates applied in the Member States"
and the other countries' tax authorities before relying on a figure. US states: the general rate with its mandatory
state-wide additions, without county and city taxes. To change a rate, change it here and raise `VERSION`.
"""

from decimal import Decimal

VERSION = "2026-11"

TAX_ADDED = frozenset({"US", "CA"})
"""Where prices are shown without tax."""


def _fractions(percent: str) -> dict[str, Decimal]:
    pairs = (entry.split("=") for entry in percent.split())
    return {name: Decimal(value) / 100 for name, value in pairs}


RATES = _fractions(
    "AT=20 BE=21 BG=20 CY=19 CZ=21 DE=19 DK=25 EE=24 ES=21 FI=25.5 FR=20 GR=24 HR=25 HU=27 IE=23 IT=22 LT=21 LU=17 "
    "LV=21 MT=18 NL=21 PL=23 PT=23 RO=21 SE=25 SI=22 SK=23 "
    "GB=20 CH=8.1 LI=8.1 NO=25 IS=24 TR=20 "
    "JP=10 KR=10 SG=9 TW=5 AU=10 NZ=15 AE=5 SA=15 BH=10 OM=5 KW=0 MX=16 CL=19 ZA=15 CA=5"
)

REGIONAL_RATES = {
    ("US", region): rate
    for region, rate in _fractions(
        "AL=4 AK=0 AZ=5.6 AR=6.5 CA=7.25 CO=2.9 CT=6.35 DE=0 DC=6 FL=6 GA=4 HI=4 ID=6 IL=6.25 IN=7 IA=6 KS=6.5 KY=6 "
        "LA=5 ME=5.5 MD=6 MA=6.25 MI=6 MN=6.875 MS=7 MO=4.225 MT=0 NE=5.5 NV=6.85 NH=0 NJ=6.625 NM=4.875 NY=4 NC=4.75 "
        "ND=5 OH=5.75 OK=4.5 OR=0 PA=6 RI=7 SC=6 SD=4.2 TN=7 TX=6.25 UT=6.1 VT=6 VA=5.3 WA=6.5 WV=6 WI=5 WY=4"
    ).items()
} | {
    ("CA", province): rate
    for province, rate in _fractions(
        "ON=13 NB=15 NL=15 NS=14 PE=15 QC=14.975 BC=12 MB=12 SK=11 AB=5 NT=5 NU=5 YT=5"
    ).items()
}
