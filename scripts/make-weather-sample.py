#!/usr/bin/env python3
"""Writes weather readings and traffic incidents like those of the format-conversion pipeline's source, made up.

DIR/weather-sample.csv-part0 … -part<N-1>: comma separated, 30 columns, the same first row in each. DIR/crash-incidents-sample.json: an object a
line, with nulls, arrays and one struct; the last line ends the file. The same files for the same options, byte for byte.

    scripts/make-weather-sample.py --out DIR [--parts 2] [--rows 19] [--incidents 10] [--seed 1]
"""
import argparse
import datetime
import json
import os
import random
import sys

HEADER = (
    "RowID,DateTime,TempOut,HiTemp,LowTemp,OutHum,DewPt,WindSpeed,WindDir,WindRun,HiSpeed,HiDir,WindChill,HeatIndex,THWIndex,Bar,Rain,RainRate,"
    "HeatDD,CoolDD,InTemp,InHum,InDew,InHeat,InEMC,InAirDensity,WindSamp,WindTx,ISSRecpt,ArcInt")
FIRST = datetime.datetime(2017, 7, 28, 3)
WINDS = ["---", "N", "NE", "E", "SE", "S", "SW", "W", "NW"]
STREETS = ["MILL RD", "HARBOR ST", "OLD COUNTY RD", "ORCHARD AVE", "QUARRY LN"]
VEHICLES = ["PASSENGER CAR", "PICKUP", "SPORT UTILITY", "VAN", "MOTORCYCLE"]
FACTORS = ["NONE", "FAILED TO YIELD", "EXCEEDED SAFE SPEED", "INATTENTION", "FOLLOWED TOO CLOSE"]


def weather_row(at, draw):
    when = FIRST + datetime.timedelta(minutes=15 * at)
    temp = round(draw.uniform(40, 90), 1)
    wind = draw.choice([0, 0, draw.randrange(1, 15)])
    run = round(wind * 0.25, 2)
    inside = round(draw.uniform(66, 74), 1)
    cells = [
        when.isoformat(), when.strftime("%m/%d/%Y %I:%M:%S %p"), temp, round(temp + 0.3, 1), round(temp - 0.1, 1), draw.randrange(30, 100),
        round(temp - draw.uniform(2, 20), 1), wind, draw.choice(WINDS[1:]) if wind else WINDS[0], run if run % 1 else int(run),
        wind + 2 if wind else 0, draw.choice(WINDS[1:]) if wind else WINDS[0],
        temp, round(temp - 0.1, 1), round(temp - 0.1, 1), round(draw.uniform(29.2, 30.4), 2), 0, 0,
        round(max(0, 65 - temp) / 96, 3), 0, inside, draw.randrange(45, 65), round(inside - 15, 1), round(inside - 0.6, 1), 10.95,
        round(draw.uniform(0.0735, 0.0745), 4), 351 - draw.randrange(4), 1, 100 - draw.randrange(3), 15]
    return ",".join(str(c) for c in cells)


def incident(at, draw):
    when = datetime.datetime(2016, 1, 1) + datetime.timedelta(hours=draw.randrange(24 * 600))
    lat, lon = round(draw.uniform(35.6, 36.1), 6), round(draw.uniform(-79.0, -78.3), 6)
    vehicles = [draw.choice(VEHICLES) for _ in range(draw.randrange(1, 4))]
    vehicle = dict(enumerate(vehicles, 1))
    return {
        "vehicle4": None, "contrfact1": draw.choice(FACTORS), "month": str(when.month), "weather": draw.choice(["CLEAR", "RAIN", "CLOUDY"]),
        "fatalities": "No", "numpassengers": draw.choice([None, 0, 1, 2, 3]), "year": str(when.year), "injuries": draw.choice(["Yes", "No"]),
        "ta_date": when.strftime("%Y-%m-%d"), "zone": None if at % 3 else "Z%d" % draw.randrange(9), "vehicle1": vehicle[1],
        "vehicle2": vehicle.get(2), "vehicle3": vehicle.get(3), "lon": lon, "vehicle5": None,
        "contributing_factor": draw.sample(FACTORS, draw.randrange(1, 3)), "geo_location": {"lat": lat, "lon": lon},
        "rdconfigur": ["TWO-WAY, NOT DIVIDED"], "lat": lat, "records": 1, "street": draw.choice(STREETS) + (' "BYPASS"' if at % 4 == 1 else ""),
        "day_of_week": when.strftime("%A"), "light": draw.choice(["DAYLIGHT", "DARK, LIGHTED"]), "contrfact2": draw.choice([None, "NONE"]),
        "vehicle_type": vehicles, "tamainid": 100000 + at, "rdclass": draw.choice([["LOCAL STREET"], ["STATE ROUTE", "US ROUTE"], []]),
        "city": draw.choice(["Apex", "Cary", "Garner"]), "fatality": 0, "ta_time": when.strftime("%H:%M"), "hour": str(when.hour),
        "rdcharacter": draw.choice([["STRAIGHT", "LEVEL"], ["CURVE"]]), "rdsurface": "SMOOTH ASPHALT",
        "rdcondition": draw.choice(["DRY", "WET"]), "rdfeature": None, "traffic_control": draw.choice([None, "STOP SIGN", "SIGNAL"]),
        "lat2": round(lat + 0.001, 6), "workarea": "No", "possblinj": draw.randrange(3), "lon2": round(lon - 0.001, 6), "county": "WAKE",
        "crash_type": draw.choice(["REAR END", "ANGLE", "FIXED OBJECT"]), "hitrun": draw.choice(["Yes", "No"]),
        "speed_limit": str(draw.choice([25, 35, 45])),
        "district": None, "location_desc": "été près du pont" if at == 2 else "AT INTERSECTION", "numpedestrians": draw.choice([None, "0", "1"]),
    }


def write_weather(arguments):
    draw, at = random.Random("weather %d" % arguments.seed), 0
    for part in range(arguments.parts):
        count = arguments.rows * (part + 1) // arguments.parts - arguments.rows * part // arguments.parts
        path = os.path.join(arguments.out, "weather-sample.csv-part%d" % part)
        with open(path, "w", encoding="ascii", newline="") as f:
            f.write(HEADER + "\n")
            for _ in range(count):
                f.write(weather_row(at, draw) + "\n")
                at += 1


def write_incidents(arguments):
    draw = random.Random("incidents %d" % arguments.seed)
    with open(os.path.join(arguments.out, "crash-incidents-sample.json"), "w", encoding="utf-8", newline="") as f:
        for at in range(arguments.incidents):
            f.write("\n" if at else "")
            json.dump(incident(at, draw), f, ensure_ascii=False, separators=(",", ":"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="the folder, which is made")
    parser.add_argument("--parts", type=int, default=2, help="weather files")
    parser.add_argument("--rows", type=int, default=19, help="weather readings in all")
    parser.add_argument("--incidents", type=int, default=10, help="incidents")
    parser.add_argument("--seed", type=int, default=1, help="other numbers, other data")
    arguments = parser.parse_args()
    if arguments.parts < 1 or arguments.rows < arguments.parts or arguments.incidents < 1:
        parser.error("at least a part, a reading in each, and an incident")
    os.makedirs(arguments.out, exist_ok=True)
    write_weather(arguments)
    write_incidents(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
